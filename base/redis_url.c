#include "base/redis_url.h"

#include "base/alloc.h"
#include "base/digit.h"
#include "base/errors.h"

#include <ctype.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define DEFAULT_PORT 6379
#define MAX_DATABASE 999999999

/* The text with %XX replaced; NULL if an escape is broken or means NUL. */
static char *percent_decode(const char *text, size_t len)
{
	char *out = xmalloc(len + 1);
	size_t used = 0;
	int value;

	for (size_t i = 0; i < len; i++) {
		value = (unsigned char)text[i];
		if (text[i] == '%') {
			value = len - i < 3 ? -1 : hex_byte(text + i + 1);
			i += 2;
		}
		if (value <= 0) {
			free(out);
			return NULL;
		}
		out[used++] = (char)value;
	}
	out[used] = '\0';
	return out;
}

/* A whole decimal number up to `most`; -1 if it is none. */
static int number(const char *text, size_t len, int most)
{
	int value = 0;

	if (len == 0 || len > 9)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)text[i]))
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value <= most ? value : -1;
}

static bool parse_login(
    const char *text, size_t len, struct redis_address *out, struct error *err)
{
	const char *colon = memchr(text, ':', len);
	size_t user_len;

	if (colon == NULL)
		return error_set(err, ERROR_CONFIG,
		    "a password stands after a colon: redis://:password@host");
	user_len = (size_t)(colon - text);
	if (user_len > 0)
		out->user = percent_decode(text, user_len);
	out->password = percent_decode(colon + 1, len - user_len - 1);
	if (out->password == NULL || (user_len > 0 && out->user == NULL))
		return error_set(err, ERROR_CONFIG,
		    "a broken %% escape in the user or password");
	if (out->password[0] == '\0')
		return error_set(err, ERROR_CONFIG, "the password is empty");
	return true;
}

static bool parse_host(
    const char *text, size_t len, struct redis_address *out, struct error *err)
{
	const char *end = text + len, *host = text, *after;

	if (len > 0 && text[0] == '[') {
		host = text + 1;
		after = memchr(text, ']', len);
		if (after == NULL)
			return error_set(err, ERROR_CONFIG,
			    "an IPv6 address stands between [ and ]");
		out->host = xstrndup(host, (size_t)(after - host));
		after++;
	} else {
		after = memchr(text, ':', len);
		if (after == NULL)
			after = end;
		out->host = xstrndup(host, (size_t)(after - host));
	}
	if (out->host[0] == '\0')
		return error_set(err, ERROR_CONFIG, "the host is missing");
	out->port = DEFAULT_PORT;
	if (after == end)
		return true;
	out->port = *after == ':'
			? number(after + 1, (size_t)(end - after - 1), 65535)
			: -1;
	if (out->port <= 0)
		return error_set(
		    err, ERROR_CONFIG, "the port is not 1 to 65535");
	return true;
}

static bool parse_tcp(
    const char *text, struct redis_address *out, struct error *err)
{
	/* The last @: a password may hold others, unescaped. */
	const char *at = strrchr(text, '@');
	const char *host = at == NULL ? text : at + 1;
	size_t host_len = strcspn(host, "/?#");
	const char *rest = host + host_len;

	if (at != NULL && !parse_login(text, (size_t)(at - text), out, err))
		return false;
	if (!parse_host(host, host_len, out, err))
		return false;
	if (rest[0] == '\0' || strcmp(rest, "/") == 0)
		return true;
	out->database = rest[0] == '/'
			    ? number(rest + 1, strlen(rest + 1), MAX_DATABASE)
			    : -1;
	if (out->database < 0)
		return error_set(err, ERROR_CONFIG,
		    "after the host only /<database number> may stand");
	return true;
}

static bool parse_local(
    const char *path, struct redis_address *out, struct error *err)
{
	struct sockaddr_un room;

	if (strncmp(path, "//", 2) == 0)
		path += 2;
	if (path[0] != '/' || path[1] == '\0')
		return error_set(err, ERROR_CONFIG,
		    "a local socket is written unix:/absolute/path");
	if (strlen(path) >= sizeof(room.sun_path))
		return error_set(err, ERROR_CONFIG,
		    "the path of a local socket has at most %zu bytes",
		    sizeof(room.sun_path) - 1);
	out->path = xstrdup(path);
	return true;
}

bool redis_url_parse(
    const char *url, struct redis_address *address, struct error *err)
{
	bool done;

	*address = (struct redis_address){0};
	if (strncasecmp(url, "redis://", 8) == 0)
		done = parse_tcp(url + 8, address, err);
	else if (strncmp(url, "unix:", 5) == 0)
		done = parse_local(url + 5, address, err);
	else if (strncasecmp(url, "rediss://", 9) == 0)
		done = error_set(err, ERROR_CONFIG,
		    "rediss:// (TLS) is not supported; use redis:// on a "
		    "private network, a tunnel, or unix:/path");
	else
		done = error_set(err, ERROR_CONFIG,
		    "write redis://[[user]:password@]host[:port][/db] or "
		    "unix:/path");
	if (!done)
		redis_address_free(address);
	return done;
}

void redis_address_free(struct redis_address *address)
{
	if (address->password != NULL)
		sodium_memzero(address->password, strlen(address->password));
	free(address->password);
	free(address->user);
	free(address->host);
	free(address->path);
	*address = (struct redis_address){0};
}
