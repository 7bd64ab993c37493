#include "base/announcer.h"

#include "base/alloc.h"
#include "base/redis_publisher.h"

#include <stdlib.h>

struct announcer {
	struct redis_publisher *publisher;
	char *queue_channel, *dead_channel;
};

bool announcer_open(const char *redis_url, const char *queue_channel,
    const char *dead_channel, struct announcer **announcer, struct error *err)
{
	struct redis_publisher *publisher;

	*announcer = NULL;
	if (redis_url == NULL)
		return true;
	if (!redis_publisher_open(redis_url, &publisher, err))
		return false;
	*announcer = xmalloc(sizeof(**announcer));
	(*announcer)->publisher = publisher;
	(*announcer)->queue_channel = xstrdup(queue_channel);
	(*announcer)->dead_channel = xstrdup(dead_channel);
	return true;
}

void announcer_close(struct announcer **announcer)
{
	if (*announcer == NULL)
		return;
	redis_publisher_close(&(*announcer)->publisher);
	free((*announcer)->queue_channel);
	free((*announcer)->dead_channel);
	free(*announcer);
	*announcer = NULL;
}

void announcer_announce(void *announcer, const char id[ID_TEXT + 1], bool dead)
{
	struct announcer *self = announcer;

	if (self != NULL)
		redis_publish(self->publisher,
		    dead ? self->dead_channel : self->queue_channel, id);
}
