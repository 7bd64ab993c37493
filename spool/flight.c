#include "spool/flight.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/os.h"
#include "bounds.h"
#include "spool/agent.h"
#include "spool/guard.h"
#include "spool/id.h"
#include "spool/idempotency.h"
#include "spool/message.h"
#include "spool/recover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "flight/"
#define NAME_SIZE (sizeof(PREFIX) + ID_TEXT)
/* Writers that died at once and were not recovered since; more wait for the
 * next opening. */
#define MOST_WRITERS 64

static void row_name(const char *writer, char name[NAME_SIZE])
{
	(void)snprintf(name, NAME_SIZE, PREFIX "%.26s", writer);
}

void flight_put(struct index_txn *txn, const char *writer, const struct id *ids,
    size_t count)
{
	char name[NAME_SIZE];

	row_name(writer, name);
	meta_put(txn, name, ids, count * sizeof(*ids));
}

/* --- asking ----------------------------------------------------------- */

static const struct bytes prefix = {PREFIX, sizeof(PREFIX) - 1};

static bool row_has(struct bytes value, const struct id *id)
{
	const uint8_t *ids = value.data;

	for (size_t at = 0; at + sizeof(*id) <= value.len; at += sizeof(*id)) {
		if (memcmp(ids + at, id, sizeof(*id)) == 0)
			return true;
	}
	return false;
}

/* The writer of a row's key; false if it is none. */
static bool key_writer(struct bytes key, char writer[ID_TEXT + 1])
{
	if (key.len != prefix.len + ID_TEXT)
		return false;
	memcpy(writer, (const char *)key.data + prefix.len, ID_TEXT);
	writer[ID_TEXT] = '\0';
	return true;
}

/* With `spool`: rows of dead writers only. */
static bool is_in_flight(
    struct spool *spool, struct index_txn *txn, const struct id *id)
{
	struct index_walk *walk = index_walk_new(txn, TABLE_META);
	char writer[ID_TEXT + 1];
	struct bytes key, value;
	bool in_flight = false, found;

	found = index_seek(walk, prefix, prefix, &key, &value);
	for (; found && !in_flight; found = index_next(walk, &key, &value))
		in_flight = key_writer(key, writer) && row_has(value, id) &&
			    (spool == NULL || !writer_is_live(spool, writer));
	index_walk_free(&walk);
	return in_flight;
}

bool flight_has(struct index_txn *txn, const struct id *id)
{
	return is_in_flight(NULL, txn, id);
}

bool flight_of_the_dead(
    struct spool *spool, struct index_txn *txn, const struct id *id)
{
	return is_in_flight(spool, txn, id);
}

/* --- taking records back ---------------------------------------------- */

static void retract(struct turn *turn, const struct id *id)
{
	struct message_row message;
	struct delivery_row row;

	if (!turn_message(turn, id, &message))
		return;
	for (unsigned i = 0; i < message.recipients; i++) {
		if (turn_delivery(turn, id, i, &row))
			turn_detach(turn, id, i, &row);
	}
	turn->counters.accepted--;
	turn_remove_message(turn, id, &message);
}

bool flight_retract(
    struct spool *spool, const struct id *ids, size_t count, struct error *err)
{
	struct history *history = history_new(spool->root);
	struct turn turn;
	bool done;

	done = turn_begin(&turn, spool, NULL, history, err);
	if (done) {
		for (size_t i = 0; i < count; i++)
			retract(&turn, &ids[i]);
		idempotency_forget(turn.txn, ids, count);
		done = turn_commit(&turn, NULL, err);
	}
	history_free(&history);
	return done;
}

/* --- recovery --------------------------------------------------------- */

/* Whether the file is what the record promises. */
static bool is_whole(struct spool *spool, const struct id *id)
{
	struct message *message;
	struct error err;
	bool whole;

	if (!spool_message_open(spool, id, &message, &err))
		return false;
	whole = message_verify(message, spool->key, &err);
	spool_message_close(&message);
	return whole;
}

static bool has_record(struct spool *spool, const struct id *id)
{
	struct message_row row;
	struct index_txn *txn;
	struct error ignored;
	bool found;

	if (!spool_read_begin(spool, &txn, &ignored))
		return false;
	found = message_get(txn, id, &row);
	spool_txn_abort(spool, &txn);
	return found;
}

/* The ids of a writer's row; NULL and 0 if it has none. */
static struct id *load(
    struct spool *spool, const char *writer, size_t *count, struct error *err)
{
	struct id *ids = NULL;
	struct index_txn *txn;
	struct bytes value;
	char name[NAME_SIZE];

	*count = 0;
	if (!spool_read_begin(spool, &txn, err))
		return NULL;
	row_name(writer, name);
	if (meta_get(txn, name, &value)) {
		*count = value.len / sizeof(*ids);
		ids = xmalloc(value.len + 1);
		memcpy(ids, value.data, *count * sizeof(*ids));
	}
	spool_txn_abort(spool, &txn);
	return ids;
}

bool flight_forget(struct spool *spool, const char *writer, struct error *err)
{
	struct index_txn *txn;
	char name[NAME_SIZE];

	if (!spool_write_begin(spool, &txn, err))
		return false;
	row_name(writer, name);
	index_delete(
	    txn, TABLE_META, (struct bytes){.data = name, .len = strlen(name)});
	return spool_txn_commit(spool, &txn, err);
}

static bool settle_one(struct spool *spool, const char *writer,
    uint64_t *removed, struct error *err)
{
	size_t count, broken = 0;
	struct id *ids = load(spool, writer, &count, err);
	bool done = true;

	for (size_t i = 0; i < count; i++) {
		if (has_record(spool, &ids[i]) && !is_whole(spool, &ids[i]))
			ids[broken++] = ids[i];
	}
	*removed += broken;
	/* What stays was perhaps never synced, if only the process died. */
	if (count > 0)
		done = os_syncfs(spool->root, err);
	if (done && broken > 0)
		done = flight_retract(spool, ids, broken, err);
	free(ids);
	return done && flight_forget(spool, writer, err);
}

/* The writers that have a row. */
static bool list_writers(struct spool *spool,
    char writers[MOST_WRITERS][ID_TEXT + 1], size_t *count, struct error *err)
{
	struct index_walk *walk;
	struct index_txn *txn;
	struct bytes key, value;
	bool found;

	*count = 0;
	if (!spool_read_begin(spool, &txn, err))
		return false;
	walk = index_walk_new(txn, TABLE_META);
	found = index_seek(walk, prefix, prefix, &key, &value);
	for (; found && *count < MOST_WRITERS;
	     found = index_next(walk, &key, &value)) {
		if (key_writer(key, writers[*count]))
			(*count)++;
	}
	index_walk_free(&walk);
	spool_txn_abort(spool, &txn);
	return true;
}

bool flight_settle(struct spool *spool, const char *writer, uint64_t *removed,
    struct error *err)
{
	char writers[MOST_WRITERS][ID_TEXT + 1];
	size_t count;
	bool done;

	*removed = 0;
	if (writer != NULL)
		return settle_one(spool, writer, removed, err);
	done = list_writers(spool, writers, &count, err);
	for (size_t i = 0; done && i < count; i++) {
		if (!writer_is_live(spool, writers[i]))
			done = settle_one(spool, writers[i], removed, err);
	}
	return done;
}
