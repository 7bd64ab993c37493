/*
 * A connection to a Redis server, kept by a thread of its own: the only user
 * of hiredis. The thread connects, serves until the connection breaks,
 * pauses, and begins again, however long the server is away, dead or frozen.
 * Every step has a time limit; a change of state is logged once.
 *
 * Redis is a convenience and never read for truth. What is made of it is in
 * base/redis_publisher.h and base/redis_subscriber.h.
 */
#ifndef BASE_REDIS_H
#define BASE_REDIS_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>

struct redis;

/* What a thread does with its connection: called on that thread each time
 * there is one, and returns when it broke (with err filled) or redis_wait()
 * says stop. Calls redis_ready() once it is in business. */
typedef void redis_serve_fn(void *arg, struct redis *redis, struct error *err);

/* Starts the thread. ERROR_CONFIG if the URL is wrong (base/redis_url.h), and
 * nothing else: whether the server is there is not asked. `purpose` names it
 * in the log; static. */
MUST_CHECK bool redis_open(const char *url, const char *purpose,
    redis_serve_fn *serve, void *arg, struct redis **redis, struct error *err);

/* Ends the thread. False, after two seconds: it hangs in a name lookup, which
 * nobody can end; it and `arg` must then be left as they are until the
 * process ends, but `serve` is not called any more. */
MUST_CHECK bool redis_close(struct redis **redis);

/* Any thread. */
bool redis_connected(const struct redis *redis);
/* Makes redis_wait() return REDIS_WOKEN. Any thread. */
void redis_wake(struct redis *redis);

/* --- for redis_serve_fn, on its thread -------------------------------- */

/* The connection is in use: says so in the log, and to redis_connected(). */
void redis_ready(struct redis *redis);

enum redis_event { REDIS_SILENCE, REDIS_WOKEN, REDIS_READABLE, REDIS_STOP };

/* Waits for one of these; -1 waits for ever. */
enum redis_event redis_wait(struct redis *redis, int timeout_ms);

/* Queues a command; the words are copied. */
MUST_CHECK bool redis_queue(
    struct redis *redis, int count, const char **words, struct error *err);
/* Sends what was queued. */
MUST_CHECK bool redis_flush(struct redis *redis, struct error *err);
/* Waits for as many replies; one that is an error is a failure. */
MUST_CHECK bool redis_skip_replies(
    struct redis *redis, size_t count, struct error *err);
/* The three for one command. */
MUST_CHECK bool redis_command(
    struct redis *redis, int count, const char **words, struct error *err);

/* Called with the strings of a reply that is an array of strings. */
typedef void redis_reply_fn(
    void *arg, const char *const *strings, size_t count);
/* Hands over all that has come, without waiting; replies that are no array
 * of strings are passed over. */
MUST_CHECK bool redis_receive(struct redis *redis, redis_reply_fn *on_reply,
    void *arg, struct error *err);

#endif
