#include "spool/rebuild_states.h"

#include <string.h>

/* The old row of the same delivery; NULL if it knows none. */
static const struct delivery_row *old_row(const struct message_rows *old,
    unsigned recipient, const struct delivery_row *row)
{
	const struct delivery_row *found;

	if (old == NULL || recipient >= old->message.recipients)
		return NULL;
	found = &old->deliveries[recipient];
	return found->address != NULL && found->lane == row->lane &&
		       strcmp(found->address, row->address) == 0
		   ? found
		   : NULL;
}

/* How often it was tried, and what was answered. */
static void take_history(
    struct delivery_row *row, const struct delivery_row *old)
{
	row->attempts = old->attempts;
	row->tries = old->tries;
	row->age_ms = old->age_ms;
	row->aged_at_ms = old->aged_at_ms;
	row->planned_wait_ms = old->planned_wait_ms;
	row->status = old->status;
	row->answer = old->answer;
	if (old->reason[0] != '\0')
		row->reason = old->reason;
}

static void take_over(
    struct delivery_row *row, const struct delivery_row *old, int64_t now_ms)
{
	bool was_final =
	    old->state == STATE_DEAD || delivery_is_final(old->state);
	bool was_waiting =
	    old->state == STATE_QUEUED || old->state == STATE_DEFERRED;

	take_history(row, old);
	if (row->state == STATE_QUEUED && was_final) {
		row->state = old->state;
		row->due_ms = old->due_ms;
	} else if (row->state == STATE_QUEUED) {
		if (row->tries > 0)
			row->state = STATE_DEFERRED;
		row->due_ms = was_waiting ? old->due_ms : now_ms;
	} else if (row->state == STATE_DEAD && old->state == STATE_DEAD) {
		row->due_ms = old->due_ms; /* the time of death */
	} else if (row->state == STATE_DELIVERED && old->state == STATE_DEAD &&
		   strcmp(old->reason, REASON_OMITTED) == 0) {
		row->state = STATE_DEAD;
		row->due_ms = old->due_ms;
	}
}

static void die(struct delivery_row *row, const char *reason, int64_t now_ms)
{
	row->state = STATE_DEAD;
	row->due_ms = now_ms;
	row->reason = reason;
}

static void count(struct message_rows *rows)
{
	rows->message.live = rows->message.dead = 0;
	for (unsigned i = 0; i < rows->message.recipients; i++) {
		enum delivery_state state = rows->deliveries[i].state;

		if (state == STATE_DEAD)
			rows->message.dead++;
		else if (!delivery_is_final(state))
			rows->message.live++;
	}
}

/* A name among the dead, and nobody says that he is: one was delivered, but
 * not whole; or, if the file has left the queue, one died and the byte that
 * said so is lost. */
static void find_the_dead(struct message_rows *rows,
    const struct rebuild_evidence *evidence, int64_t now_ms)
{
	for (unsigned i = 0; i < rows->message.recipients; i++) {
		struct delivery_row *row = &rows->deliveries[i];

		if (row->state == STATE_DELIVERED)
			die(row, REASON_OMITTED, now_ms);
		else if (!delivery_is_final(row->state) && !evidence->in_queue)
			die(row, REASON_UNKNOWN, now_ms);
	}
	count(rows);
}

unsigned rebuild_decide(struct message_rows *rows,
    const struct rebuild_evidence *evidence, int64_t now_ms, unsigned *unclear)
{
	unsigned carried = 0;

	*unclear = 0;
	for (unsigned i = 0; i < rows->message.recipients; i++) {
		struct delivery_row *row = &rows->deliveries[i];
		const struct delivery_row *old = old_row(evidence->old, i, row);

		if (!message_rows_obey(row, evidence->status[i], now_ms))
			(*unclear)++;
		if (old != NULL) {
			take_over(row, old, now_ms);
			carried++;
		}
	}
	count(rows);
	if (evidence->in_dead && rows->message.dead == 0)
		find_the_dead(rows, evidence, now_ms);
	return carried;
}
