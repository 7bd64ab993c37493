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

static bool prepare(int fd, struct error *err)
{
	const int on = 1;
	struct ip ip;
	uint16_t port;
	char text[IP_TEXT];

	/* Accepted sockets inherit it: replies leave as they are made. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return error_errno(err, "cannot use a listening socket");
	if (!net_local_address(fd, &ip, &port, err))
		return false;
	ip_format(&ip, text);
	log_event(LOG_INFO, "listening", LOG_TEXT("address", text),
	    LOG_NUMBER("port", port));
	return true;
}

static bool add(struct listeners *listeners, int fd, struct error *err)
{
	listeners->fds[listeners->count++] = fd;
	return prepare(fd, err);
}

static bool open_configured(struct listeners *listeners,
    const struct list *addresses, struct error *err)
{
	struct listen_address address;
	int fd;

	if (addresses->count > LISTENERS_MAX)
		return error_set(err, ERROR_CONFIG,
		    "SMTP_LISTEN has more than %d addresses", LISTENERS_MAX);
	for (size_t i = 0; i < addresses->count; i++) {
		const char *text = addresses->items[i];

		if (!listen_address_parse(text, strlen(text), &address, err))
			return false;
		if (address.tls)
			return error_set(err, ERROR_CONFIG,
			    "SMTP_LISTEN: %s: TLS is not served by this "
			    "version",
			    text);
		if (!net_listen(&address, &fd, err) || !add(listeners, fd, err))
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
	for (size_t i = 0; i < inherited; i++)
		if (!add(listeners, first + (int)i, err))
			return false;
	return true;
}

void listeners_close(struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++)
		(void)close(listeners->fds[i]);
	listeners->count = 0;
}
