/* What the modules of the spool share. Nobody outside spool/ includes it. */
#ifndef SPOOL_INTERNAL_H
#define SPOOL_INTERNAL_H

#include "base/arena.h"
#include "base/buf.h"
#include "bounds.h"
#include "spool/content_mac.h"
#include "spool/index.h"
#include "spool/maildir.h"
#include "spool/message_rows.h"
#include "spool/room.h"
#include "spool/rows.h"
#include "spool/spool.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>

#define SPOOL_UUID_TEXT 36
/* Of delivered messages (kept.h). */
#define KEPT_FOLDER "kept"

struct committer;
struct notifier;
struct idempotency_row;

struct spool {
	struct spool_options options;
	char *dir;
	int root;
	int guard;  /* the lock of run/identity */
	int writer; /* queue/tmp/<writer>, -1 while nothing was begun */
	int writer_lock;
	char writer_name[ID_TEXT + 1];
	struct maildirs maildirs;
	struct room room;
	uint8_t key[SPOOL_KEY_BYTES]; /* of the content hash */
	char uuid[SPOOL_UUID_TEXT + 1];

	/* Taken for reading by whoever uses the index, for writing while it
	 * is opened again after a failure. */
	pthread_rwlock_t index_lock;
	struct index *index;

	struct committer *committer; /* runs with SPOOL_WRITE */
	struct notifier *notifier;

	_Atomic bool broken;
	pthread_mutex_t broken_lock;
	struct error broken_why;
	/* Files whose commit failed so that nobody knows whether it reached
	 * the disk; the committer's thread only. */
	struct id undecided[LIMIT_GROUP];
	size_t undecided_count;
};

/* Marks the spool unhealthy and logs why, once. */
void spool_break(struct spool *spool, const struct error *why);

struct draft {
	struct spool *spool;
	struct draft *next; /* in the committer's queue */
	struct id id;
	char id_text[ID_TEXT + 1];

	/* Content: first in memory; in the file from `reserve` on once it has
	 * grown (streamed). `pending` is what is not written yet. */
	struct buf pending;
	int fd;
	bool streamed;
	size_t reserve;
	uint64_t body_len; /* pending included */
	uint64_t written;  /* of the body */
	uint64_t started;  /* of that, given to the disk ahead of the sync */
	uint64_t promised;
	struct content_mac mac;

	/* Once given to spool_commit(). */
	struct arena *arena;
	struct message_rows rows;    /* in the arena */
	struct idempotency_row *key; /* NULL: of no key */
	struct error failure;        /* kind ERROR_NONE: all went well so far */
	bool linked;
	int64_t given_us; /* clock_mono_us() */
	spool_committed_fn *done;
	void *done_arg;
};

/* Takes the draft's file names away and frees it. */
void draft_free(struct draft **draft, bool drop_file);

/* An index transaction with the lock that allows re-opening. */
MUST_CHECK bool spool_read_begin(
    struct spool *spool, struct index_txn **txn, struct error *err);
MUST_CHECK bool spool_write_begin(
    struct spool *spool, struct index_txn **txn, struct error *err);
MUST_CHECK bool spool_txn_commit(
    struct spool *spool, struct index_txn **txn, struct error *err);
void spool_txn_abort(struct spool *spool, struct index_txn **txn);

#endif
