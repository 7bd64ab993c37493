#include "base/listeners.h"

#include "base/errors.h"
#include "base/log.h"
#include "base/service.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_tls_port(
    const struct listen_address *addresses, size_t count, uint16_t port)
{
	for (size_t i = 0; i < count; i++)
		if (addresses[i].port == port)
			return addresses[i].tls;
	return false;
}

/* Takes it in, so that it is closed whatever comes. */
static struct listener *add(struct listeners *listeners, int fd, bool tls)
{
	struct listener *listener = &listeners->all[listeners->count++];

	*listener = (struct listener){fd, tls};
	return listener;
}

static bool prepare(
    int fd, uint16_t *port, char address[IP_TEXT], struct error *err)
{
	const int on = 1;
	struct ip ip;

	/* Accepted sockets inherit it: answers leave as they are made. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return error_errno(err, "cannot use a listening socket");
	if (!net_local_address(fd, &ip, port, err))
		return false;
	ip_format(&ip, address);
	return true;
}

static void log_listener(
    const struct listener *listener, const char *address, uint16_t port)
{
	log_event(LOG_INFO, "listening", LOG_TEXT("address", address),
	    LOG_NUMBER("port", port), LOG_BOOL("tls", listener->tls));
}

static bool open_addresses(struct listeners *listeners,
    const struct listen_address *addresses, size_t count, struct error *err)
{
	char address[IP_TEXT] = "";
	struct listener *listener;
	uint16_t port = 0;
	int fd;

	for (size_t i = 0; i < count; i++) {
		if (!net_listen(&addresses[i], &fd, err))
			return false;
		listener = add(listeners, fd, addresses[i].tls);
		if (!prepare(fd, &port, address, err))
			return false;
		log_listener(listener, address, port);
	}
	return true;
}

bool listeners_open(struct listeners *listeners,
    const struct listen_address *addresses, size_t count, struct error *err)
{
	int first;
	size_t inherited = service_inherited_sockets(&first);
	char address[IP_TEXT] = "";
	struct listener *listener;
	uint16_t port = 0;

	listeners->count = 0;
	if (inherited == 0)
		return open_addresses(listeners, addresses, count, err);
	if (inherited > LISTENERS_MAX)
		return error_set(err, ERROR_CONFIG,
		    "more than %d sockets were passed in", LISTENERS_MAX);
	for (size_t i = 0; i < inherited; i++) {
		listener = add(listeners, first + (int)i, false);
		if (!prepare(listener->fd, &port, address, err))
			return false;
		listener->tls = is_tls_port(addresses, count, port);
		log_listener(listener, address, port);
	}
	return true;
}

void listeners_close(struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++)
		(void)close(listeners->all[i].fd);
	listeners->count = 0;
}

bool listeners_need_tls(const struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++)
		if (listeners->all[i].tls)
			return true;
	return false;
}
