#include "spool/schedule.h"

/* Rounding and the time between two looks at the clock. */
#define SLACK_MS 1000

const struct lane_policy schedule_operator = {
    .retry_base_ms = 1000,
    .retry_cap_ms = 4 * 60 * 60 * INT64_C(1000),
    .max_retries = -1,
    .max_age_ms = INT64_MAX,
};

int64_t schedule_wait(const struct lane_policy *policy, uint32_t attempts,
    int64_t retry_after_ms, uint32_t random)
{
	int64_t cap = policy->retry_cap_ms, wait = policy->retry_base_ms;

	for (uint32_t i = 1; i < attempts && wait < cap; i++)
		wait *= 2;
	if (wait > cap)
		wait = cap;
	wait = wait * 3 / 4 + wait * (int64_t)(random % 1001) / 2000;
	if (wait > cap)
		wait = cap;
	if (retry_after_ms > cap)
		retry_after_ms = cap;
	return wait > retry_after_ms ? wait : retry_after_ms;
}

void schedule_age(
    const struct lane_policy *policy, struct delivery_row *row, int64_t now_ms)
{
	int64_t step = now_ms - row->aged_at_ms, most = row->planned_wait_ms;

	/* It may have waited longer than planned, behind a circuit. */
	if (row->tries > 0 && most < policy->retry_cap_ms)
		most = policy->retry_cap_ms;
	if (step < 0)
		step = 0;
	if (step > most)
		step = most;
	row->age_ms += step;
	row->aged_at_ms = now_ms;
}

bool schedule_gives_up(
    const struct lane_policy *policy, const struct delivery_row *row)
{
	if (policy->max_retries >= 0 &&
	    row->attempts > (uint32_t)policy->max_retries)
		return true;
	return row->age_ms >= policy->max_age_ms;
}

bool schedule_is_due(
    const struct lane_policy *policy, int64_t due_ms, int64_t now_ms)
{
	return due_ms <= now_ms ||
	       due_ms > now_ms + policy->retry_cap_ms + SLACK_MS;
}
