#include "spool/circuit.h"

#include "spool/schedule.h"

#include <stdio.h>
#include <string.h>

#define MINUTE_US (60 * INT64_C(1000000))
/* 6 s worth of tries may go out at once: with the default of 900 a minute
 * never 1,000 in any minute, where Phoenix begins to answer 429. */
#define BURST_US (MINUTE_US / 10)
/* An arrival time further ahead than any pause was set before a reboot. */
#define FARTHEST_US (60 * MINUTE_US)

bool circuit_is_open(const struct destination_row *row)
{
	return row->opened_ms != 0;
}

static void remember(struct destination_row *row, uint64_t message)
{
	for (uint32_t i = 0; i < row->witness_count; i++) {
		if (row->witnesses[i] == message)
			return;
	}
	if (row->witness_count < CIRCUIT_WITNESSES)
		row->witnesses[row->witness_count++] = message;
}

static void open_circuit(struct destination_row *row,
    const struct lane_policy *policy, const char *reason, int64_t now_ms)
{
	row->opened_ms = now_ms > 0 ? now_ms : 1;
	row->probe_wait_ms = policy->retry_base_ms;
	if (row->probe_wait_ms > policy->retry_cap_ms)
		row->probe_wait_ms = policy->retry_cap_ms;
	row->probe_ms = now_ms + row->probe_wait_ms;
	row->probe_claim = 0;
	(void)snprintf(row->reason, sizeof(row->reason), "%s", reason);
}

/* Tries that were under way when it opened say nothing new; only the probe
 * counts. */
static void probe_failed(struct destination_row *row,
    const struct lane_policy *policy, uint64_t claim, int64_t now_ms)
{
	if (row->probe_claim != claim)
		return;
	row->probe_claim = 0;
	row->probe_wait_ms *= 2;
	if (row->probe_wait_ms > policy->retry_cap_ms)
		row->probe_wait_ms = policy->retry_cap_ms;
	row->probe_ms = now_ms + row->probe_wait_ms;
}

bool circuit_failed(struct destination_row *row,
    const struct lane_policy *policy, enum outcome_blame blame,
    uint64_t message, uint64_t claim, const char *reason, int64_t now_ms)
{
	if (blame != BLAME_DESTINATION && blame != BLAME_HARD)
		return false;
	if (circuit_is_open(row)) {
		probe_failed(row, policy, claim, now_ms);
		return false;
	}
	row->failures++;
	remember(row, message);
	if (blame != BLAME_HARD && (row->failures < CIRCUIT_FAILURES ||
				       row->witness_count < CIRCUIT_WITNESSES))
		return false;
	open_circuit(row, policy, reason, now_ms);
	return true;
}

bool circuit_succeeded(struct destination_row *row)
{
	bool was_open = circuit_is_open(row);

	row->failures = 0;
	row->witness_count = 0;
	row->opened_ms = 0;
	row->probe_claim = 0;
	row->reason[0] = '\0';
	return was_open;
}

bool circuit_may_probe(const struct destination_row *row,
    const struct lane_policy *policy, int64_t now_ms)
{
	return schedule_is_due(policy, row->probe_ms, now_ms);
}

void circuit_probe(struct destination_row *row, uint64_t claim, int64_t now_ms,
    int64_t limit_ms)
{
	row->probe_claim = claim;
	/* Another one only when this one can no longer come back. */
	row->probe_ms = now_ms + limit_ms;
}

void circuit_probe_lost(
    struct destination_row *row, uint64_t claim, int64_t now_ms)
{
	if (row->probe_claim != claim || claim == 0)
		return;
	row->probe_claim = 0;
	row->probe_ms = now_ms;
}

static int64_t interval_us(const struct lane_policy *policy)
{
	return MINUTE_US / (int64_t)policy->per_minute;
}

int64_t budget_take(struct destination_row *row,
    const struct lane_policy *policy, int64_t mono_ms)
{
	int64_t now = mono_ms * 1000, early;

	if (row->arrival_us < now || row->arrival_us > now + FARTHEST_US)
		row->arrival_us = now;
	early = row->arrival_us - now - BURST_US;
	/* A pause also holds without a budget. */
	if (early > 0)
		return (early + 999) / 1000;
	if (policy->per_minute != 0)
		row->arrival_us += interval_us(policy);
	return 0;
}

void budget_return(
    struct destination_row *row, const struct lane_policy *policy)
{
	if (policy->per_minute != 0)
		row->arrival_us -= interval_us(policy);
}

void budget_pause(
    struct destination_row *row, int64_t mono_ms, int64_t pause_ms)
{
	int64_t until = (mono_ms + pause_ms) * 1000 + BURST_US;

	if (row->arrival_us < until)
		row->arrival_us = until;
}
