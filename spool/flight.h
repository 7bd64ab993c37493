/*
 * What was in flight: the messages of a writer's last group.
 *
 * Files and index are synced at the same time, so that a 250 waits for the
 * slower of the two and not for their sum. Then a crash can leave a record
 * whose file did not reach the disk; nobody was told 250 for it. The group's
 * ids are a row of the same transaction (meta, "flight/<writer>"), which the
 * next group replaces: so recovery knows which records to doubt, and only
 * those.
 */
#ifndef SPOOL_FLIGHT_H
#define SPOOL_FLIGHT_H

#include "envelope.h"
#include "error.h"
#include "spool/index.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spool;

/* Replaces the row of this writer; part of the group's transaction. */
void flight_put(struct index_txn *txn, const char *writer, const struct id *ids,
    size_t count);

/* Whether the message was in the last group of any writer, or of one that has
 * died: its file may not have reached the disk, and no 250 was said then. */
bool flight_has(struct index_txn *txn, const struct id *id);
bool flight_of_the_dead(
    struct spool *spool, struct index_txn *txn, const struct id *id);

/* Takes back records of messages that were refused after all, whatever has
 * become of them meanwhile. The files are the caller's. */
MUST_CHECK bool flight_retract(
    struct spool *spool, const struct id *ids, size_t count, struct error *err);

/* The writer leaves with nothing in flight. */
MUST_CHECK bool flight_forget(
    struct spool *spool, const char *writer, struct error *err);

/* For every writer that has a row and whose lock is free, or for the one that
 * is named: records whose file is missing or is not what was written are
 * removed, and the files that stay are synced; then the row goes. *removed
 * counts. */
MUST_CHECK bool flight_settle(struct spool *spool, const char *writer,
    uint64_t *removed, struct error *err);

#endif
