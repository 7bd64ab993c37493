/*
 * How many connections there may be: in all, from one address at once, and
 * from one address in a span of time. Loopback is not counted per address, and
 * an IPv6 client is its /64, which is what one subscriber has. Thread-safe.
 */
#ifndef SMTPD_LIMITER_H
#define SMTPD_LIMITER_H

#include "base/config.h"
#include "base/net.h"

#include <stdbool.h>
#include <stdint.h>

struct limiter;

/* 0 means no limit. */
struct limiter_rules {
	unsigned connections;
	unsigned per_address;
	struct rate rate_per_address;
};

enum admission {
	ADMISSION_GRANTED,
	ADMISSION_CROWDED,     /* too many in all */
	ADMISSION_TOO_MANY,    /* too many from this address */
	ADMISSION_TOO_FREQUENT /* too many of late from this address */
};

struct limiter *limiter_new(void);
/* Clears the pointer; NULL is fine. */
void limiter_free(struct limiter **limiter);

/* A connection that comes. If it is granted, limiter_leave() must follow; one
 * that is refused counts for nothing. now_ms is clock_mono_ms(). */
enum admission limiter_admit(struct limiter *limiter,
    const struct limiter_rules *rules, const struct ip *ip, int64_t now_ms);
void limiter_leave(struct limiter *limiter, const struct ip *ip);

/* How many connections there are now. */
unsigned limiter_connections(struct limiter *limiter);

/* Forgets addresses that no rule needs any more. Now and then. */
void limiter_sweep(struct limiter *limiter, int64_t now_ms);

#endif
