/* The walk over deliveries: a short read transaction every few hundred rows,
 * which begins behind the key where the one before ended. */
#include "base/alloc.h"
#include "base/arena.h"
#include "base/number.h"
#include "spool/id.h"
#include "spool/internal.h"
#include "spool/operator.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Entries that one transaction finds at least, if there are so many, and rows
 * that it looks at at most. */
#define ENTRIES 256
#define VISITS 4096
#define DAY_MS (24 * 60 * 60 * INT64_C(1000))

struct operator_list {
	struct spool *spool;
	struct operator_filter filter;
	/* The table that is walked, and how its keys begin. */
	enum index_table table;
	struct key prefix;
	struct key from; /* where the next transaction begins */
	bool ended;
	uint64_t rows_left; /* that it may look at */
	/* The entry that was given last. In a walk over what is looked up,
	 * `skip` is how many recipients of the message at `from` were given
	 * before this walk began. */
	bool any_given;
	struct id given_id;
	unsigned given_recipient, skip;
	int64_t given_time_ms;

	struct arena *arena; /* of the texts below */
	struct operator_entry *entries;
	size_t size, count, next;
};

/* Ids begin with the time at which they were made, which is within a day of
 * the one that the message was received at. */
static void begin_at(struct operator_list *list, int64_t since_ms)
{
	uint64_t ms = since_ms > DAY_MS ? (uint64_t)(since_ms - DAY_MS) : 0;

	if (list->table == TABLE_DEAD || list->filter.id != NULL)
		return;
	for (int i = 0; i < 6; i++)
		list->from.data[list->from.len++] =
		    (uint8_t)(ms >> (40 - 8 * i));
}

struct operator_list *operator_list_new(struct spool *spool,
    const struct operator_filter *filter, enum operator_sequence sequence)
{
	struct operator_list *list = xcalloc(1, sizeof(*list));

	list->spool = spool;
	list->filter = *filter;
	list->arena = arena_new();
	list->table = TABLE_DELIVERY;
	if (filter->id != NULL) {
		list->prefix = message_key(filter->id);
	} else if (sequence == OPERATOR_BY_DEATH) {
		list->table = TABLE_DEAD;
	} else if (filter->recipient != NULL) {
		list->table = TABLE_LOOKUP;
		list->prefix = lookup_prefix(address_hash(filter->recipient));
	}
	if (sequence == OPERATOR_BY_DEATH) {
		list->filter.by_state = true;
		list->filter.state = STATE_DEAD;
	}
	list->from = list->prefix;
	list->rows_left = UINT64_MAX;
	begin_at(list, filter->received_since_ms);
	return list;
}

void operator_list_free(struct operator_list **list)
{
	if (*list == NULL)
		return;
	arena_free(&(*list)->arena);
	free((*list)->entries);
	free(*list);
	*list = NULL;
}

/* --- one delivery ----------------------------------------------------- */

static bool passes_delivery(
    const struct operator_filter *filter, const struct delivery_row *row)
{
	return (!filter->by_state || row->state == filter->state) &&
	       (filter->lane == 0 || row->lane == filter->lane) &&
	       (filter->recipient == NULL ||
		   strcasecmp(filter->recipient, row->address) == 0) &&
	       (filter->reason == NULL ||
		   strcmp(filter->reason, row->reason) == 0);
}

static bool passes_message(
    const struct operator_filter *filter, const struct message_row *row)
{
	return row->received_ms >= filter->received_since_ms &&
	       (filter->sender == NULL ||
		   strcasecmp(filter->sender, row->sender) == 0) &&
	       (filter->received_before_ms == 0 ||
		   row->received_ms < filter->received_before_ms);
}

struct operator_entry operator_entry_of(const struct id *id)
{
	struct operator_entry entry = {.id = *id,
	    .recipient = "",
	    .destination = "",
	    .reason = "",
	    .answer = "",
	    .sender = "",
	    .message_id = "",
	    .client_ip = "",
	    .helo = "",
	    .user = ""};

	id_format(id, entry.id_text);
	return entry;
}

static struct operator_entry *add_entry(struct operator_list *list)
{
	if (list->count == list->size) {
		list->size = list->size == 0 ? ENTRIES : list->size * 2;
		list->entries = xrealloc(
		    list->entries, list->size * sizeof(*list->entries));
	}
	return &list->entries[list->count++];
}

static void take(struct operator_list *list, struct index_txn *txn,
    const struct id *id, unsigned recipient, const struct delivery_row *row)
{
	struct arena *arena = list->arena;
	struct operator_entry *entry;
	struct message_row message;

	if (!passes_delivery(&list->filter, row) ||
	    !message_get(txn, id, &message) ||
	    !passes_message(&list->filter, &message))
		return;
	entry = add_entry(list);
	*entry = (struct operator_entry){.id = *id,
	    .recipient_number = recipient,
	    .recipient = arena_strdup(arena, row->address),
	    .lane = row->lane,
	    .destination = arena_strdup(arena, row->destination_name),
	    .state = row->state,
	    .tries = row->tries,
	    .attempts = row->attempts,
	    .due_ms = row->due_ms,
	    .status = row->status,
	    .reason = arena_strdup(arena, row->reason),
	    .answer = arena_strdup(arena, row->answer),
	    .received_ms = message.received_ms,
	    .size = message.size,
	    .recipients = message.recipients,
	    .sender = arena_strdup(arena, message.sender),
	    .message_id = arena_strdup(arena, message.message_id),
	    .client_ip = arena_strdup(arena, message.client_ip),
	    .helo = arena_strdup(arena, message.helo),
	    .user = arena_strdup(arena, message.user)};
	id_format(id, entry->id_text);
}

/* --- one row ---------------------------------------------------------- */

static void take_message(
    struct operator_list *list, struct index_txn *txn, const struct id *id)
{
	struct delivery_row row;
	struct message_row message;

	if (!message_get(txn, id, &message))
		return;
	for (unsigned i = list->skip; i < message.recipients; i++) {
		if (delivery_get(txn, id, i, &row))
			take(list, txn, id, i, &row);
	}
}

static void take_row(struct operator_list *list, struct index_txn *txn,
    struct bytes key, struct bytes value)
{
	struct delivery_row row;
	struct id id;
	unsigned recipient;

	if (list->table == TABLE_LOOKUP) {
		id = key_id(key);
		take_message(list, txn, &id);
		list->skip = 0;
		return;
	}
	if (!key_delivery(key, &id, &recipient))
		return;
	if (list->table == TABLE_DELIVERY
		? delivery_read(value, &row)
		: delivery_get(txn, &id, recipient, &row))
		take(list, txn, &id, recipient, &row);
}

static bool is_past_the_end(const struct operator_list *list, struct bytes key)
{
	return list->table == TABLE_DEAD && list->filter.died_before_ms != 0 &&
	       dead_key_time(key) >= list->filter.died_before_ms;
}

static bool fill(struct operator_list *list, struct error *err)
{
	struct index_walk *walk;
	struct index_txn *txn;
	struct bytes key, value;
	unsigned visits = 0;
	bool found;

	arena_reset(list->arena);
	list->count = list->next = 0;
	if (!spool_read_begin(list->spool, &txn, err))
		return false;
	walk = index_walk_new(txn, list->table);
	found = index_seek(walk, key_bytes(&list->from),
	    key_bytes(&list->prefix), &key, &value);
	/* Of another message none were given. */
	if (found && (key.len != list->from.len ||
			 memcmp(key.data, list->from.data, key.len) != 0))
		list->skip = 0;
	while (found && !is_past_the_end(list, key) && list->count < ENTRIES &&
	       visits < VISITS && list->rows_left > 0) {
		take_row(list, txn, key, value);
		list->from = key_behind(key);
		visits++;
		list->rows_left--;
		found = index_next(walk, &key, &value);
	}
	list->ended = !found || is_past_the_end(list, key);
	index_walk_free(&walk);
	spool_txn_abort(list->spool, &txn);
	return true;
}

bool operator_list_next(struct operator_list *list,
    const struct operator_entry **entry, struct error *err)
{
	*entry = NULL;
	while (
	    list->next == list->count && !list->ended && list->rows_left > 0) {
		if (!fill(list, err))
			return false;
	}
	if (list->next == list->count)
		return true;
	*entry = &list->entries[list->next++];
	list->any_given = true;
	list->given_id = (*entry)->id;
	list->given_recipient = (*entry)->recipient_number;
	list->given_time_ms = (*entry)->due_ms;
	return true;
}

/* --- pages ------------------------------------------------------------ */

void operator_list_bound(struct operator_list *list, uint64_t rows)
{
	list->rows_left = rows;
}

/* Behind the entry that was given last; *skip: recipients of the message at
 * that key that were given. */
static struct key behind_given(const struct operator_list *list, unsigned *skip)
{
	unsigned recipient = list->given_recipient;
	struct key key;

	*skip = 0;
	if (list->table == TABLE_LOOKUP) {
		*skip = recipient + 1;
		key = list->prefix;
		memcpy(key.data + key.len, list->given_id.bytes, ID_BYTES);
		key.len += ID_BYTES;
		return key;
	}
	key = list->table == TABLE_DEAD
		  ? dead_key(list->given_time_ms, &list->given_id, recipient)
		  : delivery_key(&list->given_id, recipient);
	return key_behind(key_bytes(&key));
}

bool operator_list_cursor(
    const struct operator_list *list, char cursor[OPERATOR_CURSOR])
{
	bool unread = list->next < list->count;
	struct key key = list->from;
	unsigned skip = list->skip;
	size_t len;

	if (!unread && list->ended)
		return false;
	if (unread && list->any_given)
		key = behind_given(list, &skip);
	(void)sodium_bin2hex(cursor, OPERATOR_CURSOR, key.data, key.len);
	len = 2 * key.len;
	(void)snprintf(cursor + len, OPERATOR_CURSOR - len, "-%u", skip);
	return true;
}

bool operator_list_resume(struct operator_list *list, const char *cursor)
{
	struct key key = {.len = 0};
	const char *end;
	uint64_t skip;

	if (sodium_hex2bin(key.data, sizeof(key.data), cursor, strlen(cursor),
		NULL, &key.len, &end) != 0 ||
	    *end++ != '-' || !number_parse(end, LIMIT_RECIPIENTS, &skip) ||
	    key.len < list->prefix.len ||
	    memcmp(key.data, list->prefix.data, list->prefix.len) != 0)
		return false;
	list->from = key;
	list->skip = (unsigned)skip;
	return true;
}

/* --- the latest dead letters ------------------------------------------ */

bool operator_last_dead(struct spool *spool, size_t most,
    operator_entry_fn *each, void *arg, struct error *err)
{
	const struct operator_filter filter = {.by_state = false};
	struct operator_list *list =
	    operator_list_new(spool, &filter, OPERATOR_BY_DEATH);
	const struct bytes all = {0};
	struct index_walk *walk;
	struct index_txn *txn;
	struct bytes key, value;
	bool found, done = spool_read_begin(spool, &txn, err);

	if (done) {
		walk = index_walk_new(txn, TABLE_DEAD);
		found = index_seek_last(walk, all, &key, &value);
		for (; found && list->count < most;
		     found = index_previous(walk, &key, &value))
			take_row(list, txn, key, value);
		index_walk_free(&walk);
		spool_txn_abort(spool, &txn);
	}
	for (size_t i = 0; i < list->count; i++)
		each(arg, &list->entries[i]);
	operator_list_free(&list);
	return done;
}

bool operator_has_file(struct spool *spool, const struct id *id)
{
	char text[ID_TEXT + 1];

	id_format(id, text);
	return maildir_has(&spool->maildirs, BOX_QUEUE, text) ||
	       maildir_has(&spool->maildirs, BOX_DEAD, text);
}
