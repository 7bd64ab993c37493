/*
 * Checks a spool from both sides: every record has its file, whole and with
 * the right hash; every file has its record; all rows agree. Beside running
 * programs, in short slices: what looks wrong is looked at once more under the
 * writer's lock, where nobody can be changing it, before it is reported.
 *
 * Repair restores a legal combination of INTERNALS.md by adding rows and names
 * or by setting files aside. It deletes nothing that could be mail: what
 * cannot be delivered any more becomes a dead letter, "lost" or "damaged".
 */
#ifndef SPOOL_FSCK_H
#define SPOOL_FSCK_H

#include "error.h"
#include "spool/finding.h"
#include "spool/spool.h"

#include <stdbool.h>
#include <stdint.h>

typedef void fsck_progress_fn(
    void *arg, const char *what, uint64_t done, uint64_t total);

struct fsck_options {
	bool repair;
	/* Whatever is wrong. Repaired or not: finding->repaired. */
	finding_fn *found;
	/* Now and then; may be NULL. total is a guess. */
	fsck_progress_fn *progress;
	void *arg; /* of both */
};

struct fsck_report {
	uint64_t messages, bytes, files, kept; /* that were looked at */
	uint64_t found[FINDING_COUNT], repaired[FINDING_COUNT];
	uint64_t found_all, repaired_all;
};

/* Wants a spool that was opened with SPOOL_OPERATE or SPOOL_WRITE, best with
 * verify_index. Fails only if it cannot go on; what it finds is no failure. */
MUST_CHECK bool fsck_run(struct spool *spool,
    const struct fsck_options *options, struct fsck_report *report,
    struct error *err);

#endif
