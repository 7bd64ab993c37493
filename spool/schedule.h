/* When to try again: age and attempts in, the next wait out. Pure. */
#ifndef SPOOL_SCHEDULE_H
#define SPOOL_SCHEDULE_H

#include "spool/rows.h"
#include "spool/spool.h"

#include <stdbool.h>
#include <stdint.h>

/* Of those who make no tries of their own: operators and fsck. Its cap only
 * bounds when destinations are looked at. */
extern const struct lane_policy schedule_operator;

/* The wait before try number attempts + 1: the base doubled per attempt, at
 * most the cap, then spread over 75 % to 125 % of it by `random` (and still
 * at most the cap), so that what failed together does not return together.
 * Never under a Retry-After, which itself counts up to the cap. */
int64_t schedule_wait(const struct lane_policy *policy, uint32_t attempts,
    int64_t retry_after_ms, uint32_t random);

/* A try begins: the age grows by the time since the last step, at most by the
 * cap of one wait, so that a jump of the wall clock ages nothing. */
void schedule_age(
    const struct lane_policy *policy, struct delivery_row *row, int64_t now_ms);

/* Whether a failed try was the last one: by retries, or by age if the age was
 * reached before that try began. */
bool schedule_gives_up(
    const struct lane_policy *policy, const struct delivery_row *row);

/* A due time that lies further ahead than any wait can be was set under
 * another clock: it counts as due. */
bool schedule_is_due(
    const struct lane_policy *policy, int64_t due_ms, int64_t now_ms);

#endif
