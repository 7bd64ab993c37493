/*
 * Keys under which callers may repeat a request to send. While one is at work
 * on a key it holds a lock on the byte of run/keys that the key's hash names:
 * the lock is seen by all processes, and is gone with its holder. The row of a
 * key is put with the message of its request, and lives for a day:
 *
 *   'k' hash -> version, expiry, message id, digest of the request
 *   't' expiry hash ->                        what is to be swept, in order
 */
#ifndef SPOOL_IDEMPOTENCY_H
#define SPOOL_IDEMPOTENCY_H

#include "envelope.h"
#include "spool/index.h"
#include "spool/spool.h"

#define IDEMPOTENCY_HASH 16

struct idempotency_row {
	uint8_t hash[IDEMPOTENCY_HASH];
	int64_t expires_ms;
	struct id id;
	uint8_t digest[SPOOL_DIGEST_BYTES];
};

/* Puts it, and takes a few away that have expired: more than come. */
void idempotency_put(
    struct index_txn *txn, int64_t now_ms, const struct idempotency_row *row);

/* Takes the rows of messages away that were taken back just now: a failed
 * request leaves no key. Looks only at rows as young as they are. */
void idempotency_forget(
    struct index_txn *txn, const struct id *ids, size_t count);

/* For fsck, of any row of the table: whether it can be read and will be swept;
 * and what makes it so, or takes it away if it cannot be read. */
bool idempotency_is_sound(
    struct index_txn *txn, struct bytes key, struct bytes value);
void idempotency_mend(
    struct index_txn *txn, struct bytes key, struct bytes value);

#endif
