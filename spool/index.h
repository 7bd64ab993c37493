/*
 * The only user of LMDB: one environment, its named tables, transactions and
 * ordered walks. Keys and values are bytes here; rows.h gives them meaning.
 *
 * A read transaction never outlives the function that began it. There is one
 * writing thread per process (the committer, or the agent's); writers of
 * several processes wait for each other inside index_write_begin().
 *
 * Errors: ERROR_CORRUPT (damaged, or not an index), ERROR_CONFIG (written by
 * a newer program, no permission), ERROR_LIMIT (a row that cannot be stored),
 * ERROR_FULL, ERROR_IO.
 */
#ifndef SPOOL_INDEX_H
#define SPOOL_INDEX_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index;
struct index_txn;

/* Part of the format: names in index.c. */
enum index_table {
	TABLE_MESSAGE,     /* id -> message row */
	TABLE_DELIVERY,    /* id, recipient -> delivery row */
	TABLE_DUE,         /* lane, destination, due, id, recipient -> */
	TABLE_DESTINATION, /* lane, destination -> destination row */
	TABLE_WAITING,     /* lane, next due, destination -> */
	TABLE_CLAIM,       /* agent, id, recipient -> claim row */
	TABLE_LOOKUP,      /* hash, id -> */
	TABLE_DEAD,        /* time of death, id, recipient -> */
	TABLE_EVENT,       /* id, time, number -> text */
	TABLE_DOOMED,      /* id -> what to unlink */
	TABLE_IDEMPOTENCY, /* hash -> id, expiry */
	TABLE_META,        /* name -> value */
	TABLE_COUNT
};

struct bytes {
	const void *data;
	size_t len;
};

/* Opens dir/data.mdb, making it if `create`. map_size 0 is LIMIT_MAP_SIZE.
 * Once per process, after the last fork. *created tells whether it was made
 * just now (then its folders have been synced). */
MUST_CHECK bool index_open(const char *dir, bool create, bool read_only,
    uint64_t map_size, struct index **index, bool *created, struct error *err);
void index_close(struct index **index);

MUST_CHECK bool index_read_begin(
    struct index *index, struct index_txn **txn, struct error *err);
/* Waits for other writers without limit: never on an event loop. */
MUST_CHECK bool index_write_begin(
    struct index *index, struct index_txn **txn, struct error *err);
/* Durable when it returns true. Ends the transaction either way. A full map
 * has grown when it returns false with ERROR_TEMPORARY: repeat the whole
 * transaction. */
MUST_CHECK bool index_commit(struct index_txn **txn, struct error *err);
/* Ends it without effect; NULL is fine. */
void index_abort(struct index_txn **txn);

/* *value points into the map until the transaction ends or writes. */
bool index_get(struct index_txn *txn, enum index_table table, struct bytes key,
    struct bytes *value);
/* put and delete remember the first failure in the transaction: after it they
 * do nothing, and index_commit() reports it. So rows are written straight
 * down, and checked once. */
void index_put(struct index_txn *txn, enum index_table table, struct bytes key,
    struct bytes value);
/* Deleting what is not there is fine. */
void index_delete(
    struct index_txn *txn, enum index_table table, struct bytes key);
/* Whether an earlier put or delete failed. */
bool index_failed(const struct index_txn *txn);
uint64_t index_count(struct index_txn *txn, enum index_table table);

/* An ordered walk. Rows of the table may be put or deleted meanwhile only
 * between index_seek() calls. */
struct index_walk;
struct index_walk *index_walk_new(
    struct index_txn *txn, enum index_table table);
void index_walk_free(struct index_walk **walk);
/* The first row whose key is at or behind `from` and begins with `prefix`;
 * false if there is none. */
bool index_seek(struct index_walk *walk, struct bytes from, struct bytes prefix,
    struct bytes *key, struct bytes *value);
/* The last row whose key begins with prefix. */
bool index_seek_last(struct index_walk *walk, struct bytes prefix,
    struct bytes *key, struct bytes *value);
/* The row behind the one found last, under the same prefix. */
bool index_next(
    struct index_walk *walk, struct bytes *key, struct bytes *value);
bool index_previous(
    struct index_walk *walk, struct bytes *key, struct bytes *value);

/* Reads every page and row, and their order; the number of rows.
 * ERROR_CORRUPT if it cannot. */
MUST_CHECK bool index_verify(
    struct index *index, uint64_t *rows, struct error *err);
MUST_CHECK bool index_verify_table(struct index *index, enum index_table table,
    uint64_t *rows, struct error *err);

/*
 * The same of the index in `dir`, table by table, each in a process of its
 * own: damage on which LMDB crashes is told like any other. sound[] says which
 * tables can be read; *rows counts theirs. True if all can; else err has the
 * first failure (ERROR_CORRUPT, or what opening it met).
 */
MUST_CHECK bool index_verify_apart(const char *dir, bool sound[TABLE_COUNT],
    uint64_t *rows, struct error *err);

const char *index_table_name(enum index_table table);

#endif
