/* What an outcome does to its delivery, its destination and its story. */
#include "base/log.h"
#include "spool/agent.h"
#include "spool/id.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static void log_circuit(
    const char *event, const struct destination_row *row, const char *reason)
{
	log_event(LOG_WARN, event,
	    LOG_TEXT(
		"destination", row->name[0] != '\0' ? row->name : "webhook"),
	    LOG_TEXT("reason", reason));
}

static uint64_t hash_of_id(const struct id *id)
{
	uint64_t hash;

	memcpy(&hash, id->bytes + ID_BYTES - sizeof(hash), sizeof(hash));
	return hash;
}

/* What the outcome says of the destination. True if the message is not to
 * blame: then the try does not count. */
static bool settle_destination(struct turn *turn, const struct outcome *outcome,
    const struct delivery_row *row)
{
	struct destination_row destination;
	bool excused = false;

	(void)destination_get(
	    turn->txn, row->lane, row->destination, &destination);
	if (outcome->kind == OUTCOME_RELEASED) {
		circuit_probe_lost(&destination, outcome->claim, turn->now_ms);
		budget_return(&destination, turn->policy);
	} else if (outcome->blame == BLAME_SLOW) {
		circuit_probe_lost(&destination, outcome->claim, turn->now_ms);
		budget_pause(&destination, turn->mono_ms,
		    outcome->retry_after_ms > 0 ? outcome->retry_after_ms
						: turn->policy->retry_base_ms);
		excused = true;
	} else if (outcome->kind == OUTCOME_DEFERRED &&
		   outcome->blame != BLAME_MESSAGE) {
		if (circuit_failed(&destination, turn->policy, outcome->blame,
			hash_of_id(&outcome->id), outcome->claim,
			outcome->reason, turn->now_ms))
			log_circuit(
			    "circuit_open", &destination, outcome->reason);
		excused = circuit_is_open(&destination);
	} else if (circuit_succeeded(&destination)) {
		log_circuit("circuit_close", &destination, outcome->reason);
	}
	turn_refresh(turn, row->lane, row->destination, &destination);
	return excused;
}

static struct event event_of(struct turn *turn, const struct outcome *outcome,
    const struct delivery_row *row, const char *name)
{
	return (struct event){.at_ms = turn->now_ms,
	    .id = &outcome->id,
	    .name = name,
	    .recipient_number = outcome->recipient_number,
	    .recipient = row->address,
	    .attempt = row->tries,
	    .status = outcome->status,
	    .reason = outcome->reason,
	    .answer = outcome->answer,
	    .duration_ms = outcome->duration_ms};
}

static void deliver(
    struct turn *turn, const struct outcome *outcome, struct delivery_row *row)
{
	struct message_row message;
	struct event event = event_of(turn, outcome, row, "delivered");

	if (turn_message(turn, &outcome->id, &message))
		event.message = &message;
	turn_record(turn, &event);
	turn->counters.delivered++;
	tasks_add(&turn->status, &outcome->id, outcome->recipient_number,
	    STATUS_DELIVERED);
	if (outcome->content_omitted) {
		row->reason = REASON_OMITTED;
		row->status = outcome->status;
	}
	turn_finish(turn, &outcome->id, outcome->recipient_number, row,
	    outcome->content_omitted ? STATE_DEAD : STATE_DELIVERED);
}

static void die(struct turn *turn, const struct outcome *outcome,
    struct delivery_row *row, const char *reason)
{
	struct event event = event_of(turn, outcome, row, "dead");
	char id[ID_TEXT + 1];

	event.reason = reason;
	event_put(turn->txn, &event);
	row->status = outcome->status;
	row->reason = reason;
	row->answer = outcome->answer;
	turn->counters.died++;
	tasks_add(&turn->status, &outcome->id, outcome->recipient_number,
	    STATUS_DEAD);
	turn_finish(
	    turn, &outcome->id, outcome->recipient_number, row, STATE_DEAD);
	id_format(&outcome->id, id);
	log_event(LOG_WARN, "dead_lettered", LOG_TEXT("id", id),
	    LOG_TEXT("recipient", row->address), LOG_TEXT("reason", reason),
	    LOG_NUMBER("status", outcome->status),
	    LOG_NUMBER("attempt", row->tries));
}

static void defer(struct turn *turn, const struct outcome *outcome,
    struct delivery_row *row, bool excused)
{
	struct event event;

	if (!excused)
		row->attempts++;
	if (schedule_gives_up(turn->policy, row)) {
		die(turn, outcome, row,
		    row->age_ms >= turn->policy->max_age_ms
			? "expired"
			: "retries_exhausted");
		return;
	}
	event = event_of(turn, outcome, row, "deferred");
	row->planned_wait_ms = schedule_wait(turn->policy, row->attempts,
	    outcome->retry_after_ms, randombytes_random());
	event.wait_ms = row->planned_wait_ms;
	event_put(turn->txn, &event);
	row->state = STATE_DEFERRED;
	row->due_ms = turn->now_ms + row->planned_wait_ms;
	row->status = outcome->status;
	row->reason = outcome->reason;
	row->answer = outcome->answer;
	turn_attach(turn, &outcome->id, outcome->recipient_number, row);
}

/* Not tried: as it was before the claim, due at once. */
static void release(
    struct turn *turn, const struct outcome *outcome, struct delivery_row *row)
{
	if (row->tries > 0)
		row->tries--;
	row->state = row->tries == 0 ? STATE_QUEUED : STATE_DEFERRED;
	row->due_ms = turn->now_ms;
	turn_attach(turn, &outcome->id, outcome->recipient_number, row);
}

void settle_outcome(struct turn *turn, const struct outcome *outcome)
{
	struct delivery_row row;
	bool superseded, excused;

	if (!turn_delivery(turn, &outcome->id, outcome->recipient_number, &row))
		return;
	superseded =
	    row.state != STATE_CLAIMED || row.claim_number != outcome->claim;
	/* A late answer counts if it says delivered, unless it is known. */
	if (superseded &&
	    (outcome->kind != OUTCOME_DELIVERED ||
		row.state == STATE_DELIVERED || row.state == STATE_CANCELLED))
		return;
	turn_detach(turn, &outcome->id, outcome->recipient_number, &row);
	switch (outcome->kind) {
	case OUTCOME_DELIVERED:
		deliver(turn, outcome, &row);
		(void)settle_destination(turn, outcome, &row);
		return;
	case OUTCOME_DEAD:
		die(turn, outcome, &row, outcome->reason);
		(void)settle_destination(turn, outcome, &row);
		return;
	case OUTCOME_RELEASED:
		release(turn, outcome, &row);
		(void)settle_destination(turn, outcome, &row);
		return;
	case OUTCOME_DEFERRED:
		break;
	}
	excused = settle_destination(turn, outcome, &row);
	defer(turn, outcome, &row, excused);
	if (row.state == STATE_DEFERRED) {
		struct destination_row destination;

		(void)destination_get(
		    turn->txn, row.lane, row.destination, &destination);
		turn_refresh(turn, row.lane, row.destination, &destination);
	}
}
