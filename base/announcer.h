/*
 * Tells other machines over Redis that a message is new or dead: the id, on
 * the channel of its kind. Fits spool_options.announce.
 */
#ifndef BASE_ANNOUNCER_H
#define BASE_ANNOUNCER_H

#include "envelope.h"
#include "error.h"

#include <stdbool.h>

struct announcer;

/* The channels (ELEKTRINE_QUEUE_NAME, ELEKTRINE_DLQ_NAME) are copied. Without
 * a URL there is nobody to tell, and *announcer is NULL. */
MUST_CHECK bool announcer_open(const char *redis_url, const char *queue_channel,
    const char *dead_channel, struct announcer **announcer, struct error *err);
/* NULL is fine. */
void announcer_close(struct announcer **announcer);

/* `announcer` may be NULL. Returns at once; any thread. */
void announcer_announce(void *announcer, const char id[ID_TEXT + 1], bool dead);

#endif
