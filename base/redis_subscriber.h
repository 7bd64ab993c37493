/*
 * Listens on a Redis channel, whenever there is a server to listen to. A dead
 * or frozen server is noticed within about two seconds.
 */
#ifndef BASE_REDIS_SUBSCRIBER_H
#define BASE_REDIS_SUBSCRIBER_H

#include "error.h"

#include <stdbool.h>

struct redis_subscriber;

/* Called on the subscriber's thread for every message, and with NULL each
 * time it begins to listen, since something may have been missed before. */
typedef void redis_message_fn(void *arg, const char *message);

/* Starts a subscriber with a thread of its own; fails as redis_open() does.
 * `channel` is copied. */
MUST_CHECK bool redis_subscriber_open(const char *url, const char *channel,
    redis_message_fn *on_message, void *arg,
    struct redis_subscriber **subscriber, struct error *err);
/* Afterwards on_message is not called any more. NULL is fine. */
void redis_subscriber_close(struct redis_subscriber **subscriber);

#endif
