#include "spool/message_rows.h"

#include "bounds.h"
#include "spool/destination.h"
#include "spool/envelope_header.h"
#include "spool/events.h"

#include <string.h>

static const struct bytes nothing = {"", 0};

static const char *copy(struct arena *arena, const char *text)
{
	return text == NULL ? "" : arena_strdup(arena, text);
}

static struct bytes make_checked(
    const struct envelope *envelope, struct arena *arena)
{
	struct buf json = buf_new((size_t)4 * LIMIT_FINDINGS_ROOM);
	struct bytes checked = nothing;

	event_format_checks(&json, envelope);
	if (json.len > 0)
		checked = (struct bytes){
		    arena_strndup(arena, json.data, json.len), json.len};
	buf_free(&json);
	return checked;
}

static void make_delivery(struct delivery_row *row,
    const struct recipient *from, int64_t received_ms, struct arena *arena)
{
	row->lane = from->lane;
	row->due_ms = received_ms;
	row->aged_at_ms = received_ms;
	row->address = copy(arena, from->address);
	row->destination_name = copy(arena, from->destination);
	row->destination = text_hash(row->destination_name);
	row->reason = row->answer = "";
}

void message_rows_make(struct message_rows *rows,
    const struct envelope *envelope, uint64_t size, struct arena *arena)
{
	struct message_row *message = &rows->message;

	rows->id = envelope->id;
	*message = (struct message_row){.received_ms = envelope->received_ms,
	    .size = size,
	    .recipients = (uint16_t)envelope->recipient_count,
	    .live = (uint16_t)envelope->recipient_count,
	    .sender = copy(arena, envelope->sender),
	    .client_ip = copy(arena, envelope->client_ip),
	    .helo = copy(arena, envelope->helo),
	    .user =
		envelope->authenticated ? copy(arena, envelope->auth_user) : "",
	    .message_id = copy(arena, envelope->message_id)};
	if (message->message_id[0] != '\0')
		message->message_id_hash = text_hash(message->message_id);
	rows->checked = make_checked(envelope, arena);
	rows->deliveries = arena_zalloc(
	    arena, envelope->recipient_count * sizeof(struct delivery_row));
	for (size_t i = 0; i < envelope->recipient_count; i++)
		make_delivery(&rows->deliveries[i], &envelope->recipients[i],
		    envelope->received_ms, arena);
}

static void put_lookup(
    struct index_txn *txn, uint64_t hash, const struct id *id)
{
	struct key key = lookup_key(hash, id);

	index_put(txn, TABLE_LOOKUP, key_bytes(&key), nothing);
}

void message_rows_put_lookup(
    struct index_txn *txn, const struct message_rows *rows)
{
	const struct message_row *message = &rows->message;

	if (message->message_id_hash != 0)
		put_lookup(txn, message->message_id_hash, &rows->id);
	for (unsigned i = 0; i < message->recipients; i++)
		put_lookup(
		    txn, address_hash(rows->deliveries[i].address), &rows->id);
}

static void put_delivery(struct index_txn *txn, const struct id *id,
    unsigned recipient, const struct delivery_row *row)
{
	enum index_table table;
	struct key key;

	delivery_put(txn, id, recipient, row);
	if (!delivery_set_key(row, id, recipient, &table, &key))
		return;
	index_put(txn, table, key_bytes(&key), nothing);
	if (table == TABLE_DUE)
		destination_arrive(txn, row->lane, row->destination,
		    row->destination_name, row->due_ms);
}

void message_rows_put(struct index_txn *txn, const struct message_rows *rows,
    struct counters *counters)
{
	message_put(txn, &rows->id, &rows->message);
	message_rows_put_lookup(txn, rows);
	if (rows->checked.len > 0)
		event_put_first(txn, &rows->id, rows->checked);
	for (unsigned i = 0; i < rows->message.recipients; i++) {
		const struct delivery_row *row = &rows->deliveries[i];

		put_delivery(txn, &rows->id, i, row);
		if (!delivery_is_final(row->state))
			counters->deliveries[row->lane][row->state]++;
	}
	counters->messages++;
	counters->bytes += rows->message.size;
}

/* --- and back --------------------------------------------------------- */

static void read_delivery(struct delivery_row *row, struct index_txn *txn,
    const struct id *id, unsigned recipient, struct arena *arena)
{
	if (!delivery_get(txn, id, recipient, row)) {
		row->address = NULL;
		return;
	}
	row->address = copy(arena, row->address);
	row->destination_name = copy(arena, row->destination_name);
	row->reason = copy(arena, row->reason);
	row->answer = copy(arena, row->answer);
}

bool message_rows_read(struct message_rows *rows, struct index_txn *txn,
    const struct id *id, struct arena *arena)
{
	struct message_row *message = &rows->message;

	if (!message_get(txn, id, message))
		return false;
	rows->id = *id;
	rows->checked = nothing;
	message->sender = copy(arena, message->sender);
	message->client_ip = copy(arena, message->client_ip);
	message->helo = copy(arena, message->helo);
	message->user = copy(arena, message->user);
	message->message_id = copy(arena, message->message_id);
	rows->deliveries = arena_zalloc(
	    arena, (message->recipients + 1U) * sizeof(struct delivery_row));
	for (unsigned i = 0; i < message->recipients; i++)
		read_delivery(&rows->deliveries[i], txn, id, i, arena);
	return true;
}

bool message_rows_is_lost(const struct message_rows *rows)
{
	for (unsigned i = 0; i < rows->message.recipients; i++) {
		const struct delivery_row *row = &rows->deliveries[i];

		if (row->address != NULL && row->state == STATE_DEAD &&
		    (strcmp(row->reason, REASON_LOST) == 0 ||
			strcmp(row->reason, REASON_DAMAGED) == 0))
			return true;
	}
	return false;
}

/* --- status bytes ----------------------------------------------------- */

char message_rows_status(const struct delivery_row *row)
{
	switch (row->state) {
	case STATE_QUEUED:
	case STATE_DEFERRED:
	case STATE_CLAIMED:
		return STATUS_QUEUED;
	case STATE_HELD:
		return STATUS_HELD;
	case STATE_DEAD:
		return strcmp(row->reason, REASON_OMITTED) == 0
			   ? STATUS_DELIVERED
			   : STATUS_DEAD;
	case STATE_DELIVERED:
		return STATUS_DELIVERED;
	case STATE_CANCELLED:
		return STATUS_CANCELLED;
	case STATE_COUNT:
		break;
	}
	return STATUS_QUEUED;
}

bool message_rows_obey(struct delivery_row *row, char status, int64_t now_ms)
{
	switch (status) {
	case STATUS_DELIVERED:
		row->state = STATE_DELIVERED;
		return true;
	case STATUS_CANCELLED:
		row->state = STATE_CANCELLED;
		return true;
	case STATUS_HELD:
		row->state = STATE_HELD;
		return true;
	case STATUS_DEAD:
		row->state = STATE_DEAD;
		row->due_ms = now_ms;
		row->reason = REASON_UNKNOWN;
		return true;
	default:
		row->state = STATE_QUEUED;
		return status == STATUS_QUEUED;
	}
}
