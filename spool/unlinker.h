/*
 * Unlinks the files of finished messages beside the agent's turns: on a file
 * system that discards blocks at once each unlink waits for the disk.
 */
#ifndef SPOOL_UNLINKER_H
#define SPOOL_UNLINKER_H

#include "spool/maildir.h"
#include "spool/tasks.h"

struct unlinker;

/* `dirs` is borrowed. */
struct unlinker *unlinker_new(const struct maildirs *dirs);
/* Unlinks what is left, then ends the threads. */
void unlinker_free(struct unlinker **unlinker);
/* Queues files (task.number: enum doomed_names). Waits while far too many are
 * queued already. */
void unlinker_add(struct unlinker *unlinker, const struct tasks *files);
/* Appends to `done` what was unlinked since the last call. */
void unlinker_take_done(struct unlinker *unlinker, struct tasks *done);

/* The same, here and now. */
void unlink_files(
    const struct maildirs *dirs, const struct task *files, size_t count);

#endif
