#include "httpapi/listen.h"

#include "base/errors.h"

#include <netdb.h>
#include <string.h>

bool httpapi_find_host(
    const struct config *config, struct ip *ip, struct error *err)
{
	const char *host = config->haraka_http_host;
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

bool httpapi_listen(
    const struct config *config, struct listeners *listeners, struct error *err)
{
	struct listen_address address = {
	    .port = (uint16_t)config->haraka_http_port};

	return httpapi_find_host(config, &address.ip, err) &&
	       listeners_open(listeners, &address, 1, err);
}
