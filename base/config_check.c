#include "base/config_check.h"

#include "base/net.h"
#include "base/number.h"
#include "base/redis_url.h"
#include "base/utf8.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define HOST_MAX 253 /* RFC 1035 section 2.3.4, as text */
#define LABEL_MAX 63

static bool number_within(const char *text, uint64_t low, uint64_t high)
{
	uint64_t number;

	return number_parse(text, high, &number) && number >= low;
}

static bool is_ipv4(const char *text)
{
	struct in_addr address;

	return inet_pton(AF_INET, text, &address) == 1;
}

static bool is_ipv6(const char *text)
{
	struct in6_addr address;

	return inet_pton(AF_INET6, text, &address) == 1;
}

static bool is_label_char(unsigned char c)
{
	return isalnum(c) || c == '-' || c == '_' || c >= 0x80;
}

static bool is_domain(const char *text)
{
	size_t label = 0, len = strlen(text);

	if (len == 0 || len > HOST_MAX || !utf8_valid(text, len))
		return false;
	for (size_t i = 0; i <= len; i++) {
		if (text[i] == '.' || text[i] == '\0') {
			if (label == 0 || label > LABEL_MAX ||
			    text[i - 1] == '-')
				return false;
			label = 0;
		} else if (!is_label_char((unsigned char)text[i]) ||
			   (text[i] == '-' && label == 0)) {
			return false;
		} else {
			label++;
		}
	}
	return true;
}

const char *check_domain(const char *text)
{
	return is_domain(text) ? NULL : "is not a domain name";
}

const char *check_absolute_path(const char *text)
{
	return text[0] == '/' ? NULL : "is not an absolute path";
}

const char *check_user(const char *text)
{
	return getpwnam(text) != NULL ? NULL : "is not a user of this host";
}

/* Cuts "host", "host:port", "[v6]" or "[v6]:port" in two; *port is NULL when
 * there is none. False if that cannot be done. */
static bool split_host_port(
    const char *text, char host[HOST_MAX + 1], const char **port)
{
	const char *start = text, *end, *rest;

	if (text[0] == '[') {
		start = text + 1;
		end = strchr(start, ']');
		if (end == NULL)
			return false;
		rest = end + 1;
	} else {
		end = start + strcspn(start, ":");
		rest = end;
	}
	if (end == start || end - start > HOST_MAX ||
	    (rest[0] != '\0' && rest[0] != ':'))
		return false;
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	*port = rest[0] == ':' ? rest + 1 : NULL;
	if (text[0] == '[')
		return is_ipv6(host);
	return true;
}

static bool is_host_port(const char *text, bool port_needed)
{
	char host[HOST_MAX + 1];
	const char *port;

	if (!split_host_port(text, host, &port))
		return false;
	if (text[0] != '[' && !is_domain(host))
		return false;
	if (port == NULL)
		return !port_needed;
	return number_within(port, 1, UINT16_MAX);
}

/* The authority of a URL, up to its path, without user and password. */
static bool authority_is_right(const char *text, size_t len)
{
	char authority[HOST_MAX + 16];
	const char *at = memrchr(text, '@', len);

	if (at != NULL) {
		len -= (size_t)(at + 1 - text);
		text = at + 1;
	}
	if (len >= sizeof(authority))
		return false;
	memcpy(authority, text, len);
	authority[len] = '\0';
	return is_host_port(authority, false);
}

const char *check_http_url(const char *text)
{
	static const char wrong[] = "is not an http:// or https:// URL";
	size_t scheme;

	if (strncasecmp(text, "http://", 7) == 0)
		scheme = 7;
	else if (strncasecmp(text, "https://", 8) == 0)
		scheme = 8;
	else
		return wrong;
	if (strpbrk(text, " #\\") != NULL ||
	    !authority_is_right(text + scheme, strcspn(text + scheme, "/?")))
		return wrong;
	return NULL;
}

const char *check_redis_url(const char *text)
{
	struct redis_address address = {0};
	struct error ignored;
	bool right;

	if (strncasecmp(text, "rediss://", 9) == 0)
		return "asks for TLS, which is not supported to Redis: use "
		       "redis:// on a trusted network, or unix:/path";
	right = redis_url_parse(text, &address, &ignored);
	redis_address_free(&address);
	return right ? NULL
		     : "is neither redis://[[user]:password@]host[:port][/db] "
		       "nor unix:/path";
}

static bool is_ip(const char *text)
{
	return is_ipv4(text) || is_ipv6(text);
}

const char *check_host(const char *text)
{
	return is_ip(text) || is_domain(text) ? NULL
					      : "is not a host or an address";
}

const char *check_cidr(const char *text)
{
	return cidr_is_valid(text, strlen(text))
		   ? NULL
		   : "is not a network like 192.0.2.0/24";
}

const char *check_cidr_or_file(const char *text)
{
	if (text[0] == '@')
		return check_absolute_path(text + 1);
	return check_cidr(text);
}

static bool is_listen_address(const char *text, bool tls_too)
{
	struct listen_address address;

	return listen_address_parse(text, strlen(text), &address, NULL) &&
	       (tls_too || !address.tls);
}

static const char no_listen_address[] =
    "is not an address like 0.0.0.0:25 or [::]:25";

const char *check_listen(const char *text)
{
	return is_listen_address(text, false) ? NULL : no_listen_address;
}

const char *check_smtp_listen(const char *text)
{
	return is_listen_address(text, true) ? NULL : no_listen_address;
}

const char *check_service(const char *text)
{
	if (text[0] == '/' || is_host_port(text, true))
		return NULL;
	return "is neither host:port nor the path of a socket";
}

const char *check_smarthost(const char *text)
{
	return is_host_port(text, false) ? NULL : "is not host or host:port";
}

const char *check_dns_server(const char *text)
{
	char address[INET6_ADDRSTRLEN];
	size_t len = strcspn(text, "@");

	if (len < sizeof(address)) {
		memcpy(address, text, len);
		address[len] = '\0';
		if (is_ip(address) &&
		    (text[len] == '\0' ||
			number_within(text + len + 1, 1, UINT16_MAX)))
			return NULL;
	}
	return "is not ip or ip@port";
}

const char *check_extension(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_' &&
		    text[i] != '-')
			return "is not a file name's extension like exe";
	return len > 0 ? NULL : "is empty";
}

const char *check_media_type(const char *text)
{
	const char *slash = strchr(text, '/'), *star = strchr(text, '*');

	if (slash != NULL && slash > text && slash[1] != '\0' &&
	    strchr(slash + 1, '/') == NULL && strpbrk(text, " ;\"") == NULL &&
	    (star == NULL || (star == slash + 1 && star[1] == '\0')))
		return NULL;
	return "is not a media type like image/png or image/*";
}

const char *check_weighted_zone(const char *text)
{
	char zone[HOST_MAX + 1];
	size_t len = strcspn(text, "=");
	double score;

	if (len < sizeof(zone) && text[len] == '=') {
		memcpy(zone, text, len);
		zone[len] = '\0';
		/* Below 0, a link to what is listed would make up for
		 * others. */
		if (is_domain(zone) &&
		    number_parse_decimal(text + len + 1, &score) && score > 0)
			return NULL;
	}
	return "is not zone=score with a score above 0";
}
