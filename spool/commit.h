/*
 * The committer: one thread per process that makes messages durable in
 * groups. While one group is being synced the next one collects.
 */
#ifndef SPOOL_COMMIT_H
#define SPOOL_COMMIT_H

#include "error.h"

#include <stdbool.h>

struct committer;
struct draft;
struct spool;

struct committer *committer_new(struct spool *spool);
/* Queues a finished draft, whose file is written but not synced. Any thread. */
void committer_add(struct committer *committer, struct draft *draft);
/* The spool was broken by another thread: it heals on the committer's. */
void committer_wake(struct committer *committer);
/* Finishes what was queued, then ends the thread. */
void committer_free(struct committer **committer);

#endif
