/*
 * Everything that the index says of one message, made from its envelope:
 * intake makes the rows of a new message, rebuild and fsck those of a file.
 */
#ifndef SPOOL_MESSAGE_ROWS_H
#define SPOOL_MESSAGE_ROWS_H

#include "base/arena.h"
#include "envelope.h"
#include "spool/rows.h"

/* Why a delivery is dead that was delivered, but not whole. */
#define REASON_OMITTED "content_omitted"
/* Why one is dead of which only the file is left to tell; whose file is gone;
 * whose file is not what was stored. */
#define REASON_UNKNOWN "unknown"
#define REASON_LOST "lost"
#define REASON_DAMAGED "damaged"

struct message_rows {
	struct id id;
	struct message_row message;
	struct delivery_row *deliveries; /* message.recipients of them */
	struct bytes checked; /* the first event of its story; may be empty */
};

/* The rows of a message that was just taken in: all its deliveries are queued
 * and due. `size` is that of the file. All texts are copied. */
void message_rows_make(struct message_rows *rows,
    const struct envelope *envelope, uint64_t size, struct arena *arena);

/* Puts them all: the message, its deliveries in the sets that their states
 * stand for, where they are looked up, where the scheduler must look; and
 * counts them. */
void message_rows_put(struct index_txn *txn, const struct message_rows *rows,
    struct counters *counters);

/* Only where the message is looked up: by Message-ID and by recipient. */
void message_rows_put_lookup(
    struct index_txn *txn, const struct message_rows *rows);

/* Reads them back, copied. False if there is no such message; a delivery
 * whose row is missing has no address (NULL). */
bool message_rows_read(struct message_rows *rows, struct index_txn *txn,
    const struct id *id, struct arena *arena);

/* Whether it was buried for want of a (sound) file: nobody removed that. */
bool message_rows_is_lost(const struct message_rows *rows);

/* The status byte that the file should have for this delivery. */
char message_rows_status(const struct delivery_row *row);
/* What a status byte says, for a row that knows nothing else. A byte that is
 * none counts as queued (false): better twice than not at all. */
bool message_rows_obey(struct delivery_row *row, char status, int64_t now_ms);

#endif
