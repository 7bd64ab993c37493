#include "spool/state.h"

#include <assert.h>
#include <string.h>

static const char *const state_names[STATE_COUNT] = {
    [STATE_QUEUED] = "queued",
    [STATE_DEFERRED] = "deferred",
    [STATE_CLAIMED] = "claimed",
    [STATE_HELD] = "held",
    [STATE_DEAD] = "dead",
    [STATE_DELIVERED] = "delivered",
    [STATE_CANCELLED] = "cancelled",
};

const char *delivery_state_name(enum delivery_state state)
{
	assert(state < STATE_COUNT);
	return state_names[state];
}

bool delivery_state_parse(const char *name, enum delivery_state *state)
{
	for (int i = 0; i < STATE_COUNT; i++) {
		if (strcmp(name, state_names[i]) == 0) {
			*state = (enum delivery_state)i;
			return true;
		}
	}
	return false;
}

const char *lane_name(enum lane lane)
{
	return lane == LANE_SMTP ? "smtp" : "webhook";
}

bool lane_parse(const char *name, enum lane *lane)
{
	bool is_smtp = strcmp(name, "smtp") == 0;

	*lane = is_smtp ? LANE_SMTP : LANE_WEBHOOK;
	return is_smtp || strcmp(name, "webhook") == 0;
}
