/*
 * Publishes short messages on Redis channels, when there is a server to take
 * them: the caller never waits, and nothing depends on it (the readers poll).
 */
#ifndef BASE_REDIS_PUBLISHER_H
#define BASE_REDIS_PUBLISHER_H

#include "error.h"

#include <stdbool.h>

struct redis_publisher;

/* Longest message, without its NUL. */
#define REDIS_MESSAGE 63

/* Starts a publisher with a thread of its own; fails as redis_open() does. */
MUST_CHECK bool redis_publisher_open(
    const char *url, struct redis_publisher **publisher, struct error *err);
/* What was not sent is dropped. NULL is fine. */
void redis_publisher_close(struct redis_publisher **publisher);

/* Sends it soon, or never: drops it when the server is away or too much waits
 * already. Returns at once; any thread. `channel` lives as long as the
 * publisher; `message` is copied. */
void redis_publish(struct redis_publisher *publisher, const char *channel,
    const char *message);

#endif
