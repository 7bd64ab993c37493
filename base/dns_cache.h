/*
 * Answers of the DNS that were heard, by what was asked, and what is being
 * asked now. Bounded: the oldest answers go first. Not thread-safe: dns.c has
 * the lock.
 */
#ifndef BASE_DNS_CACHE_H
#define BASE_DNS_CACHE_H

#include "base/dns.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dns_entry {
	struct dns_entry *next;          /* of its bucket */
	struct dns_entry *older, *newer; /* among those that are answered */
	struct dns_entry *queued;        /* to be asked, behind it */
	struct dns *dns;
	enum dns_type type;
	bool asking;
	unsigned waiters;
	pthread_cond_t answered; /* while asking */
	int64_t asked_ms;

	/* What was heard, if not `asking`. */
	int64_t until_ms;        /* worth nothing from then on */
	enum dns_status failure; /* without a packet */
	unsigned char *packet;
	size_t len;
	char name[]; /* in lower case, without its last dot */
};

struct dns_cache;

struct dns_cache *dns_cache_new(void);
void dns_cache_free(struct dns_cache **cache);

/* The entry of a question, or NULL. The name is one that can be asked. */
struct dns_entry *dns_cache_find(
    struct dns_cache *cache, const char *name, enum dns_type type);
/* The same, made if there is none; what was heard before is forgotten. It is
 * `asking`, and stays until dns_cache_keep(). */
struct dns_entry *dns_cache_ask(
    struct dns_cache *cache, const char *name, enum dns_type type);
/* Keeps a copy of what was heard; NULL is a failure. Older entries may go, but
 * not those with waiters. */
void dns_cache_keep(struct dns_cache *cache, struct dns_entry *entry,
    const unsigned char *packet, size_t len);
/* Wakes all who wait. */
void dns_cache_wake_all(struct dns_cache *cache);

#endif
