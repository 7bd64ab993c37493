/* The old index, as far as it can be read, for rebuild. It is read by one
 * transaction from beginning to end: nobody else has the spool. */
#ifndef SPOOL_REBUILD_OLD_H
#define SPOOL_REBUILD_OLD_H

#include "spool/internal.h"

struct old_index {
	struct index *index;   /* NULL: there is none that can be read */
	struct index_txn *txn; /* likewise */
	bool sound[TABLE_COUNT];
};

/* What cannot be read is not an error: it is told in sound[], and *why (kind
 * ERROR_NONE if all is sound) has the first reason. */
void old_index_open(
    struct old_index *old, const struct spool *spool, struct error *why);
void old_index_close(struct old_index *old);

/* Rows, if their tables can be read. Strings are valid until it is closed;
 * the deliveries are in the arena. */
bool old_index_message(const struct old_index *old, const struct id *id,
    struct arena *arena, struct message_rows *rows);
bool old_index_is_doomed(const struct old_index *old, const struct id *id);
/* Whether it was in the last group of a writer: if its file is not whole, no
 * 250 was said. */
bool old_index_in_flight(const struct old_index *old, const struct id *id);

/* Copies the rows whose keys begin with the prefix, except the named ones of
 * `meta` that every index has for itself. */
void old_index_copy(const struct old_index *old, enum index_table table,
    struct bytes prefix, struct index_txn *to);
/* Circuits and budgets, with nothing waiting behind them yet. */
void old_index_copy_destinations(
    const struct old_index *old, struct index_txn *to);

/* How many messages it has; 0 if that cannot be read. */
uint64_t old_index_count(const struct old_index *old);

#endif
