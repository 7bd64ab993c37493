/* The states of one delivery: a message on its way to one recipient. */
#ifndef SPOOL_STATE_H
#define SPOOL_STATE_H

#include "envelope.h"

#include <stdbool.h>

/* Part of the format: never renumber. */
enum delivery_state {
	STATE_QUEUED = 0, /* waits for its first try */
	STATE_DEFERRED,   /* waits for another one */
	STATE_CLAIMED,    /* is being tried */
	STATE_HELD,       /* waits until an operator releases it */
	STATE_DEAD,       /* failed for good, kept until an operator acts */
	STATE_DELIVERED,  /* only while other recipients are not final */
	STATE_CANCELLED,  /* likewise */
	STATE_COUNT
};

/* "queued", "deferred", ...; static storage. */
const char *delivery_state_name(enum delivery_state state);
/* False if it is none of the names. */
bool delivery_state_parse(const char *name, enum delivery_state *state);

/* The same of lanes: "webhook", "smtp". */
const char *lane_name(enum lane lane);
bool lane_parse(const char *name, enum lane *lane);

#endif
