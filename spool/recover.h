/*
 * Recovery: records that a dead writer's last group may have left without
 * their files, what it left in queue/tmp/<writer>, and what completion still
 * had to unlink. Its time is proportional to what was in flight; `new`
 * is never scanned. INTERNALS.md lists the cases by number.
 */
#ifndef SPOOL_RECOVER_H
#define SPOOL_RECOVER_H

#include "envelope.h"
#include "error.h"

#include <stdbool.h>
#include <stdint.h>

struct spool;

struct recovery {
	uint64_t writers;    /* dead ones that were cleaned up after */
	uint64_t kept;       /* messages whose second name was dropped */
	uint64_t orphaned;   /* files without a record: set aside */
	uint64_t unfinished; /* half-received files: removed */
	uint64_t unlinked;   /* files of finished messages */
	uint64_t retracted;  /* records whose file never reached the disk */
};

/* Handles every writer whose lock is free. */
MUST_CHECK bool spool_recover(
    struct spool *spool, struct recovery *report, struct error *err);
/* Handles files of our own folder whose commit failed so that nobody knows
 * whether it reached the disk. */
MUST_CHECK bool spool_recover_own(struct spool *spool, const struct id *ids,
    size_t count, struct recovery *report, struct error *err);
/* Unlinks the files of finished messages that nobody has unlinked yet, and
 * forgets them. */
MUST_CHECK bool spool_finish_doomed(
    struct spool *spool, uint64_t *unlinked, struct error *err);
/* Whether the writer of that name holds its lock. */
bool writer_is_live(struct spool *spool, const char *name);
/* Joins the writers: makes queue/tmp/<writer> and holds its lock. */
MUST_CHECK bool spool_become_writer(struct spool *spool, struct error *err);
/* Leaves them; the folder goes if it is empty. */
void spool_leave_writers(struct spool *spool);
/* Removes orphans that were set aside longer than the retention ago. */
void spool_expire_orphans(struct spool *spool);

#endif
