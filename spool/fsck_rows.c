/* Rows that belong to nothing, destinations, and counters. */
#include "base/errors.h"
#include "spool/destination.h"
#include "spool/fsck_parts.h"
#include "spool/id.h"
#include "spool/idempotency.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- strays ----------------------------------------------------------- */

static bool same_key(struct bytes a, struct bytes b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* due, claim, dead: does the delivery stand here? */
static void check_set(struct fsck *fsck, enum index_table table,
    struct bytes key, struct bytes value)
{
	enum index_table right;
	struct delivery_row row;
	struct key own;
	struct id id = {{0}};
	unsigned recipient = 0;

	(void)value;
	if (key_delivery(key, &id, &recipient) &&
	    delivery_get(fsck->txn, &id, recipient, &row) &&
	    delivery_set_key(&row, &id, recipient, &right, &own) &&
	    right == table && same_key(key, key_bytes(&own)))
		return;
	if (fsck_objects(fsck, FINDING_SET, true, &id, (int)recipient,
		"a row in %s has no such delivery", index_table_name(table)))
		index_delete(fsck->txn, table, key);
}

/* What is left of a message without record and file (with a file, fsck_files()
 * has restored it): its address goes into the history. */
static void record_lost(struct fsck *fsck, const struct id *id,
    unsigned recipient, const struct delivery_row *row)
{
	turn_record(fsck->turn, &(struct event){.at_ms = fsck->turn->now_ms,
				    .id = id,
				    .name = "lost",
				    .recipient_number = recipient,
				    .recipient = row->address,
				    .attempt = row->tries,
				    .status = row->status,
				    .reason = row->reason,
				    .who = "fsck"});
}

static void check_delivery(struct fsck *fsck, enum index_table table,
    struct bytes key, struct bytes value)
{
	struct message_row message = {0};
	struct delivery_row row;
	struct id id = {{0}};
	unsigned recipient = 0;
	bool whole =
	    key_delivery(key, &id, &recipient) && delivery_read(value, &row);
	bool known = whole && message_get(fsck->txn, &id, &message);

	if (known && recipient < message.recipients)
		return;
	if (!fsck_objects(fsck, known ? FINDING_ROWS : FINDING_LOST, true, &id,
		(int)recipient, "a delivery has %s",
		known ? "a number that its message has not"
		      : "neither message nor file"))
		return;
	if (whole) {
		record_lost(fsck, &id, recipient, &row);
		turn_detach(fsck->turn, &id, recipient, &row);
	}
	index_delete(fsck->txn, table, key);
}

/* Whether the message is looked up by this hash. */
static bool looks_up(struct fsck *fsck, const struct id *id, struct bytes key)
{
	struct message_row message;
	struct delivery_row row;
	struct key own;

	if (!message_get(fsck->txn, id, &message))
		return false;
	own = lookup_key(message.message_id_hash, id);
	if (message.message_id_hash != 0 && same_key(key, key_bytes(&own)))
		return true;
	for (unsigned i = 0; i < message.recipients; i++) {
		if (!delivery_get(fsck->txn, id, i, &row))
			continue;
		own = lookup_key(address_hash(row.address), id);
		if (same_key(key, key_bytes(&own)))
			return true;
	}
	return false;
}

static void check_lookup(struct fsck *fsck, enum index_table table,
    struct bytes key, struct bytes value)
{
	struct id id = key_id(key);

	(void)value;
	if (!looks_up(fsck, &id, key) &&
	    fsck_objects(fsck, FINDING_LOOKUP, true, &id, -1,
		"it is looked up by what it has not"))
		index_delete(fsck->txn, table, key);
}

static void check_event(struct fsck *fsck, enum index_table table,
    struct bytes key, struct bytes value)
{
	struct message_row message;
	struct id id = {{0}};

	(void)table;
	(void)value;
	if (key.len >= ID_BYTES)
		memcpy(id.bytes, key.data, ID_BYTES);
	if (!message_get(fsck->txn, &id, &message) &&
	    fsck_objects(fsck, FINDING_EVENT, true, &id, -1,
		"the index tells a story of it, and has no record"))
		events_finish(fsck->txn, &id, fsck->history);
}

static void check_doomed(struct fsck *fsck, enum index_table table,
    struct bytes key, struct bytes value)
{
	struct message_row message;
	struct id id = key_id(key);

	(void)value;
	if (message_get(fsck->txn, &id, &message) &&
	    fsck_objects(fsck, FINDING_DOOMED, true, &id, -1,
		"its file would be unlinked while it is live"))
		index_delete(fsck->txn, table, key);
}

static void check_key(struct fsck *fsck, enum index_table table,
    struct bytes key, struct bytes value)
{
	(void)table;
	if (!idempotency_is_sound(fsck->txn, key, value) &&
	    fsck_objects(fsck, FINDING_KEY, true, NULL, -1,
		"a key of the send API cannot be read, or would never expire"))
		idempotency_mend(fsck->txn, key, value);
}

/* --- destinations ----------------------------------------------------- */

static void check_waiting(struct fsck *fsck, enum index_table table,
    struct bytes key, struct bytes value)
{
	struct destination_row row;
	struct key own;
	enum lane lane = 0;
	uint64_t destination = waiting_key_destination(key);

	(void)value;
	if (key.len > 0)
		lane = (enum lane)(*(const uint8_t *)key.data);
	(void)destination_get(fsck->txn, lane, destination, &row);
	own = waiting_key(lane, row.next_ms, destination);
	if ((row.next_ms == INT64_MAX || !same_key(key, key_bytes(&own))) &&
	    fsck_objects(fsck, FINDING_DESTINATION, true, NULL, -1,
		"a row in %s belongs to no destination",
		index_table_name(table)))
		index_delete(fsck->txn, table, key);
}

static bool is_waiting(struct fsck *fsck, enum lane lane, uint64_t destination,
    const struct destination_row *row)
{
	struct key key = waiting_key(lane, row->next_ms, destination);
	struct bytes value;

	return row->next_ms != INT64_MAX &&
	       index_get(fsck->txn, TABLE_WAITING, key_bytes(&key), &value);
}

/* Looks again, whatever row and waiting row said. */
static void mend_destination(struct fsck *fsck, enum lane lane,
    uint64_t destination, struct destination_row *row)
{
	struct key key = waiting_key(lane, row->next_ms, destination);

	index_delete(fsck->txn, TABLE_WAITING, key_bytes(&key));
	row->next_ms = INT64_MAX;
	turn_refresh(fsck->turn, lane, destination, row);
}

static void check_destination(struct fsck *fsck, enum index_table table,
    struct bytes key, struct bytes value)
{
	struct destination_row row;
	uint64_t destination;
	enum lane lane;

	if (!key_destination(key, &lane, &destination) ||
	    !destination_read(value, &row)) {
		if (fsck_objects(fsck, FINDING_DESTINATION, true, NULL, -1,
			"a row in %s cannot be read", index_table_name(table)))
			index_delete(fsck->txn, table, key);
		return;
	}
	if (row.next_ms != INT64_MAX &&
	    !is_waiting(fsck, lane, destination, &row) &&
	    fsck_objects(fsck, FINDING_DESTINATION, true, NULL, -1,
		"the scheduler would not look at %s",
		row.name[0] != '\0' ? row.name : "the webhook"))
		mend_destination(fsck, lane, destination, &row);
}

/* Who has due rows is looked at when the first of them is due. A row per
 * delivery is more than one per destination, but they are in order: the one
 * before has just asked for the same. */
static void check_due(struct fsck *fsck, enum index_table table,
    struct bytes key, struct bytes value)
{
	struct destination_row row;
	struct delivery_row delivery;
	struct id id;
	uint64_t destination;
	unsigned recipient;
	enum lane lane;

	check_set(fsck, table, key, value);
	if (!key_destination(key, &lane, &destination))
		return;
	(void)destination_get(fsck->txn, lane, destination, &row);
	if (is_waiting(fsck, lane, destination, &row) ||
	    !fsck_objects(fsck, FINDING_DESTINATION, true, NULL, -1,
		"mail waits where the scheduler would not look"))
		return;
	if (row.name[0] == '\0' && key_delivery(key, &id, &recipient) &&
	    delivery_get(fsck->txn, &id, recipient, &delivery))
		(void)snprintf(row.name, sizeof(row.name), "%s",
		    delivery.destination_name);
	mend_destination(fsck, lane, destination, &row);
}

/* --- counters --------------------------------------------------------- */

static void count_messages(struct index_txn *txn, struct counters *counters)
{
	struct index_walk *walk = index_walk_new(txn, TABLE_MESSAGE);
	const struct bytes all = {0};
	struct message_row row;
	struct bytes key, value;
	bool found = index_seek(walk, all, all, &key, &value);

	counters->messages = counters->bytes = 0;
	for (; found; found = index_next(walk, &key, &value)) {
		counters->messages++;
		if (message_read(value, &row))
			counters->bytes += row.size;
	}
	index_walk_free(&walk);
}

static void count_deliveries(struct index_txn *txn, struct counters *counters)
{
	struct index_walk *walk = index_walk_new(txn, TABLE_DELIVERY);
	const struct bytes all = {0};
	struct delivery_row row;
	struct bytes key, value;
	bool found = index_seek(walk, all, all, &key, &value);

	memset(counters->deliveries, 0, sizeof(counters->deliveries));
	for (; found; found = index_next(walk, &key, &value)) {
		if (delivery_read(value, &row) && !delivery_is_final(row.state))
			counters->deliveries[row.lane][row.state]++;
	}
	index_walk_free(&walk);
}

static bool same_counts(const struct counters *a, const struct counters *b)
{
	return a->messages == b->messages && a->bytes == b->bytes &&
	       memcmp(a->deliveries, b->deliveries, sizeof(a->deliveries)) == 0;
}

static void check_counters(struct fsck *fsck)
{
	struct counters counted, kept;

	counters_get(fsck->txn, &kept);
	counted = kept;
	count_messages(fsck->txn, &counted);
	count_deliveries(fsck->txn, &counted);
	if (!same_counts(&counted, &kept) &&
	    fsck_objects(fsck, FINDING_COUNTERS, true, NULL, -1,
		"the counters say %" PRIu64 " messages of %" PRIu64
		" bytes; there are %" PRIu64 " of %" PRIu64,
		kept.messages, kept.bytes, counted.messages, counted.bytes))
		fsck->turn->counters = counted;
}

/* The only check that needs all rows at one moment. */
static bool counters(struct fsck *fsck, struct error *err)
{
	struct turn turn;

	fsck_progress(fsck, "counters", 0, 0);
	if (!fsck_look_begin(fsck, err))
		return false;
	fsck->suspect = false;
	check_counters(fsck);
	fsck_look_end(fsck);
	if (!fsck->suspect)
		return true;
	if (!fsck_turn_begin(fsck, &turn, err))
		return false;
	check_counters(fsck);
	return fsck_turn_end(fsck, err);
}

/* --- all of it -------------------------------------------------------- */

bool fsck_rows(struct fsck *fsck, struct error *err)
{
	static const struct {
		enum index_table table;
		fsck_row_fn *check;
	} walks[] = {
	    {TABLE_DELIVERY, check_delivery},
	    {TABLE_WAITING, check_waiting},
	    {TABLE_DESTINATION, check_destination},
	    {TABLE_DUE, check_due},
	    {TABLE_CLAIM, check_set},
	    {TABLE_DEAD, check_set},
	    {TABLE_LOOKUP, check_lookup},
	    {TABLE_EVENT, check_event},
	    {TABLE_DOOMED, check_doomed},
	    {TABLE_IDEMPOTENCY, check_key},
	};
	const size_t count = sizeof(walks) / sizeof(walks[0]);

	for (size_t i = 0; i < count; i++) {
		fsck_progress(fsck, index_table_name(walks[i].table), i, count);
		if (!fsck_walk(fsck, walks[i].table, walks[i].check, err))
			return false;
	}
	return counters(fsck, err);
}
