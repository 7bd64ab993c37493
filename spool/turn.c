/*
 * One bookkeeping transaction: rows, files and history of a delivery change
 * together. What must be on disk before the index says so (a dead letter's
 * name, the history) is synced before the commit; what may be late (unlinking,
 * status bytes) happens after it and is in the index (`doomed`) until it did.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/os.h"
#include "spool/agent.h"
#include "spool/destination.h"
#include "spool/id.h"
#include "spool/kept.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* --- begin and end ---------------------------------------------------- */

bool turn_begin(struct turn *turn, struct spool *spool,
    const struct lane_policy *policy, struct history *history,
    struct error *err)
{
	memset(turn, 0, sizeof(*turn));
	if (!spool_write_begin(spool, &turn->txn, err))
		return false;
	turn->spool = spool;
	turn->policy = policy;
	turn->history = history;
	turn->arena = arena_new();
	turn->now_ms = clock_wall_ms();
	turn->mono_ms = clock_mono_ms();
	counters_get(turn->txn, &turn->counters);
	return true;
}

static void turn_free(struct turn *turn)
{
	arena_free(&turn->arena);
	tasks_free(&turn->unlink);
	tasks_free(&turn->status);
	tasks_free(&turn->died);
	tasks_free(&turn->bury);
	tasks_free(&turn->revive);
	tasks_free(&turn->keep);
	tasks_free(&turn->leave);
}

void turn_abort(struct turn *turn)
{
	history_drop(turn->history);
	spool_txn_abort(turn->spool, &turn->txn);
	turn_free(turn);
}

/* Gives files their name in the other box, durably. */
static bool link_all(struct turn *turn, const struct tasks *tasks,
    enum box from, enum box to, struct error *err)
{
	const struct maildirs *dirs = &turn->spool->maildirs;

	for (size_t i = 0; i < tasks->count; i++) {
		char id[ID_TEXT + 1];

		id_format(&tasks->items[i].id, id);
		if (maildir_link(dirs, from, to, id, err))
			continue;
		if (err->kind != ERROR_NOT_FOUND)
			return false;
		/* Must never happen; the row stays for the operator. */
		log_event(LOG_ERROR, "message_lost", LOG_TEXT("id", id),
		    LOG_TEXT("error", err->text));
	}
	return tasks->count == 0 || maildir_sync(dirs, to, err);
}

static void complain(const struct task *task, const struct error *err)
{
	char id[ID_TEXT + 1];

	id_format(&task->id, id);
	log_event(LOG_WARN, "status_not_written", LOG_TEXT("id", id),
	    LOG_TEXT("error", err->text));
}

/* Overwrites one status byte; fine if the file is gone, finished by the same
 * turn. */
static bool write_byte(
    struct turn *turn, const struct task *task, bool sync, struct error *err)
{
	const struct maildirs *dirs = &turn->spool->maildirs;
	char id[ID_TEXT + 1];
	bool done;
	int fd;

	id_format(&task->id, id);
	if (!maildir_open_file(dirs, BOX_QUEUE, id, O_WRONLY, &fd, err) &&
	    !maildir_open_file(dirs, BOX_DEAD, id, O_WRONLY, &fd, err))
		return err->kind == ERROR_NOT_FOUND;
	done = os_pwrite(fd, &task->byte, 1,
		   ENVELOPE_STATUS_OFFSET + (off_t)task->number, err) &&
	       (!sync || os_fdatasync(fd, err));
	os_close(&fd);
	return done;
}

/* Overwrites the status bytes in the files, for rebuild. As in a commit, many
 * are synced by one syncfs(). */
static void write_status(struct turn *turn)
{
	bool singly = turn->status.count < LIMIT_SYNC_SINGLY;
	struct error err;

	for (size_t i = 0; i < turn->status.count; i++) {
		const struct task *task = &turn->status.items[i];

		if (!write_byte(turn, task, turn->sync_status && singly, &err))
			complain(task, &err);
	}
	if (turn->sync_status && !singly && !os_syncfs(turn->spool->root, &err))
		complain(&turn->status.items[0], &err);
}

static void announce_dead(struct turn *turn)
{
	const struct spool_options *options = &turn->spool->options;

	for (size_t i = 0; i < turn->died.count; i++) {
		char id[ID_TEXT + 1];

		id_format(&turn->died.items[i].id, id);
		if (options->announce != NULL)
			options->announce(options->announce_arg, id, true);
	}
}

bool turn_commit(
    struct turn *turn, struct unlinker *unlinker, struct error *err)
{
	bool done;

	counters_put(turn->txn, &turn->counters);
	if (!history_flush(turn->history, err) ||
	    !kept_add(turn->spool, &turn->keep, turn->now_ms, err) ||
	    !link_all(turn, &turn->bury, BOX_QUEUE, BOX_DEAD, err) ||
	    !link_all(turn, &turn->revive, BOX_DEAD, BOX_QUEUE, err)) {
		turn_abort(turn);
		return false;
	}
	unlink_files(
	    &turn->spool->maildirs, turn->leave.items, turn->leave.count);
	done = spool_txn_commit(turn->spool, &turn->txn, err);
	if (done) {
		write_status(turn);
		if (unlinker != NULL)
			unlinker_add(unlinker, &turn->unlink);
		else
			unlink_files(&turn->spool->maildirs, turn->unlink.items,
			    turn->unlink.count);
		announce_dead(turn);
	}
	turn_free(turn);
	return done;
}

/* --- rows ------------------------------------------------------------- */

bool turn_delivery(struct turn *turn, const struct id *id, unsigned recipient,
    struct delivery_row *row)
{
	if (!delivery_get(turn->txn, id, recipient, row))
		return false;
	row->address = arena_strdup(turn->arena, row->address);
	row->destination_name =
	    arena_strdup(turn->arena, row->destination_name);
	row->reason = arena_strdup(turn->arena, row->reason);
	row->answer = arena_strdup(turn->arena, row->answer);
	return true;
}

bool turn_message(
    struct turn *turn, const struct id *id, struct message_row *row)
{
	if (!message_get(turn->txn, id, row))
		return false;
	row->sender = arena_strdup(turn->arena, row->sender);
	row->client_ip = arena_strdup(turn->arena, row->client_ip);
	row->helo = arena_strdup(turn->arena, row->helo);
	row->user = arena_strdup(turn->arena, row->user);
	row->message_id = arena_strdup(turn->arena, row->message_id);
	return true;
}

void turn_detach(struct turn *turn, const struct id *id, unsigned recipient,
    const struct delivery_row *row)
{
	enum index_table table;
	struct key key;

	if (delivery_set_key(row, id, recipient, &table, &key))
		index_delete(turn->txn, table, key_bytes(&key));
	if (!delivery_is_final(row->state))
		turn->counters.deliveries[row->lane][row->state]--;
}

void turn_attach(struct turn *turn, const struct id *id, unsigned recipient,
    const struct delivery_row *row)
{
	enum index_table table;
	struct key key;

	if (delivery_set_key(row, id, recipient, &table, &key))
		index_put(
		    turn->txn, table, key_bytes(&key), (struct bytes){"", 0});
	if (!delivery_is_final(row->state))
		turn->counters.deliveries[row->lane][row->state]++;
	delivery_put(turn->txn, id, recipient, row);
}

void turn_record(struct turn *turn, const struct event *event)
{
	struct buf json = buf_new(64 * 1024);

	event_format(&json, event);
	history_add(turn->history, turn->now_ms, json.data, json.len);
	buf_free(&json);
}

/* --- the end of a delivery and of a message --------------------------- */

static void delete_lookup(struct turn *turn, uint64_t hash, const struct id *id)
{
	struct key key = lookup_key(hash, id);

	index_delete(turn->txn, TABLE_LOOKUP, key_bytes(&key));
}

/* The file loses all its names once the turn is durable. One that is kept may
 * come back, and its doomed row forbids that for as long as anybody may still
 * unlink it: so that is for the owner of the row, or for whoever has
 * run/recovery (spool_finish_doomed()). */
static void doom(struct turn *turn, const struct id *id, bool kept)
{
	const unsigned names = DOOMED_QUEUE | DOOMED_DEAD;

	doomed_put(turn->txn, id, names, turn->owner);
	if (!kept || turn->owner != 0)
		tasks_add(&turn->unlink, id, names, 0);
	if (kept)
		tasks_add(&turn->keep, id, 0, 0);
}

void turn_remove_message(
    struct turn *turn, const struct id *id, const struct message_row *message)
{
	bool delivered = false;
	struct delivery_row row;
	struct key key;

	for (unsigned i = 0; i < message->recipients; i++) {
		if (!delivery_get(turn->txn, id, i, &row))
			continue;
		delivered = delivered || row.state == STATE_DELIVERED;
		delete_lookup(turn, address_hash(row.address), id);
		key = delivery_key(id, i);
		index_delete(turn->txn, TABLE_DELIVERY, key_bytes(&key));
	}
	if (message->message_id_hash != 0)
		delete_lookup(turn, message->message_id_hash, id);
	key = message_key(id);
	index_delete(turn->txn, TABLE_MESSAGE, key_bytes(&key));
	events_finish(turn->txn, id, turn->history);
	turn->counters.messages--;
	turn->counters.bytes -= message->size;
	doom(turn, id, delivered && turn->spool->options.keep_delivered_ms > 0);
}

/* The names that the file of such a message has. */
static unsigned names_of(const struct message_row *message)
{
	return (message->live > 0 ? DOOMED_QUEUE : 0U) |
	       (message->dead > 0 ? DOOMED_DEAD : 0U);
}

/* Stores the row of a message that stays; it gives up the names that it had
 * and needs no more. */
static void store_message(struct turn *turn, const struct id *id,
    const struct message_row *message, unsigned had)
{
	unsigned unneeded = had & ~names_of(message);

	message_put(turn->txn, id, message);
	if (unneeded != 0)
		tasks_add(&turn->leave, id, unneeded, 0);
}

void turn_finish(struct turn *turn, const struct id *id, unsigned recipient,
    struct delivery_row *row, enum delivery_state final)
{
	struct message_row message;
	unsigned had;

	if (!turn_message(turn, id, &message))
		return;
	had = names_of(&message);
	if (row->state == STATE_DEAD)
		message.dead--;
	else
		message.live--;
	row->state = final;
	if (final == STATE_DEAD) {
		row->due_ms = turn->now_ms; /* the time of death */
		message.dead++;
		tasks_add(&turn->bury, id, 0, 0);
		tasks_add(&turn->died, id, 0, 0);
	}
	turn_attach(turn, id, recipient, row);
	if (message.live == 0 && message.dead == 0)
		turn_remove_message(turn, id, &message);
	else
		store_message(turn, id, &message, had);
}

void turn_revive(struct turn *turn, const struct id *id, unsigned recipient,
    struct delivery_row *row)
{
	struct message_row message;
	unsigned had;

	if (!turn_message(turn, id, &message))
		return;
	had = names_of(&message);
	message.dead--;
	message.live++;
	row->state = STATE_QUEUED;
	row->due_ms = turn->now_ms;
	turn_attach(turn, id, recipient, row);
	tasks_add(&turn->revive, id, 0, 0);
	store_message(turn, id, &message, had);
}

/* --- destinations ----------------------------------------------------- */

void turn_refresh(struct turn *turn, enum lane lane, uint64_t destination,
    struct destination_row *row)
{
	struct index_walk *walk = index_walk_new(turn->txn, TABLE_DUE);
	struct key prefix = due_prefix(lane, destination);
	int64_t next = INT64_MAX, farthest;
	struct bytes key, value;

	if (index_seek(
		walk, key_bytes(&prefix), key_bytes(&prefix), &key, &value))
		next = due_key_time(key);
	index_walk_free(&walk);
	if (next != INT64_MAX && circuit_is_open(row) && next < row->probe_ms)
		next = row->probe_ms;
	/* Set under another clock: looked at again within one wait. */
	farthest = turn->now_ms + turn->policy->retry_cap_ms;
	if (next != INT64_MAX && next > farthest)
		next = farthest;
	destination_store(turn->txn, lane, destination, row, next);
}
