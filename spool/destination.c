#include "spool/destination.h"

#include <stdio.h>

static const struct bytes nothing = {"", 0};

void destination_store(struct index_txn *txn, enum lane lane,
    uint64_t destination, struct destination_row *row, int64_t next_ms)
{
	struct key key;

	if (row->next_ms != next_ms && row->next_ms != INT64_MAX) {
		key = waiting_key(lane, row->next_ms, destination);
		index_delete(txn, TABLE_WAITING, key_bytes(&key));
	}
	if (row->next_ms != next_ms && next_ms != INT64_MAX) {
		key = waiting_key(lane, next_ms, destination);
		index_put(txn, TABLE_WAITING, key_bytes(&key), nothing);
	}
	row->next_ms = next_ms;
	destination_put(txn, lane, destination, row);
}

void destination_arrive(struct index_txn *txn, enum lane lane,
    uint64_t destination, const char *name, int64_t due_ms)
{
	struct destination_row row;
	int64_t next = due_ms;

	(void)destination_get(txn, lane, destination, &row);
	if (row.opened_ms != 0)
		next = row.probe_ms;
	if (row.next_ms <= next)
		return;
	(void)snprintf(row.name, sizeof(row.name), "%s", name);
	destination_store(txn, lane, destination, &row, next);
}
