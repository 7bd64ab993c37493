#include "smtpd/listener.h"

#include "base/errors.h"
#include "base/log.h"
#include "base/net.h"
#include "base/service.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Whether SMTP_LISTEN wants TLS on this port. */
static bool is_tls_port(const struct config *config, uint16_t port)
{
	struct listen_address address;
	struct error err;

	for (size_t i = 0; i < config->smtp_listen.count; i++) {
		const char *text = config->smtp_listen.items[i];

		if (listen_address_parse(text, strlen(text), &address, &err) &&
		    address.port == port)
			return address.tls;
	}
	return false;
}

static bool prepare(
    struct listener *listener, const struct config *config, struct error *err)
{
	const int on = 1;
	int fd = listener->fd;
	struct ip ip;
	uint16_t port;
	char text[IP_TEXT];

	/* Accepted sockets inherit it: replies leave as they are made. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return error_errno(err, "cannot use a listening socket");
	if (!net_local_address(fd, &ip, &port, err))
		return false;
	if (config != NULL)
		listener->tls = is_tls_port(config, port);
	ip_format(&ip, text);
	log_event(LOG_INFO, "listening", LOG_TEXT("address", text),
	    LOG_NUMBER("port", port), LOG_BOOL("tls", listener->tls));
	return true;
}

static bool open_configured(struct listeners *listeners,
    const struct list *addresses, struct error *err)
{
	struct listen_address address;
	struct listener *listener;
	int fd;

	if (addresses->count > LISTENERS_MAX)
		return error_set(err, ERROR_CONFIG,
		    "SMTP_LISTEN has more than %d addresses", LISTENERS_MAX);
	for (size_t i = 0; i < addresses->count; i++) {
		const char *text = addresses->items[i];

		if (!listen_address_parse(text, strlen(text), &address, err))
			return false;
		if (!net_listen(&address, &fd, err))
			return false;
		listener = &listeners->all[listeners->count++];
		*listener = (struct listener){.fd = fd, .tls = address.tls};
		if (!prepare(listener, NULL, err))
			return false;
	}
	return true;
}

bool listeners_open(
    struct listeners *listeners, const struct config *config, struct error *err)
{
	int first;
	size_t inherited = service_inherited_sockets(&first);

	*listeners = (struct listeners){.count = 0};
	if (inherited == 0)
		return open_configured(listeners, &config->smtp_listen, err);
	if (inherited > LISTENERS_MAX)
		return error_set(err, ERROR_CONFIG,
		    "more than %d sockets were passed in", LISTENERS_MAX);
	for (size_t i = 0; i < inherited; i++) {
		struct listener *listener = &listeners->all[listeners->count++];

		*listener = (struct listener){.fd = first + (int)i};
		if (!prepare(listener, config, err))
			return false;
	}
	return true;
}

bool listeners_need_tls(const struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++)
		if (listeners->all[i].tls)
			return true;
	return false;
}

void listeners_close(struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++)
		(void)close(listeners->all[i].fd);
	listeners->count = 0;
}
