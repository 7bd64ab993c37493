/*
 * Internet addresses, sets of networks, and listening sockets. Everything
 * here is numeric: names belong to base/dns.
 */
#ifndef BASE_NET_H
#define BASE_NET_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* --- addresses -------------------------------------------------------- */

/* An IPv6 address in network order, or an IPv4 one in its mapped form
 * (::ffff:192.0.2.1, RFC 4291 section 2.5.5.2): the same host is the same
 * value whichever socket it came through. */
struct ip {
	uint8_t bytes[16];
};

/* "192.0.2.1", "2001:db8::1", without brackets or scope. False, and *ip is
 * untouched, if the len bytes are none. */
MUST_CHECK bool ip_parse(const char *text, size_t len, struct ip *ip);
/* As text that ip_parse() reads; a mapped address as IPv4. */
#define IP_TEXT 46
void ip_format(const struct ip *ip, char out[IP_TEXT]);
/* Of an AF_INET or AF_INET6 address; the unspecified one of another family. */
struct ip ip_of_socket(const struct sockaddr_storage *address);
bool ip_equal(const struct ip *a, const struct ip *b);
bool ip_is_v4(const struct ip *ip);
/* 127.0.0.0/8 or ::1. */
bool ip_is_loopback(const struct ip *ip);

/* --- networks --------------------------------------------------------- */

struct cidr_set;

/* The empty set. */
struct cidr_set *cidr_set_new(void);
/* Adds "192.0.2.0/24, 2001:db8::/32 203.0.113.7": divided by commas, blanks or
 * line ends; a bare address is a network of one; # begins a comment.
 * ERROR_CONFIG names the bad entry; those before it were added. */
MUST_CHECK bool cidr_set_add(
    struct cidr_set *set, const char *text, struct error *err);
/* The same from *text on; behind a bad entry, where *text is then, one may go
 * on. */
MUST_CHECK bool cidr_set_take(
    struct cidr_set *set, const char **text, struct error *err);
/* Whether it is one such entry. */
bool cidr_is_valid(const char *text, size_t len);
/* Clears the pointer; NULL is fine. */
void cidr_set_free(struct cidr_set **set);
/* NULL is the empty set. Any thread. */
bool cidr_set_has(const struct cidr_set *set, const struct ip *ip);

/* --- listening -------------------------------------------------------- */

struct listen_address {
	struct ip ip;
	uint16_t port; /* 0: the system chooses */
	bool tls;      /* from the first byte */
};

/* One entry: "[::]:25", "192.0.2.1:25", "tls:[2001:db8::1]:465". ERROR_CONFIG
 * says what is wrong with it. */
MUST_CHECK bool listen_address_parse(const char *text, size_t len,
    struct listen_address *address, struct error *err);
/* Whether net_listen() cannot open both: the same address, or one that takes
 * the other's connections too. */
bool listen_addresses_clash(
    const struct listen_address *a, const struct listen_address *b);
/* A listening TCP socket, without blocking and closed on exec. "[::]" takes
 * IPv4 too, and becomes 0.0.0.0 where the machine has no IPv6. *fd is -1 on
 * failure; ERROR_BUSY if the address is taken. */
MUST_CHECK bool net_listen(
    const struct listen_address *address, int *fd, struct error *err);

/* The local address of a socket: where a port of 0 ended up. */
MUST_CHECK bool net_local_address(
    int fd, struct ip *ip, uint16_t *port, struct error *err);

#endif
