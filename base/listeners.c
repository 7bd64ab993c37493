#include "base/listeners.h"

#include "base/errors.h"
#include "base/log.h"
#include "base/service.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* An address whose port the system chose is of any. */
static bool is_tls_port(
    const struct listen_address *addresses, size_t count, uint16_t port)
{
	for (size_t i = 0; i < count; i++)
		if (addresses[i].port == port || addresses[i].port == 0)
			return addresses[i].tls;
	return false;
}

/* From here on it is closed whatever comes. */
static bool take_in(struct listeners *listeners, int fd,
    const struct listen_address *addresses, size_t count, struct error *err)
{
	struct listener *listener = &listeners->all[listeners->count++];
	const int on = 1;
	char text[IP_TEXT];
	uint16_t port;
	struct ip ip;

	listener->fd = fd;
	/* Accepted sockets inherit it: answers leave as they are made. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return error_errno(err, "cannot use a listening socket");
	if (!net_local_address(fd, &ip, &port, err))
		return false;
	listener->tls = is_tls_port(addresses, count, port);
	ip_format(&ip, text);
	log_event(LOG_INFO, "listening", LOG_TEXT("address", text),
	    LOG_NUMBER("port", port), LOG_BOOL("tls", listener->tls));
	return true;
}

bool listeners_open(struct listeners *listeners,
    const struct listen_address *addresses, size_t count, struct error *err)
{
	int first, fd;
	size_t inherited = service_inherited_sockets(&first);

	listeners->count = 0;
	if (inherited > LISTENERS_MAX)
		return error_set(err, ERROR_CONFIG,
		    "more than %d sockets were passed in", LISTENERS_MAX);
	for (size_t i = 0; i < inherited; i++)
		if (!take_in(listeners, first + (int)i, addresses, count, err))
			return false;
	for (size_t i = 0; i < count && inherited == 0; i++)
		if (!net_listen(&addresses[i], &fd, err) ||
		    !take_in(listeners, fd, &addresses[i], 1, err))
			return false;
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
