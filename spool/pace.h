/*
 * Two ways to put a group of files on the disk, and which is the faster here:
 * a sync of each file and of their folder, or one syncfs(). It depends on the
 * file system, on its journal, and on who else writes to it; so both are
 * measured, by size of the group, and the slower one is tried again now and
 * then. One thread.
 */
#ifndef SPOOL_PACE_H
#define SPOOL_PACE_H

#include <stddef.h>
#include <stdint.h>

enum sync_way { SYNC_EACH, SYNC_WHOLE, SYNC_WAYS };

/* Groups of 1, 2-3, 4-7, 8-15 and more files, up to LIMIT_SYNC_SINGLY; larger
 * ones are always SYNC_WHOLE. */
#define PACE_CLASSES 5

struct pace {
	int64_t mean_us[PACE_CLASSES][SYNC_WAYS]; /* 0: not measured yet */
	unsigned groups[PACE_CLASSES];
};

/* The way for a group of so many files. Starts all zero. */
enum sync_way pace_choose(struct pace *pace, size_t files);
/* How long it took. */
void pace_learn(
    struct pace *pace, size_t files, enum sync_way way, int64_t took_us);

#endif
