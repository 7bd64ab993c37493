/*
 * Room on the disk: intake stops while free space, less what all drafts in
 * flight may still write, is under SPOOL_MIN_FREE; and a ballast file gives
 * bookkeeping the room it needs to free space on a full disk.
 */
#ifndef SPOOL_ROOM_H
#define SPOOL_ROOM_H

#include "error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct room {
	int root; /* borrowed */
	uint64_t min_bytes;
	unsigned min_percent;
	_Atomic uint64_t promised; /* bytes that drafts may still write */
	/* What the file system said last, and when (monotonic). */
	_Atomic uint64_t free_bytes, floor_bytes;
	_Atomic int64_t asked_ms;
};

void room_init(
    struct room *room, int root, uint64_t min_bytes, unsigned min_percent);
/* ERROR_FULL unless `size` more bytes fit. Any thread; asks the file system
 * at most every 200 ms. */
MUST_CHECK bool room_check(struct room *room, uint64_t size, struct error *err);
void room_promise(struct room *room, uint64_t size);
void room_release(struct room *room, uint64_t size);
/* Free bytes, and those that intake leaves free. Both 0 if the file system
 * gives no answer. */
void room_look(struct room *room, uint64_t *free_bytes, uint64_t *floor_bytes);

/* Makes run/ballast, really allocated, if there is room for it beyond the
 * floor. */
void ballast_make(struct room *room);
/* Gives its blocks back; false if there was none. */
bool ballast_release(struct room *room);

#endif
