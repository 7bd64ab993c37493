/*
 * What the parts of fsck share. Every check runs twice: first it looks, with a
 * read transaction or none; where it objects, it runs again inside a turn,
 * and then fsck_objects() reports, and says whether to repair.
 */
#ifndef SPOOL_FSCK_PARTS_H
#define SPOOL_FSCK_PARTS_H

#include "spool/agent.h"
#include "spool/fsck.h"
#include "spool/message.h"

struct fsck {
	struct spool *spool;
	const struct fsck_options *options;
	struct fsck_report *report;
	struct history *history;
	struct index_txn *txn; /* of the look or of the turn; NULL = none */
	struct turn *turn;     /* NULL while it only looks */
	bool suspect;          /* the look objected */
	bool changed;          /* the turn has something to commit */
	bool buried; /* the turn is about to change the message's names */
	bool waited; /* for status bytes: they follow a commit, and do not
		      * wait for the writer's lock */
};

/* Something is wrong. While it looks: remembers that and returns false.
 * Inside a turn: reports it, and returns whether to repair it now. id may be
 * NULL, recipient -1. */
bool fsck_objects(struct fsck *fsck, enum finding_kind kind, bool repairable,
    const struct id *id, int recipient, const char *format, ...)
    PRINTF_LIKE(6, 7);

MUST_CHECK bool fsck_look_begin(struct fsck *fsck, struct error *err);
void fsck_look_end(struct fsck *fsck);

/* A turn in which suspects are looked at again; fsck_turn_end() commits it if
 * something was repaired. */
MUST_CHECK bool fsck_turn_begin(
    struct fsck *fsck, struct turn *turn, struct error *err);
MUST_CHECK bool fsck_turn_end(struct fsck *fsck, struct error *err);

/* A check of one row: objects, or not. In a turn it may change rows; key and
 * value are copies then. */
typedef void fsck_row_fn(struct fsck *fsck, enum index_table table,
    struct bytes key, struct bytes value);
/* Runs the check over all rows of a table, in slices. */
MUST_CHECK bool fsck_walk(struct fsck *fsck, enum index_table table,
    fsck_row_fn *check, struct error *err);

void fsck_progress(
    struct fsck *fsck, const char *what, uint64_t done, uint64_t total);

/* Makes rows of a message say what its (sound) file says, where they do not.
 * Inside a turn. */
void fsck_restore(struct fsck *fsck, struct message *message);

/* Puts a file among the orphans; what hinders it is reported. */
void fsck_set_aside(struct fsck *fsck, int folder, const char *name);

/* The parts, in this order. */
MUST_CHECK bool fsck_files(struct fsck *fsck, struct error *err);
MUST_CHECK bool fsck_messages(struct fsck *fsck, struct error *err);
MUST_CHECK bool fsck_kept(struct fsck *fsck, struct error *err);
MUST_CHECK bool fsck_rows(struct fsck *fsck, struct error *err);

#endif
