/* Acting on deliveries, a few hundred in a turn. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "spool/agent.h"
#include "spool/id.h"
#include "spool/notify.h"
#include "spool/operator.h"
#include "spool/recover.h"

#include <stdlib.h>

/* Deliveries in one transaction. */
#define BATCH 256
/* A transaction is repeated after the map has grown, and once more with the
 * ballast's room. */
#define TRIES 3

/* --- the verbs -------------------------------------------------------- */

#define IN(state) (1U << (state))
#define IN_DUE (IN(STATE_QUEUED) | IN(STATE_DEFERRED))

struct verb {
	const char *event;       /* in the history */
	unsigned states;         /* in which it makes sense */
	enum status_byte status; /* of the file from then on; 0: as it was */
	/* What becomes of a detached delivery. */
	void (*apply)(struct turn *turn, const struct id *id,
	    unsigned recipient, struct delivery_row *row);
};

static void wait_again(struct turn *turn, const struct id *id,
    unsigned recipient, struct delivery_row *row)
{
	row->state = row->tries == 0 ? STATE_QUEUED : STATE_DEFERRED;
	row->due_ms = turn->now_ms;
	turn_attach(turn, id, recipient, row);
}

static void hold(struct turn *turn, const struct id *id, unsigned recipient,
    struct delivery_row *row)
{
	row->state = STATE_HELD;
	turn_attach(turn, id, recipient, row);
}

static void end(struct turn *turn, const struct id *id, unsigned recipient,
    struct delivery_row *row)
{
	turn->counters.cancelled++;
	turn_finish(turn, id, recipient, row, STATE_CANCELLED);
}

/* As a new one, but its tries go on counting: each has its own number. */
static void requeue(struct turn *turn, const struct id *id, unsigned recipient,
    struct delivery_row *row)
{
	row->attempts = 0;
	row->age_ms = row->planned_wait_ms = 0;
	row->aged_at_ms = turn->now_ms;
	turn_revive(turn, id, recipient, row);
}

static const struct verb verbs[] = {
    [OPERATOR_RETRY] = {"retried", IN_DUE, 0, wait_again},
    [OPERATOR_HOLD] = {"held", IN_DUE | IN(STATE_CLAIMED), STATUS_HELD, hold},
    [OPERATOR_RELEASE] = {"released", IN(STATE_HELD), STATUS_QUEUED,
	wait_again},
    [OPERATOR_CANCEL] = {"cancelled",
	IN_DUE | IN(STATE_CLAIMED) | IN(STATE_HELD), STATUS_CANCELLED, end},
    [OPERATOR_REQUEUE] = {"requeued", IN(STATE_DEAD), STATUS_QUEUED, requeue},
    [OPERATOR_DROP] = {"dropped", IN(STATE_DEAD), STATUS_CANCELLED, end},
};

/* --- one delivery ----------------------------------------------------- */

struct act {
	struct spool *spool;
	const struct operator_order *order;
	const struct verb *verb;
	operator_acted_fn *acted;
	void *arg;
	struct history *history;
	/* The batch: copies, and what became of each. */
	struct arena *arena;
	struct operator_entry entries[BATCH];
	enum operator_result results[BATCH];
	size_t count;
};

static void record(const struct act *act, struct turn *turn,
    const struct operator_entry *entry, const struct delivery_row *row)
{
	struct message_row message;
	struct event event = {.at_ms = turn->now_ms,
	    .id = &entry->id,
	    .name = act->verb->event,
	    .recipient_number = entry->recipient_number,
	    .recipient = row->address,
	    .reason = row->state == STATE_DEAD ? row->reason : NULL,
	    .who = act->order->who};

	/* What ends a delivery also tells where it came from. */
	if (act->verb->apply == end && turn_message(turn, &entry->id, &message))
		event.message = &message;
	event_put(turn->txn, &event);
}

/* The scheduler must know of what changed behind a destination. */
static void settle_destination(const struct act *act, struct turn *turn,
    const struct delivery_row *row, uint64_t lost_claim)
{
	struct destination_row destination;

	(void)destination_get(
	    turn->txn, row->lane, row->destination, &destination);
	circuit_probe_lost(&destination, lost_claim, turn->now_ms);
	/* Who asks for a try now has a reason to: no waiting for the probe. */
	if (act->order->verb == OPERATOR_RETRY &&
	    circuit_is_open(&destination) && destination.probe_claim == 0)
		destination.probe_ms = turn->now_ms;
	turn_refresh(turn, row->lane, row->destination, &destination);
}

static enum operator_result act_on(const struct act *act, struct turn *turn,
    const struct operator_entry *entry)
{
	const struct verb *verb = act->verb;
	unsigned recipient = entry->recipient_number;
	struct delivery_row row;
	uint64_t claim;

	if (!turn_delivery(turn, &entry->id, recipient, &row))
		return OPERATOR_NOT_FOUND; /* it has just ended */
	if ((verb->states & IN(row.state)) == 0)
		return OPERATOR_UNSUITED;
	if (act->order->verb == OPERATOR_REQUEUE &&
	    !operator_has_file(act->spool, &entry->id))
		return OPERATOR_NO_FILE;
	claim = row.state == STATE_CLAIMED ? row.claim_number : 0;
	record(act, turn, entry, &row);
	turn_detach(turn, &entry->id, recipient, &row);
	verb->apply(turn, &entry->id, recipient, &row);
	settle_destination(act, turn, &row, claim);
	if (verb->status != 0)
		tasks_add(
		    &turn->status, &entry->id, recipient, (char)verb->status);
	return OPERATOR_DONE;
}

/* --- a batch ---------------------------------------------------------- */

static bool try_batch(struct act *act, struct error *err)
{
	struct turn turn;

	if (!turn_begin(
		&turn, act->spool, &schedule_operator, act->history, err))
		return false;
	/* What an operator said must survive a rebuild. */
	turn.sync_status = true;
	for (size_t i = 0; i < act->count; i++) {
		/* One that was not found has none. */
		if (act->entries[i].recipients != 0)
			act->results[i] = act_on(act, &turn, &act->entries[i]);
	}
	return turn_commit(&turn, NULL, err);
}

static bool finish_batch(struct act *act, struct error *err)
{
	bool done = act->count == 0;

	for (int i = 0; i < TRIES && !done; i++) {
		done = try_batch(act, err);
		if (!done && err->kind != ERROR_TEMPORARY &&
		    (err->kind != ERROR_FULL ||
			!ballast_release(&act->spool->room)))
			return false;
	}
	if (done && act->spool->notifier != NULL)
		notifier_wake(act->spool->notifier);
	for (size_t i = 0; done && i < act->count; i++)
		act->acted(act->arg, &act->entries[i], act->results[i]);
	arena_reset(act->arena);
	act->count = 0;
	return done;
}

static bool add(struct act *act, const struct operator_entry *entry,
    enum operator_result result, struct error *err)
{
	struct operator_entry *copy = &act->entries[act->count];
	struct arena *arena = act->arena;

	*copy = *entry;
	copy->recipient = arena_strdup(arena, entry->recipient);
	copy->destination = arena_strdup(arena, entry->destination);
	copy->reason = arena_strdup(arena, entry->reason);
	copy->answer = arena_strdup(arena, entry->answer);
	copy->sender = arena_strdup(arena, entry->sender);
	copy->message_id = arena_strdup(arena, entry->message_id);
	copy->client_ip = arena_strdup(arena, entry->client_ip);
	copy->helo = arena_strdup(arena, entry->helo);
	copy->user = arena_strdup(arena, entry->user);
	act->results[act->count++] = result;
	return act->count < BATCH || finish_batch(act, err);
}

/* --- the whole order -------------------------------------------------- */

/* Takes what the filter lets pass, or only those of it to which the verb
 * applies. *any: whether there were such. */
static bool take_all(struct act *act, const struct operator_filter *filter,
    bool suited, bool *any, struct error *err)
{
	bool dead = act->verb->states == IN(STATE_DEAD);
	struct operator_list *list = operator_list_new(act->spool, filter,
	    dead && filter->id == NULL ? OPERATOR_BY_DEATH
				       : OPERATOR_OLDEST_FIRST);
	const struct operator_entry *entry;
	bool done;

	*any = false;
	while (
	    (done = operator_list_next(list, &entry, err)) && entry != NULL) {
		if (suited && (act->verb->states & IN(entry->state)) == 0)
			continue;
		*any = true;
		done = add(act, entry, OPERATOR_UNSUITED, err);
		if (!done)
			break;
	}
	operator_list_free(&list);
	return done;
}

/* Who names a message means those of its deliveries to which the verb applies;
 * if there are none, all of them, to be told why. */
static bool act_on_id(struct act *act, const struct id *id, struct error *err)
{
	struct operator_filter filter = act->order->filter;
	struct operator_entry missing = operator_entry_of(id);
	bool any;

	filter.id = id;
	if (!take_all(act, &filter, true, &any, err) ||
	    (!any && !take_all(act, &filter, false, &any, err)))
		return false;
	return any || add(act, &missing, OPERATOR_NOT_FOUND, err);
}

const char *operator_result_name(enum operator_result result)
{
	static const char *const names[] = {[OPERATOR_DONE] = "done",
	    [OPERATOR_UNSUITED] = "unsuited",
	    [OPERATOR_NO_FILE] = "no_file",
	    [OPERATOR_ENDING] = "ending",
	    [OPERATOR_NOT_FOUND] = "not_found"};

	return names[result];
}

bool operator_act(struct spool *spool, const struct operator_order *order,
    operator_acted_fn *acted, void *arg, struct error *err)
{
	struct act *act = xcalloc(1, sizeof(*act));
	struct operator_filter filter = order->filter;
	struct error later;
	uint64_t unlinked;
	bool done = true, any;

	act->spool = spool;
	act->order = order;
	act->verb = &verbs[order->verb];
	act->acted = acted;
	act->arg = arg;
	act->history = history_new(spool->root);
	act->arena = arena_new();
	for (size_t i = 0; done && i < order->id_count; i++)
		done = act_on_id(act, &order->ids[i], err);
	if (order->id_count == 0) {
		/* What is requeued and dies again at once is not met again. */
		filter.died_before_ms = clock_wall_ms();
		done = take_all(act, &filter, true, &any, err);
	}
	done = done && finish_batch(act, err);
	if (act->verb->apply == end &&
	    !spool_finish_doomed(spool, &unlinked, &later))
		log_event(
		    LOG_WARN, "unlinked_later", LOG_TEXT("error", later.text));
	history_free(&act->history);
	arena_free(&act->arena);
	free(act);
	return done;
}
