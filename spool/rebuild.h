/*
 * A new index from the files alone. Each message's file says what it is, for
 * whom, and by its status bytes what became of every recipient; a file that
 * is not what was stored is set aside and never delivered. What files cannot
 * tell (attempts, stories, circuits, lists, keys of the send API) comes from
 * the old index, as far as that can be read; nothing depends on it.
 *
 * Streams: memory does not grow with the queue. A crash at any moment leaves
 * the old index or the new one: the new one takes its place by one rename.
 */
#ifndef SPOOL_REBUILD_H
#define SPOOL_REBUILD_H

#include "error.h"
#include "spool/finding.h"
#include "spool/spool.h"
#include "spool/state.h"

#include <stdbool.h>
#include <stdint.h>

typedef void rebuild_progress_fn(void *arg, uint64_t files, uint64_t guess);

struct rebuild_options {
	/* Each difference to the old index, and each file that was no
	 * message. */
	finding_fn *found;
	rebuild_progress_fn *progress; /* now and then; may be NULL */
	void *arg;                     /* of both */
};

struct rebuild_report {
	uint64_t files, messages, bytes;
	uint64_t deliveries[STATE_COUNT]; /* by their new state */
	uint64_t carried;   /* deliveries of which the old index knew more */
	uint64_t set_aside; /* files, to the orphans */
	uint64_t found[FINDING_COUNT];
	bool old_read; /* the old index, or a part of it */
};

/* Wants a spool opened with SPOOL_EXCLUSIVE. False: the old index stands. */
MUST_CHECK bool spool_rebuild(struct spool *spool,
    const struct rebuild_options *options, struct rebuild_report *report,
    struct error *err);

#endif
