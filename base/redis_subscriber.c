#include "base/redis_subscriber.h"

#include "base/alloc.h"
#include "base/errors.h"
#include "base/redis.h"
#include "bounds.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct redis_subscriber {
	struct redis *redis;
	char *channel;
	redis_message_fn *on_message;
	void *arg;
};

/* ["message", channel, text]; the answers to SUBSCRIBE and PING only show
 * that the server lives. */
static void on_reply(void *arg, const char *const *strings, size_t count)
{
	struct redis_subscriber *subscriber = arg;

	if (count == 3 && strcmp(strings[0], "message") == 0)
		subscriber->on_message(subscriber->arg, strings[2]);
}

static bool ask_whether_alive(struct redis *redis, struct error *err)
{
	const char *words[] = {"PING"};

	return redis_queue(redis, 1, words, err) && redis_flush(redis, err);
}

static void listen(
    struct redis_subscriber *subscriber, struct redis *redis, struct error *err)
{
	bool asked = false;

	for (;;) {
		switch (redis_wait(redis, LIMIT_REDIS_MS)) {
		case REDIS_STOP:
			return;
		case REDIS_READABLE:
			asked = false;
			if (!redis_receive(redis, on_reply, subscriber, err))
				return;
			break;
		case REDIS_SILENCE:
			if (asked) {
				(void)error_set(err, ERROR_TEMPORARY,
				    "the server no longer answers");
				return;
			}
			asked = true;
			if (!ask_whether_alive(redis, err))
				return;
			break;
		case REDIS_WOKEN:
			break;
		}
	}
}

static void serve(void *arg, struct redis *redis, struct error *err)
{
	struct redis_subscriber *subscriber = arg;
	const char *words[] = {"SUBSCRIBE", subscriber->channel};

	if (!redis_command(redis, 2, words, err))
		return;
	redis_ready(redis);
	subscriber->on_message(subscriber->arg, NULL);
	listen(subscriber, redis, err);
}

bool redis_subscriber_open(const char *url, const char *channel,
    redis_message_fn *on_message, void *arg,
    struct redis_subscriber **subscriber, struct error *err)
{
	struct redis_subscriber *made = xcalloc(1, sizeof(*made));

	*subscriber = NULL;
	made->channel = xstrdup(channel);
	made->on_message = on_message;
	made->arg = arg;
	if (!redis_open(url, "subscribe", serve, made, &made->redis, err)) {
		free(made->channel);
		free(made);
		return false;
	}
	*subscriber = made;
	return true;
}

void redis_subscriber_close(struct redis_subscriber **subscriber)
{
	struct redis_subscriber *leaving = *subscriber;

	*subscriber = NULL;
	if (leaving == NULL || !redis_close(&leaving->redis))
		return;
	free(leaving->channel);
	free(leaving);
}
