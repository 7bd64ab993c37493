/* The walk over deliveries: a short read transaction every few hundred rows,
 * which begins behind the key where the one before ended. */
#include "base/alloc.h"
#include "base/arena.h"
#include "spool/id.h"
#include "spool/internal.h"
#include "spool/operator.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Entries that one transaction finds at least, if there are so many, and rows
 * that it looks at at most. */
#define ENTRIES 256
#define VISITS 4096

struct operator_list {
	struct spool *spool;
	struct operator_filter filter;
	/* The table that is walked, and how its keys begin. */
	enum index_table table;
	struct key prefix;
	struct key from; /* where the next transaction begins */
	bool ended;

	struct arena *arena; /* of the texts below */
	struct operator_entry *entries;
	size_t size, count, next;
};

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
	return (filter->sender == NULL ||
		   strcasecmp(filter->sender, row->sender) == 0) &&
	       (filter->received_before_ms == 0 ||
		   row->received_ms < filter->received_before_ms);
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
	for (unsigned i = 0; i < message.recipients; i++) {
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
	while (found && !is_past_the_end(list, key) && list->count < ENTRIES &&
	       visits < VISITS) {
		take_row(list, txn, key, value);
		list->from = key_behind(key);
		visits++;
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
	while (list->next == list->count && !list->ended) {
		if (!fill(list, err))
			return false;
	}
	if (list->next < list->count)
		*entry = &list->entries[list->next++];
	return true;
}

bool operator_has_file(struct spool *spool, const struct id *id)
{
	char text[ID_TEXT + 1];

	id_format(id, text);
	return maildir_has(&spool->maildirs, BOX_QUEUE, text) ||
	       maildir_has(&spool->maildirs, BOX_DEAD, text);
}
