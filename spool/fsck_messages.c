/* Messages from their record's side: file, envelope, hash, rows, names. */
#include "base/alloc.h"
#include "base/errors.h"
#include "base/os.h"
#include "bounds.h"
#include "spool/destination.h"
#include "spool/flight.h"
#include "spool/fsck_parts.h"
#include "spool/id.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Messages whose rows are read at once; their files are read without a
 * transaction. */
#define SLICE 64
/* How long a status byte may take after its commit. */
#define STATUS_STEP_MS 5
#define STATUS_STEPS 60

static const struct bytes nothing = {"", 0};

/* --- rows among themselves -------------------------------------------- */

static bool has(struct fsck *fsck, enum index_table table, struct key key)
{
	struct bytes value;

	return index_get(fsck->txn, table, key_bytes(&key), &value);
}

static void check_set(struct fsck *fsck, const struct id *id,
    unsigned recipient, const struct delivery_row *row)
{
	enum index_table table;
	struct key key;

	if (delivery_set_key(row, id, recipient, &table, &key) &&
	    !has(fsck, table, key) &&
	    fsck_objects(fsck, FINDING_SET, true, id, (int)recipient,
		"it is %s, and has no row in %s",
		delivery_state_name(row->state), index_table_name(table)))
		index_put(fsck->txn, table, key_bytes(&key), nothing);
}

static void check_lookup(
    struct fsck *fsck, const struct id *id, int recipient, uint64_t hash)
{
	struct key key = lookup_key(hash, id);

	if (!has(fsck, TABLE_LOOKUP, key) &&
	    fsck_objects(fsck, FINDING_LOOKUP, true, id, recipient,
		"it cannot be found by its %s",
		recipient < 0 ? "Message-ID" : "address"))
		index_put(fsck->txn, TABLE_LOOKUP, key_bytes(&key), nothing);
}

static void check_rows(struct fsck *fsck, const struct message_rows *rows)
{
	struct message_row message = rows->message;
	bool whole = true;

	message.live = message.dead = 0;
	for (unsigned i = 0; i < message.recipients; i++) {
		const struct delivery_row *row = &rows->deliveries[i];

		if (row->address == NULL) {
			whole = false;
			continue;
		}
		check_set(fsck, &rows->id, i, row);
		check_lookup(
		    fsck, &rows->id, (int)i, address_hash(row->address));
		if (row->state == STATE_DEAD)
			message.dead++;
		else if (!delivery_is_final(row->state))
			message.live++;
	}
	if (message.message_id_hash != 0)
		check_lookup(fsck, &rows->id, -1, message.message_id_hash);
	/* Where a row is missing the file has the word. */
	if (whole &&
	    (message.live != rows->message.live ||
		message.dead != rows->message.dead) &&
	    fsck_objects(fsck, FINDING_ROWS, true, &rows->id, -1,
		"it counts %u live and %u dead recipients of %u and %u",
		rows->message.live, rows->message.dead, message.live,
		message.dead))
		message_put(fsck->txn, &rows->id, &message);
}

/* --- without a file that could be delivered --------------------------- */

/* What still had a try before it becomes a dead letter. */
static void bury(
    struct fsck *fsck, const struct message_rows *rows, const char *reason)
{
	struct turn *turn = fsck->turn;

	for (unsigned i = 0; i < rows->message.recipients; i++) {
		struct delivery_row row;
		struct event event = {.at_ms = turn->now_ms,
		    .id = &rows->id,
		    .name = "dead",
		    .recipient_number = i,
		    .reason = reason,
		    .who = "fsck",
		    .message = &rows->message};

		if (!turn_delivery(turn, &rows->id, i, &row) ||
		    row.state == STATE_DEAD || delivery_is_final(row.state))
			continue;
		event.recipient = row.address;
		event_put(turn->txn, &event);
		turn_detach(turn, &rows->id, i, &row);
		row.status = 0;
		row.reason = reason;
		row.answer = "";
		turn->counters.died++;
		tasks_add(&turn->status, &rows->id, i, STATUS_DEAD);
		turn_finish(turn, &rows->id, i, &row, STATE_DEAD);
	}
}

/* A dead letter that someone removed by hand was discarded. */
static void discard(struct fsck *fsck, const struct message_rows *rows)
{
	struct turn *turn = fsck->turn;

	for (unsigned i = 0; i < rows->message.recipients; i++) {
		struct delivery_row row;
		struct event event = {.at_ms = turn->now_ms,
		    .id = &rows->id,
		    .name = "dropped",
		    .recipient_number = i,
		    .reason = "removed_by_hand",
		    .who = "fsck",
		    .message = &rows->message};

		if (!turn_delivery(turn, &rows->id, i, &row) ||
		    row.state != STATE_DEAD)
			continue;
		event.recipient = row.address;
		event_put(turn->txn, &event);
		turn_detach(turn, &rows->id, i, &row);
		turn->counters.cancelled++;
		turn_finish(turn, &rows->id, i, &row, STATE_CANCELLED);
	}
}

/* Nobody was told 250 for it, and recovery will take its record back. */
static bool is_doubtful(
    const struct fsck *fsck, const struct message_rows *rows)
{
	return fsck->turn != NULL &&
	       flight_of_the_dead(fsck->spool, fsck->txn, &rows->id);
}

static void object_to_missing(
    struct fsck *fsck, const struct message_rows *rows)
{
	const struct message_row *message = &rows->message;

	if (is_doubtful(fsck, rows))
		return;
	if (message->live > 0 || message_rows_is_lost(rows)) {
		if (fsck_objects(fsck, FINDING_LOST, message->live > 0,
			&rows->id, -1,
			"its file is gone; it was from <%s> for %u recipients",
			message->sender, message->recipients))
			bury(fsck, rows, REASON_LOST);
	} else if (fsck_objects(fsck, FINDING_REMOVED, true, &rows->id, -1,
		       "this dead letter was removed by hand")) {
		discard(fsck, rows);
	}
}

/* --- what the file says ----------------------------------------------- */

static bool same_delivery(
    const struct delivery_row *row, const struct delivery_row *from_file)
{
	return row->address != NULL && row->lane == from_file->lane &&
	       row->destination == from_file->destination &&
	       strcmp(row->address, from_file->address) == 0;
}

static bool same_message(
    const struct message_rows *rows, const struct message_rows *from_file)
{
	const struct message_row *a = &rows->message;
	const struct message_row *b = &from_file->message;

	if (a->recipients != b->recipients || a->size != b->size ||
	    a->message_id_hash != b->message_id_hash ||
	    a->received_ms != b->received_ms ||
	    strcmp(a->sender, b->sender) != 0)
		return false;
	for (unsigned i = 0; i < a->recipients; i++) {
		if (!same_delivery(
			&rows->deliveries[i], &from_file->deliveries[i]))
			return false;
	}
	return true;
}

/* One delivery as it should be: the row that is there if it fits, or what the
 * status byte says. Counts it for the message. */
static void restore_delivery(struct fsck *fsck, struct message_rows *rows,
    unsigned recipient, char status)
{
	struct turn *turn = fsck->turn;
	struct delivery_row *row = &rows->deliveries[recipient], old;

	if (turn_delivery(turn, &rows->id, recipient, &old)) {
		turn_detach(turn, &rows->id, recipient, &old);
		if (same_delivery(&old, row))
			*row = old;
		else
			(void)message_rows_obey(row, status, turn->now_ms);
	} else {
		(void)message_rows_obey(row, status, turn->now_ms);
	}
	turn_attach(turn, &rows->id, recipient, row);
	if (row->state == STATE_QUEUED || row->state == STATE_DEFERRED)
		destination_arrive(turn->txn, row->lane, row->destination,
		    row->destination_name, row->due_ms);
	if (row->state == STATE_DEAD)
		rows->message.dead++;
	else if (!delivery_is_final(row->state))
		rows->message.live++;
}

void fsck_restore(struct fsck *fsck, struct message *message)
{
	const struct envelope *envelope = spool_message_envelope(message);
	struct turn *turn = fsck->turn;
	struct message_rows rows;
	struct message_row old;

	message_rows_make(
	    &rows, envelope, message_file_size(message), turn->arena);
	if (turn_message(turn, &rows.id, &old))
		turn->counters.bytes -= old.size;
	else
		turn->counters.messages++;
	turn->counters.bytes += rows.message.size;
	rows.message.live = rows.message.dead = 0;
	for (unsigned i = 0; i < rows.message.recipients; i++)
		restore_delivery(fsck, &rows, i, message_status(message)[i]);
	message_put(turn->txn, &rows.id, &rows.message);
	message_rows_put_lookup(turn->txn, &rows);
}

/* The byte as it is once those who have just committed have written theirs:
 * nobody commits while we wait, so one wait is enough for a turn. */
static char settled_status(struct fsck *fsck, const struct message *message,
    unsigned recipient, char right)
{
	const struct timespec step = {.tv_nsec = STATUS_STEP_MS * 1000000L};
	char status = message_status_now(message, recipient);

	if (fsck->turn == NULL || fsck->waited)
		return status;
	for (int i = 0; i < STATUS_STEPS && status != right; i++) {
		(void)nanosleep(&step, NULL);
		status = message_status_now(message, recipient);
	}
	fsck->waited = status != right;
	return status;
}

static void check_status(struct fsck *fsck, const struct message_rows *rows,
    const struct message *message)
{
	for (unsigned i = 0; i < rows->message.recipients; i++) {
		char right = message_rows_status(&rows->deliveries[i]);
		char status = message_status(message)[i];

		if (status != right)
			status = settled_status(fsck, message, i, right);
		if (status != right &&
		    fsck_objects(fsck, FINDING_STATUS, true, &rows->id, (int)i,
			"its file says %c where it should say %c", status,
			right))
			tasks_add(&fsck->turn->status, &rows->id, i, right);
	}
}

/* --- names ------------------------------------------------------------ */

static void check_name(struct fsck *fsck, const struct message_rows *rows,
    enum box box, bool there, bool wanted)
{
	struct turn *turn = fsck->turn;

	if (there == wanted ||
	    !fsck_objects(fsck, FINDING_NAME, true, &rows->id, -1,
		"it has %s name in %s", wanted ? "no" : "a superfluous",
		box_name(box)))
		return;
	if (!wanted)
		tasks_add(&turn->leave, &rows->id, BOX_BIT(box), 0);
	else
		tasks_add(box == BOX_QUEUE ? &turn->revive : &turn->bury,
		    &rows->id, 0, 0);
}

static void check_names(struct fsck *fsck, const struct message_rows *rows)
{
	char text[ID_TEXT + 1];
	unsigned names;

	id_format(&rows->id, text);
	names = maildir_names(&fsck->spool->maildirs, text);
	if (names == 0 || fsck->buried)
		return;
	check_name(fsck, rows, BOX_QUEUE, (names & BOX_BIT(BOX_QUEUE)) != 0,
	    rows->message.live > 0);
	check_name(fsck, rows, BOX_DEAD, (names & BOX_BIT(BOX_DEAD)) != 0,
	    rows->message.dead > 0);
}

/* --- one message ------------------------------------------------------ */

static void object_to_damage(
    struct fsck *fsck, const struct message_rows *rows, const char *what)
{
	if (!is_doubtful(fsck, rows) &&
	    fsck_objects(fsck, FINDING_DAMAGED, rows->message.live > 0,
		&rows->id, -1, "%s", what))
		bury(fsck, rows, REASON_DAMAGED);
}

static void check_content(
    struct fsck *fsck, const struct message_rows *rows, struct message *message)
{
	struct arena *arena = arena_new();
	const struct envelope *envelope = spool_message_envelope(message);
	struct message_rows from_file;
	struct error err;

	message_rows_make(
	    &from_file, envelope, message_file_size(message), arena);
	if (!message_verify(message, fsck->spool->key, &err))
		object_to_damage(fsck, rows, err.text);
	else if (memcmp(&envelope->id, &rows->id, sizeof(rows->id)) != 0)
		object_to_damage(
		    fsck, rows, "its file is that of another message");
	else if (same_message(rows, &from_file))
		check_status(fsck, rows, message);
	else if (fsck_objects(fsck, FINDING_ROWS, true, &rows->id, -1,
		     "its rows do not say what its file says"))
		fsck_restore(fsck, message);
	fsck->report->bytes += fsck->turn == NULL ? from_file.message.size : 0;
	arena_free(&arena);
}

static void check_file(struct fsck *fsck, const struct message_rows *rows)
{
	struct message *message;
	char text[ID_TEXT + 1];
	struct error err;

	id_format(&rows->id, text);
	if (maildir_names(&fsck->spool->maildirs, text) == 0) {
		object_to_missing(fsck, rows);
		return;
	}
	if (spool_message_open(fsck->spool, &rows->id, &message, &err)) {
		check_content(fsck, rows, message);
		spool_message_close(&message);
	} else if (err.kind == ERROR_CORRUPT) {
		object_to_damage(fsck, rows, err.text);
	} else {
		(void)fsck_objects(fsck, FINDING_UNREADABLE, false, &rows->id,
		    -1, "%s", err.text);
	}
}

/* --- slices ----------------------------------------------------------- */

struct slice {
	struct key from;
	struct arena *arena;
	struct message_rows rows[SLICE];
	bool suspect[SLICE];
	size_t count;
	bool ended;
};

static bool read_slice(
    struct fsck *fsck, struct slice *slice, struct error *err)
{
	struct index_walk *walk;
	struct bytes key, value;
	bool found;

	arena_reset(slice->arena);
	slice->count = 0;
	if (!fsck_look_begin(fsck, err))
		return false;
	walk = index_walk_new(fsck->txn, TABLE_MESSAGE);
	found = index_seek(
	    walk, key_bytes(&slice->from), (struct bytes){0}, &key, &value);
	while (found && slice->count < SLICE) {
		struct message_rows *rows = &slice->rows[slice->count];
		struct id id = key_id(key);

		slice->from = key_behind(key);
		if (message_rows_read(rows, fsck->txn, &id, slice->arena)) {
			fsck->suspect = false;
			check_rows(fsck, rows);
			slice->suspect[slice->count++] = fsck->suspect;
		}
		found = index_next(walk, &key, &value);
	}
	slice->ended = !found;
	index_walk_free(&walk);
	fsck_look_end(fsck);
	return true;
}

static void look_at_files(struct fsck *fsck, struct slice *slice)
{
	for (size_t i = 0; i < slice->count; i++) {
		fsck->suspect = slice->suspect[i];
		check_file(fsck, &slice->rows[i]);
		check_names(fsck, &slice->rows[i]);
		slice->suspect[i] = fsck->suspect;
		fsck->report->messages++;
	}
}

/* The checks once more, each on what the rows say now. */
static void confirm(struct fsck *fsck, const struct id *id)
{
	static void (*const checks[])(
	    struct fsck *, const struct message_rows *) = {
	    check_rows, check_file, check_names};
	struct message_rows rows;

	fsck->buried = false;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (message_rows_read(&rows, fsck->txn, id, fsck->turn->arena))
			checks[i](fsck, &rows);
	}
}

static bool confirm_slice(
    struct fsck *fsck, const struct slice *slice, struct error *err)
{
	struct turn turn;
	bool begun = false;

	for (size_t i = 0; i < slice->count; i++) {
		if (!slice->suspect[i])
			continue;
		if (!begun && !fsck_turn_begin(fsck, &turn, err))
			return false;
		begun = true;
		confirm(fsck, &slice->rows[i].id);
	}
	return !begun || fsck_turn_end(fsck, err);
}

static uint64_t count_messages(struct fsck *fsck)
{
	struct index_txn *txn;
	uint64_t count = 0;

	if (spool_read_begin(fsck->spool, &txn, NULL)) {
		count = index_count(txn, TABLE_MESSAGE);
		spool_txn_abort(fsck->spool, &txn);
	}
	return count;
}

bool fsck_messages(struct fsck *fsck, struct error *err)
{
	struct slice *slice = xcalloc(1, sizeof(*slice));
	uint64_t total = count_messages(fsck);
	bool done = true;

	slice->arena = arena_new();
	while (done && !slice->ended) {
		done = read_slice(fsck, slice, err);
		if (done) {
			look_at_files(fsck, slice);
			done = confirm_slice(fsck, slice, err);
		}
		fsck_progress(fsck, "messages", fsck->report->messages, total);
	}
	arena_free(&slice->arena);
	free(slice);
	return done;
}
