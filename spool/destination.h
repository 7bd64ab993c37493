/*
 * Destinations: where a lane's deliveries go (one for the webhook, a domain
 * each for SMTP). Each has one row in `waiting` that says when the scheduler
 * should look at it next, so that a blocked one costs one row whatever waits
 * behind it.
 */
#ifndef SPOOL_DESTINATION_H
#define SPOOL_DESTINATION_H

#include "spool/rows.h"

/* A delivery due at due_ms was put behind the destination: the scheduler must
 * look no later, unless its circuit is open. */
void destination_arrive(struct index_txn *txn, enum lane lane,
    uint64_t destination, const char *name, int64_t due_ms);

/* Moves the waiting row (INT64_MAX: takes it away) and stores the row. */
void destination_store(struct index_txn *txn, enum lane lane,
    uint64_t destination, struct destination_row *row, int64_t next_ms);

#endif
