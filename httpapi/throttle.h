/*
 * How many requests one client may make in a window of time. An IPv6 client is
 * its /64, which is what one subscriber has. Thread-safe.
 */
#ifndef HTTPAPI_THROTTLE_H
#define HTTPAPI_THROTTLE_H

#include "base/net.h"

#include <stdbool.h>
#include <stdint.h>

struct throttle;

struct throttle_rule {
	unsigned requests; /* 0: no limit */
	int64_t window_ms;
};

/* For the RateLimit header fields. */
struct throttle_state {
	unsigned left;    /* further requests in this window */
	int64_t reset_ms; /* until the next one begins */
};

struct throttle *throttle_new(void);
/* Clears the pointer; NULL is fine. */
void throttle_free(struct throttle **throttle);

/* Counts a request; false if it is one too many. now_ms is clock_mono_ms(). */
bool throttle_take(struct throttle *throttle, const struct throttle_rule *rule,
    const struct ip *ip, int64_t now_ms, struct throttle_state *state);

#endif
