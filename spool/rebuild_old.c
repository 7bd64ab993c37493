#include "spool/rebuild_old.h"

#include "base/errors.h"
#include "spool/flight.h"

#include <stdio.h>
#include <string.h>

static bool is_of(const struct spool *spool, struct index_txn *txn)
{
	struct bytes value;

	return meta_get(txn, "uuid", &value) && value.len == SPOOL_UUID_TEXT &&
	       memcmp(value.data, spool->uuid, SPOOL_UUID_TEXT) == 0;
}

static bool open_index(
    struct old_index *old, const struct spool *spool, struct error *why)
{
	char path[4096];
	struct error later;
	uint64_t rows;
	bool created;

	(void)snprintf(path, sizeof(path), "%s/index", spool->dir);
	/* Some tables may be sound; without its name none is of use. */
	if (!index_verify_apart(path, old->sound, &rows, why) &&
	    !old->sound[TABLE_META])
		return false;
	if (!index_open(path, false, true, 0, &old->index, &created, &later) ||
	    !index_read_begin(old->index, &old->txn, &later)) {
		*why = later;
		return false;
	}
	return is_of(spool, old->txn) ||
	       error_set(why, ERROR_CORRUPT,
		   "the old index belongs to another spool");
}

void old_index_open(
    struct old_index *old, const struct spool *spool, struct error *why)
{
	memset(old, 0, sizeof(*old));
	memset(why, 0, sizeof(*why));
	if (open_index(old, spool, why))
		return;
	old_index_close(old);
	memset(old, 0, sizeof(*old));
}

void old_index_close(struct old_index *old)
{
	index_abort(&old->txn);
	index_close(&old->index);
}

bool old_index_message(const struct old_index *old, const struct id *id,
    struct arena *arena, struct message_rows *rows)
{
	return old->sound[TABLE_MESSAGE] && old->sound[TABLE_DELIVERY] &&
	       message_rows_read(rows, old->txn, id, arena);
}

bool old_index_is_doomed(const struct old_index *old, const struct id *id)
{
	struct key key = doomed_key(id);
	struct bytes value;

	return old->sound[TABLE_DOOMED] &&
	       index_get(old->txn, TABLE_DOOMED, key_bytes(&key), &value);
}

bool old_index_in_flight(const struct old_index *old, const struct id *id)
{
	return old->sound[TABLE_META] && flight_has(old->txn, id);
}

static bool is_own(enum index_table table, struct bytes key)
{
	/* With all that begins so: nothing is in flight after a rebuild. */
	static const char *const names[] = {"uuid", "counters", "flight/"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (table == TABLE_META && key.len >= strlen(names[i]) &&
		    memcmp(key.data, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

void old_index_copy(const struct old_index *old, enum index_table table,
    struct bytes prefix, struct index_txn *to)
{
	struct index_walk *walk;
	struct bytes key, value;
	bool found;

	if (!old->sound[table])
		return;
	walk = index_walk_new(old->txn, table);
	found = index_seek(walk, prefix, prefix, &key, &value);
	for (; found; found = index_next(walk, &key, &value)) {
		if (!is_own(table, key))
			index_put(to, table, key, value);
	}
	index_walk_free(&walk);
}

void old_index_copy_destinations(
    const struct old_index *old, struct index_txn *to)
{
	const struct bytes all = {0};
	struct destination_row row;
	struct index_walk *walk;
	struct bytes key, value;
	uint64_t destination;
	enum lane lane;
	bool found;

	if (!old->sound[TABLE_DESTINATION])
		return;
	walk = index_walk_new(old->txn, TABLE_DESTINATION);
	found = index_seek(walk, all, all, &key, &value);
	for (; found; found = index_next(walk, &key, &value)) {
		if (!key_destination(key, &lane, &destination) ||
		    !destination_read(value, &row))
			continue;
		row.next_ms = INT64_MAX;
		row.probe_claim = 0; /* nobody has a claim any more */
		destination_put(to, lane, destination, &row);
	}
	index_walk_free(&walk);
}

uint64_t old_index_count(const struct old_index *old)
{
	return old->sound[TABLE_MESSAGE] ? index_count(old->txn, TABLE_MESSAGE)
					 : 0;
}
