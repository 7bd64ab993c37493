/*
 * Questions to the DNS, through the resolvers of DNS_SERVERS or of
 * /etc/resolv.conf: plain blocking calls for threads of a pool, never for an
 * event loop. Equal questions that are under way are asked once; answers are
 * kept for their time to live. The only user of c-ares.
 */
#ifndef BASE_DNS_H
#define BASE_DNS_H

#include "base/arena.h"
#include "base/config.h"
#include "base/net.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Their numbers are the protocol's. */
enum dns_type {
	DNS_A = 1,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_TLSA = 52
};

enum dns_status {
	DNS_FOUND,   /* at least one record */
	DNS_NO_DATA, /* the name exists, without records of this type */
	DNS_NO_NAME, /* NXDOMAIN: neither the name nor anything below it */
	DNS_FAILED,  /* the resolver says that it failed: SERVFAIL, REFUSED */
	DNS_BROKEN,  /* what it says makes no sense */
	DNS_TIMEOUT, /* it says nothing */
	DNS_BAD_NAME /* cannot be asked */
};

struct dns_record {
	struct ip ip; /* A, AAAA */
	/* PTR, MX: a name without its last dot, "" for the root. TXT: its
	 * strings, joined. TLSA: the data. With a NUL that is not counted. */
	const char *text;
	size_t len;
	unsigned preference;                     /* MX */
	unsigned char usage, selector, matching; /* TLSA */
};

struct dns_answer {
	enum dns_status status;
	const struct dns_record *records; /* MX by preference */
	size_t count;
	bool authentic; /* proved by DNSSEC, says a resolver that we believe */
	int64_t ttl_s;
};

/* Whether it is known that there is nothing. */
bool dns_has_none(const struct dns_answer *answer);

struct dns;

/* Starts its thread; reads DNS_SERVERS and DNS_TRUST_AD. ERROR_CONFIG if no
 * resolver can be used. */
MUST_CHECK bool dns_new(
    const struct config *config, struct dns **dns, struct error *err);
/* Nobody asks any more. Clears the pointer; NULL is fine. */
void dns_free(struct dns **dns);

/* Asks, and waits for at most wait_ms and LIMIT_DNS_QUERY_MS. The records lie
 * in the arena. The name has dots between its labels, and may have one behind
 * them; upper and lower case are the same. Any thread. */
void dns_ask(struct dns *dns, const char *name, enum dns_type type,
    int64_t wait_ms, struct arena *arena, struct dns_answer *answer);

/* Lets the question be asked, and does not wait: dns_ask() will find it under
 * way, or answered. Any thread, never blocks. */
void dns_ask_ahead(struct dns *dns, const char *name, enum dns_type type);

/* From now on every question ends at once with DNS_TIMEOUT. Any thread. */
void dns_interrupt(struct dns *dns);

/* "found", "nodata", "nxdomain", "servfail", ...: for logs; static. */
const char *dns_status_name(enum dns_status status);

/* The name to ask for the reverse of an address ("1.2.0.192.in-addr.arpa"; zone
 * is NULL) or for its entry in a list ("1.2.0.192.zen.example").
 * False if it would be too long. */
#define DNS_NAME_SIZE 256
bool dns_reverse_name(
    const struct ip *ip, const char *zone, char out[DNS_NAME_SIZE]);

#endif
