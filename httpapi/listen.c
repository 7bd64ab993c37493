#include "httpapi/listen.h"

#include "base/errors.h"
#include "base/log.h"
#include "base/net.h"
#include "base/service.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A name, such as "localhost", is looked up once, at the start. */
static bool find_host(const char *host, struct ip *ip, struct error *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
	struct sockaddr_storage address = {0};
	int code;

	if (ip_parse(host, strlen(host), ip))
		return true;
	code = getaddrinfo(host, NULL, &hints, &found);
	if (code != 0)
		return error_set(err, ERROR_CONFIG, "HARAKA_HTTP_HOST: %s: %s",
		    host, gai_strerror(code));
	memcpy(&address, found->ai_addr, found->ai_addrlen);
	*ip = ip_of_socket(&address);
	freeaddrinfo(found);
	return true;
}

static bool prepare(int fd, struct error *err)
{
	const int on = 1;
	struct ip ip;
	uint16_t port;
	char text[IP_TEXT];

	/* Accepted sockets inherit it: answers leave as they are made. */
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

static bool open_configured(
    struct listening *listening, const struct config *config, struct error *err)
{
	struct listen_address address = {
	    .port = (uint16_t)config->haraka_http_port};

	return find_host(config->haraka_http_host, &address.ip, err) &&
	       net_listen(&address, &listening->fds[listening->count++], err) &&
	       prepare(listening->fds[0], err);
}

bool listening_open(
    struct listening *listening, const struct config *config, struct error *err)
{
	int first;
	size_t inherited = service_inherited_sockets(&first);

	*listening = (struct listening){.count = 0};
	if (inherited == 0)
		return open_configured(listening, config, err);
	if (inherited > LISTEN_MAX)
		return error_set(err, ERROR_CONFIG,
		    "more than %d sockets were passed in", LISTEN_MAX);
	for (size_t i = 0; i < inherited; i++) {
		listening->fds[listening->count++] = first + (int)i;
		if (!prepare(first + (int)i, err))
			return false;
	}
	return true;
}

void listening_close(struct listening *listening)
{
	for (size_t i = 0; i < listening->count; i++)
		(void)close(listening->fds[i]);
	listening->count = 0;
}
