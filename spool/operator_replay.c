/* Posting again what was delivered and is kept. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/os.h"
#include "spool/agent.h"
#include "spool/id.h"
#include "spool/kept.h"
#include "spool/message.h"
#include "spool/notify.h"
#include "spool/operator.h"
#include "spool/recover.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A transaction is repeated after the map has grown, and once more with the
 * ballast's room. */
#define TRIES 3

struct replay {
	struct spool *spool;
	const struct operator_replay_order *order;
	operator_acted_fn *acted;
	void *arg;
	struct history *history;
	struct arena *arena; /* of one message */
	struct error *err;
	bool failed;
};

/* --- one message ------------------------------------------------------ */

/* What is asked for, of what was delivered. */
static bool is_chosen(const struct operator_replay_order *order,
    const struct delivery_row *row, char status)
{
	enum lane lane = order->lane != 0 ? order->lane : LANE_WEBHOOK;

	return status == STATUS_DELIVERED && row->lane == lane &&
	       (order->recipient == NULL ||
		   strcasecmp(order->recipient, row->address) == 0);
}

/* The rows that it gets: the chosen deliveries wait as new ones do, the others
 * are as final as they were. How many were chosen. */
static unsigned choose(const struct replay *replay, struct message_rows *rows,
    const struct message *message, int64_t now_ms)
{
	unsigned chosen = 0;

	for (unsigned i = 0; i < rows->message.recipients; i++) {
		struct delivery_row *row = &rows->deliveries[i];
		char status = message_status_now(message, i);

		if (is_chosen(replay->order, row, status)) {
			row->due_ms = row->aged_at_ms = now_ms;
			chosen++;
		} else {
			row->state = status == STATUS_DELIVERED
					 ? STATE_DELIVERED
					 : STATE_CANCELLED;
		}
	}
	rows->message.live = (uint16_t)chosen;
	rows->message.dead = 0;
	return chosen;
}

static void tell(const struct replay *replay, const struct message_rows *rows,
    enum operator_result result)
{
	const struct message_row *message = &rows->message;
	struct operator_entry entry = operator_entry_of(&rows->id);

	entry.received_ms = message->received_ms;
	entry.size = message->size;
	entry.recipients = message->recipients;
	entry.sender = message->sender;
	entry.message_id = message->message_id;
	entry.client_ip = message->client_ip;
	entry.helo = message->helo;
	entry.user = message->user;
	for (unsigned i = 0; i < message->recipients; i++) {
		const struct delivery_row *row = &rows->deliveries[i];

		if (row->state != STATE_QUEUED)
			continue;
		entry.recipient_number = i;
		entry.recipient = row->address;
		entry.lane = row->lane;
		entry.destination = row->destination_name;
		entry.state = STATE_DELIVERED;
		replay->acted(replay->arg, &entry, result);
	}
}

/* Of a message of which nothing else can be said. */
static void tell_none(const struct replay *replay, const struct id *id,
    enum operator_result result)
{
	struct operator_entry entry = operator_entry_of(id);

	entry.state = STATE_DELIVERED;
	replay->acted(replay->arg, &entry, result);
}

/* It is here already, or may still lose its name in the queue (row 10). */
static enum operator_result judge(struct index_txn *txn, const struct id *id)
{
	struct key key = doomed_key(id);
	struct message_row row;
	struct bytes value;

	if (message_get(txn, id, &row))
		return OPERATOR_UNSUITED;
	return index_get(txn, TABLE_DOOMED, key_bytes(&key), &value)
		   ? OPERATOR_ENDING
		   : OPERATOR_DONE;
}

static void record(const struct replay *replay, struct turn *turn,
    const struct message_rows *rows)
{
	for (unsigned i = 0; i < rows->message.recipients; i++) {
		if (rows->deliveries[i].state != STATE_QUEUED)
			continue;
		event_put(
		    turn->txn, &(struct event){.at_ms = turn->now_ms,
				   .id = &rows->id,
				   .name = "replayed",
				   .recipient_number = i,
				   .recipient = rows->deliveries[i].address,
				   .who = replay->order->who});
		tasks_add(&turn->status, &rows->id, i, STATUS_QUEUED);
	}
}

/* Back into the queue: its name durable first, then its rows. */
static bool try_put(const struct replay *replay, int hour,
    const struct message_rows *rows, enum operator_result *result,
    struct error *err)
{
	const struct maildirs *dirs = &replay->spool->maildirs;
	char name[ID_TEXT + 1];
	struct turn turn;

	if (!turn_begin(
		&turn, replay->spool, &schedule_operator, replay->history, err))
		return false;
	*result = judge(turn.txn, &rows->id);
	if (*result != OPERATOR_DONE) {
		turn_abort(&turn);
		return true;
	}
	id_format(&rows->id, name);
	if ((!maildir_has(dirs, BOX_QUEUE, name) &&
		!os_link(hour, name, dirs->fresh[BOX_QUEUE], name, err)) ||
	    !maildir_sync(dirs, BOX_QUEUE, err)) {
		turn_abort(&turn);
		return false;
	}
	turn.sync_status = true;
	message_rows_put(turn.txn, rows, &turn.counters);
	record(replay, &turn, rows);
	return turn_commit(&turn, NULL, err);
}

static bool put(const struct replay *replay, int hour,
    const struct message_rows *rows, enum operator_result *result,
    struct error *err)
{
	bool done = false;

	for (int i = 0; i < TRIES && !done; i++) {
		done = try_put(replay, hour, rows, result, err);
		if (!done && err->kind != ERROR_TEMPORARY &&
		    (err->kind != ERROR_FULL ||
			!ballast_release(&replay->spool->room)))
			return false;
	}
	return done;
}

static bool look(const struct replay *replay, const struct id *id,
    enum operator_result *result, struct error *err)
{
	struct index_txn *txn;

	if (!spool_read_begin(replay->spool, &txn, err))
		return false;
	*result = judge(txn, id);
	if (*result == OPERATOR_ENDING)
		*result = OPERATOR_DONE; /* by then */
	spool_txn_abort(replay->spool, &txn);
	return true;
}

static bool replay_file(const struct replay *replay, int hour,
    struct message *message, struct error *err)
{
	const struct envelope *envelope = spool_message_envelope(message);
	enum operator_result result;
	struct message_rows rows;

	message_rows_make(
	    &rows, envelope, message_file_size(message), replay->arena);
	if (choose(replay, &rows, message, clock_wall_ms()) == 0) {
		if (replay->order->id_count > 0)
			tell_none(replay, &rows.id, OPERATOR_UNSUITED);
		return true;
	}
	if (!(replay->order->dry_run ? look(replay, &rows.id, &result, err)
				     : put(replay, hour, &rows, &result, err)))
		return false;
	tell(replay, &rows, result);
	return true;
}

/* The open file, whose folder is `hour`. */
static bool replay_fd(struct replay *replay, const struct id *id, int hour,
    int fd, struct error *err)
{
	struct message *message = NULL;
	char text[ID_TEXT + 1];
	struct error why;
	bool done;

	arena_reset(replay->arena);
	if (!message_open_fd(fd, &message, &why) ||
	    !message_verify(message, replay->spool->key, &why)) {
		id_format(id, text);
		log_event(LOG_ERROR, "kept_message_damaged",
		    LOG_TEXT("id", text), LOG_TEXT("error", why.text));
		tell_none(replay, id, OPERATOR_NO_FILE);
		spool_message_close(&message);
		return true;
	}
	done = replay_file(replay, hour, message, err);
	spool_message_close(&message);
	return done;
}

static bool replay_id(
    struct replay *replay, const struct id *id, struct error *err)
{
	struct error why;
	int hour, fd;
	bool done;

	if (!kept_open(replay->spool, id, &hour, &fd, &why)) {
		tell_none(replay, id, OPERATOR_NOT_FOUND);
		return true;
	}
	done = replay_fd(replay, id, hour, fd, err);
	os_close(&hour);
	return done;
}

/* --- the whole order -------------------------------------------------- */

static bool on_kept(void *arg, int hour, const char *name)
{
	struct replay *replay = arg;
	struct error why;
	struct id id;
	int fd;

	/* One that is gone has just expired. */
	if (!id_parse(name, &id) ||
	    !os_open(hour, name, O_RDONLY, 0, &fd, &why))
		return true;
	replay->failed = !replay_fd(replay, &id, hour, fd, replay->err);
	return !replay->failed;
}

bool operator_replay(struct spool *spool,
    const struct operator_replay_order *order, operator_acted_fn *acted,
    void *arg, struct error *err)
{
	struct replay replay = {.spool = spool,
	    .order = order,
	    .acted = acted,
	    .arg = arg,
	    .history = history_new(spool->root),
	    .arena = arena_new(),
	    .err = err};
	uint64_t unlinked;
	bool done = true;

	/* What dead agents left of finished messages stands in the way. */
	if (!order->dry_run)
		done = spool_finish_doomed(spool, &unlinked, err);
	for (size_t i = 0; done && i < order->id_count; i++)
		done = replay_id(&replay, &order->ids[i], err);
	if (done && order->id_count == 0)
		done = kept_each(spool, order->since_ms, order->until_ms,
			   on_kept, &replay, err) &&
		       !replay.failed;
	if (spool->notifier != NULL)
		notifier_wake(spool->notifier);
	history_free(&replay.history);
	arena_free(&replay.arena);
	return done;
}
