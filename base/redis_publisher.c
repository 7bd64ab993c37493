#include "base/redis_publisher.h"

#include "base/alloc.h"
#include "base/errors.h"
#include "base/redis.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE 1024 /* messages: a tenth of a second of heavy intake */

struct notice {
	const char *channel;
	char message[REDIS_MESSAGE + 1];
};

struct redis_publisher {
	struct redis *redis;
	pthread_mutex_t lock;
	size_t waiting; /* under lock */
	struct notice queue[QUEUE];
	struct notice sending[QUEUE]; /* the thread's own */
};

void redis_publish(
    struct redis_publisher *publisher, const char *channel, const char *message)
{
	size_t len = strlen(message);
	bool first = false;
	struct notice *notice;

	(void)pthread_mutex_lock(&publisher->lock);
	if (len <= REDIS_MESSAGE && publisher->waiting < QUEUE &&
	    redis_connected(publisher->redis)) {
		notice = &publisher->queue[publisher->waiting];
		notice->channel = channel;
		memcpy(notice->message, message, len + 1);
		first = publisher->waiting++ == 0;
	}
	(void)pthread_mutex_unlock(&publisher->lock);
	if (first)
		redis_wake(publisher->redis);
}

/* Moves what waits to `sending`. */
static size_t take_queue(struct redis_publisher *publisher)
{
	size_t count;

	(void)pthread_mutex_lock(&publisher->lock);
	count = publisher->waiting;
	memcpy(publisher->sending, publisher->queue,
	    count * sizeof(publisher->queue[0]));
	publisher->waiting = 0;
	(void)pthread_mutex_unlock(&publisher->lock);
	return count;
}

static bool send_all(struct redis_publisher *publisher, size_t count,
    struct redis *redis, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		const char *words[] = {"PUBLISH", publisher->sending[i].channel,
		    publisher->sending[i].message};

		if (!redis_queue(redis, 3, words, err))
			return false;
	}
	return redis_flush(redis, err) && redis_skip_replies(redis, count, err);
}

/* All that waits, in one go. */
static bool publish_queue(
    struct redis_publisher *publisher, struct redis *redis, struct error *err)
{
	return send_all(publisher, take_queue(publisher), redis, err);
}

static void serve(void *arg, struct redis *redis, struct error *err)
{
	struct redis_publisher *publisher = arg;

	/* What the last connection left is stale: its readers polled. */
	(void)take_queue(publisher);
	redis_ready(redis);
	for (;;) {
		switch (redis_wait(redis, -1)) {
		case REDIS_STOP:
			return;
		case REDIS_READABLE:
			/* Nothing was asked, so this is the end. */
			(void)error_set(err, ERROR_TEMPORARY,
			    "the server closed the connection");
			return;
		case REDIS_SILENCE:
		case REDIS_WOKEN:
			if (!publish_queue(publisher, redis, err))
				return;
		}
	}
}

bool redis_publisher_open(
    const char *url, struct redis_publisher **publisher, struct error *err)
{
	struct redis_publisher *made = xcalloc(1, sizeof(*made));

	*publisher = NULL;
	(void)pthread_mutex_init(&made->lock, NULL);
	if (!redis_open(url, "publish", serve, made, &made->redis, err)) {
		free(made);
		return false;
	}
	*publisher = made;
	return true;
}

void redis_publisher_close(struct redis_publisher **publisher)
{
	struct redis_publisher *leaving = *publisher;

	*publisher = NULL;
	if (leaving == NULL || !redis_close(&leaving->redis))
		return;
	(void)pthread_mutex_destroy(&leaving->lock);
	free(leaving);
}
