#include "base/net.h"

#include "base/alloc.h"
#include "base/errors.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Waiting for accept: the kernel bounds it by net.core.somaxconn. */
#define BACKLOG 4096

static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};

/* --- addresses -------------------------------------------------------- */

static struct ip ip_of_v4(const void *v4)
{
	struct ip ip;

	memcpy(ip.bytes, mapped, sizeof(mapped));
	memcpy(ip.bytes + sizeof(mapped), v4, 4);
	return ip;
}

bool ip_parse(const char *text, size_t len, struct ip *ip)
{
	char copy[IP_TEXT];
	struct in_addr v4;
	struct in6_addr v6;

	if (len >= sizeof(copy) || memchr(text, '\0', len) != NULL)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET, copy, &v4) == 1) {
		*ip = ip_of_v4(&v4);
		return true;
	}
	if (inet_pton(AF_INET6, copy, &v6) != 1)
		return false;
	memcpy(ip->bytes, &v6, sizeof(ip->bytes));
	return true;
}

void ip_format(const struct ip *ip, char out[IP_TEXT])
{
	const void *bytes = ip->bytes;

	if (ip_is_v4(ip))
		(void)inet_ntop(AF_INET, ip->bytes + 12, out, IP_TEXT);
	else
		(void)inet_ntop(AF_INET6, bytes, out, IP_TEXT);
}

struct ip ip_of_socket(const struct sockaddr_storage *address)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct ip ip = {{0}};

	if (address->ss_family == AF_INET) {
		memcpy(&v4, address, sizeof(v4));
		ip = ip_of_v4(&v4.sin_addr);
	} else if (address->ss_family == AF_INET6) {
		memcpy(&v6, address, sizeof(v6));
		memcpy(ip.bytes, &v6.sin6_addr, sizeof(ip.bytes));
	}
	return ip;
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool ip_is_v4(const struct ip *ip)
{
	return memcmp(ip->bytes, mapped, sizeof(mapped)) == 0;
}

bool ip_is_loopback(const struct ip *ip)
{
	static const struct ip v6 = {{[15] = 1}};

	return ip_is_v4(ip) ? ip->bytes[12] == 127 : ip_equal(ip, &v6);
}

/* --- networks --------------------------------------------------------- */

struct cidr {
	struct ip ip; /* bits after the prefix are 0 */
	unsigned prefix;
};

struct cidr_set {
	size_t count;
	struct cidr *all;
};

/* The mask of byte number `i` for a prefix of that many bits. */
static uint8_t mask_of(unsigned prefix, unsigned i)
{
	if (prefix >= (i + 1) * 8)
		return 0xFF;
	if (prefix <= i * 8)
		return 0;
	return (uint8_t)(0xFF << (8 - prefix % 8));
}

static bool cidr_has(const struct cidr *cidr, const struct ip *ip)
{
	/* IPv4 lies inside ::/0 only because of how it is kept. */
	if (ip_is_v4(ip) != ip_is_v4(&cidr->ip))
		return false;
	for (unsigned i = 0; i < sizeof(ip->bytes); i++)
		if ((ip->bytes[i] & mask_of(cidr->prefix, i)) !=
		    cidr->ip.bytes[i])
			return false;
	return true;
}

/* Decimal digits up to `max`; false for anything else. */
static bool parse_number(
    const char *text, size_t len, unsigned long max, unsigned long *number)
{
	if (len == 0 || len > 5)
		return false;
	*number = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*number = *number * 10 + (unsigned long)(text[i] - '0');
	}
	return *number <= max;
}

static bool cidr_parse(
    const char *text, size_t len, struct cidr *cidr, struct error *err)
{
	const char *slash = memchr(text, '/', len);
	size_t ip_len = slash == NULL ? len : (size_t)(slash - text);
	unsigned long bits;

	if (!ip_parse(text, ip_len, &cidr->ip))
		return error_set(err, ERROR_CONFIG, "\"%.*s\" is no network",
		    (int)len, text);
	bits = ip_is_v4(&cidr->ip) ? 32 : 128;
	if (slash != NULL &&
	    !parse_number(slash + 1, len - ip_len - 1, bits, &bits))
		return error_set(err, ERROR_CONFIG,
		    "\"%.*s\" has a bad prefix length", (int)len, text);
	cidr->prefix = (unsigned)bits + (ip_is_v4(&cidr->ip) ? 96 : 0);
	for (unsigned i = 0; i < sizeof(cidr->ip.bytes); i++)
		cidr->ip.bytes[i] &= mask_of(cidr->prefix, i);
	return true;
}

bool cidr_is_valid(const char *text, size_t len)
{
	struct cidr cidr;

	return cidr_parse(text, len, &cidr, NULL);
}

struct cidr_set *cidr_set_new(void)
{
	return xcalloc(1, sizeof(struct cidr_set));
}

bool cidr_set_take(struct cidr_set *set, const char **text, struct error *err)
{
	const char *at = *text;
	size_t len;

	for (;; at += len) {
		at += strspn(at, ", \t\r\n");
		if (*at == '#') {
			len = strcspn(at, "\n");
			continue;
		}
		len = strcspn(at, ", \t\r\n#");
		*text = at + len;
		if (len == 0)
			return true;
		set->all =
		    xrealloc(set->all, (set->count + 1) * sizeof(*set->all));
		if (!cidr_parse(at, len, &set->all[set->count], err))
			return false;
		set->count++;
	}
}

bool cidr_set_add(struct cidr_set *set, const char *text, struct error *err)
{
	return cidr_set_take(set, &text, err);
}

void cidr_set_free(struct cidr_set **set)
{
	if (*set == NULL)
		return;
	free((*set)->all);
	free(*set);
	*set = NULL;
}

bool cidr_set_has(const struct cidr_set *set, const struct ip *ip)
{
	if (set == NULL)
		return false;
	for (size_t i = 0; i < set->count; i++)
		if (cidr_has(&set->all[i], ip))
			return true;
	return false;
}

/* --- listening -------------------------------------------------------- */

bool listen_address_parse(const char *text, size_t len,
    struct listen_address *address, struct error *err)
{
	const char *host = text, *end = text + len, *colon;
	unsigned long port;
	size_t host_len;
	bool six;

	*address = (struct listen_address){0};
	if (len > 4 && memcmp(text, "tls:", 4) == 0) {
		address->tls = true;
		host += 4;
	}
	colon = memrchr(host, ':', (size_t)(end - host));
	if (colon == NULL || !parse_number(colon + 1, (size_t)(end - colon) - 1,
				 UINT16_MAX, &port))
		return error_set(err, ERROR_CONFIG,
		    "\"%.*s\" does not end in a port", (int)len, text);
	address->port = (uint16_t)port;
	host_len = (size_t)(colon - host);
	six = host_len > 2 && host[0] == '[' && host[host_len - 1] == ']';
	if (six) {
		host++;
		host_len -= 2;
	}
	/* An IPv6 address needs its brackets, and only it has them. */
	if (!ip_parse(host, host_len, &address->ip) ||
	    six != (memchr(host, ':', host_len) != NULL))
		return error_set(err, ERROR_CONFIG,
		    "\"%.*s\" is not an address like [::]:25 or 192.0.2.1:25",
		    (int)len, text);
	return true;
}

/* Whether who listens on `ip` hears what is sent to the other. */
static bool ip_covers(const struct ip *ip, const struct ip *other)
{
	static const struct ip any = {{0}}, any_v4 = {{[10] = 0xFF, 0xFF}};

	return ip_equal(ip, other) || ip_equal(ip, &any) ||
	       (ip_equal(ip, &any_v4) && ip_is_v4(other));
}

bool listen_addresses_clash(
    const struct listen_address *a, const struct listen_address *b)
{
	return a->port == b->port && a->port != 0 &&
	       (ip_covers(&a->ip, &b->ip) || ip_covers(&b->ip, &a->ip));
}

static socklen_t to_socket(const struct ip *ip, uint16_t port, bool as_v4,
    struct sockaddr_storage *out)
{
	struct sockaddr_in v4 = {
	    .sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {
	    .sin6_family = AF_INET6, .sin6_port = htons(port)};

	if (as_v4) {
		/* Of a mapped address; and 0.0.0.0 of [::]. */
		memcpy(&v4.sin_addr, ip->bytes + 12, 4);
		memcpy(out, &v4, sizeof(v4));
		return sizeof(v4);
	}
	memcpy(&v6.sin6_addr, ip->bytes, sizeof(ip->bytes));
	memcpy(out, &v6, sizeof(v6));
	return sizeof(v6);
}

/* The listening socket, or -1 with errno. */
static int open_listener(const struct listen_address *address, bool as_v4)
{
	struct sockaddr_storage name;
	socklen_t name_len =
	    to_socket(&address->ip, address->port, as_v4, &name);
	const int on = 1, off = 0;
	int fd, code;

	fd = socket(as_v4 ? AF_INET : AF_INET6,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    (as_v4 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off,
			  sizeof(off)) == 0) &&
	    bind(fd, (const struct sockaddr *)&name, name_len) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	code = errno;
	(void)close(fd);
	errno = code;
	return -1;
}

bool net_listen(
    const struct listen_address *address, int *fd, struct error *err)
{
	static const struct ip any = {{0}};
	char text[IP_TEXT];

	*fd = open_listener(address, ip_is_v4(&address->ip));
	if (*fd < 0 && ip_equal(&address->ip, &any) &&
	    (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		*fd = open_listener(address, true);
	if (*fd >= 0)
		return true;
	ip_format(&address->ip, text);
	(void)error_errno(
	    err, "cannot listen on %s port %u", text, address->port);
	if (errno == EADDRINUSE && err != NULL)
		err->kind = ERROR_BUSY;
	return false;
}

bool net_local_address(int fd, struct ip *ip, uint16_t *port, struct error *err)
{
	struct sockaddr_storage name = {0};
	socklen_t len = sizeof(name);
	struct sockaddr_in6 v6;

	if (getsockname(fd, (struct sockaddr *)&name, &len) != 0)
		return error_errno(err, "cannot ask for a socket's address");
	*ip = ip_of_socket(&name);
	/* sin_port and sin6_port lie at the same offset. */
	memcpy(&v6, &name, sizeof(v6));
	*port = ntohs(v6.sin6_port);
	return true;
}
