/*
 * What became of each delivery, decided from the status bytes of the file, the
 * maildirs in which it lies and what the old index says. Pure.
 *
 * The bytes are written after the index commit that made them true, and may
 * have been taken back by a power cut: so a byte that says queued gives way to
 * an old row that says final or dead, and any other byte has the word.
 */
#ifndef SPOOL_REBUILD_STATES_H
#define SPOOL_REBUILD_STATES_H

#include "spool/message_rows.h"

struct rebuild_evidence {
	const char *status;             /* one byte per recipient */
	bool in_queue, in_dead;         /* names that the file has */
	const struct message_rows *old; /* or NULL */
};

/* Sets the states in rows, which were just made from the envelope, and counts
 * the live and the dead. The number of deliveries that took something over
 * from the old index; *unclear counts status bytes that are none. */
unsigned rebuild_decide(struct message_rows *rows,
    const struct rebuild_evidence *evidence, int64_t now_ms, unsigned *unclear);

#endif
