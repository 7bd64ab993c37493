/*
 * The workers of one lane: threads of plain blocking code that each take a
 * work, try it, and leave its outcome for the scheduler. Works that wait are
 * the stock; how much of it there is decides the scheduler (deliver/lane.h).
 *
 * All functions are for the scheduler's thread only.
 */
#ifndef DELIVER_CREW_H
#define DELIVER_CREW_H

#include "spool/spool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crew;

/* What its workers can do. */
struct craft {
	/* A worker's own tools: called on its thread. */
	void *(*tools_new)(void *arg);
	void (*tools_free)(void *tools);
	/* Tries the work and fills the outcome; may block for long. */
	void (*attempt)(void *arg, void *tools, const struct work *work,
	    struct outcome *outcome);
	/* Makes an attempt in progress, and all later ones, end at once as
	 * OUTCOME_RELEASED. Called on the scheduler's thread. */
	void (*interrupt)(void *tools);
	void *arg;
};

/* Starts `workers` threads; at most `capacity` works are ever in their
 * hands. The craft is copied. */
struct crew *crew_new(
    const struct craft *craft, unsigned workers, size_t capacity);
/* Waits for the workers, whose stock must be empty; see crew_interrupt(). */
void crew_free(struct crew **crew);

/* Hands over works, which become the crew's. */
void crew_add(struct crew *crew, struct work **works, size_t count);

/* Moves the outcomes that have come to `outcomes`, at most `room`, and says
 * how many. */
size_t crew_outcomes(struct crew *crew, struct outcome *outcomes, size_t room);

/* Takes the stock back: as many OUTCOME_RELEASED, at most `room`. */
size_t crew_take_back(struct crew *crew, struct outcome *outcomes, size_t room);

/* Ends what is being tried now; there is no way back. */
void crew_interrupt(struct crew *crew);

/* How things stand. */
struct crew_state {
	size_t stock;     /* works that wait */
	size_t busy;      /* workers that try */
	size_t finished;  /* outcomes to be fetched */
	int64_t stock_ms; /* how long the oldest of the stock has waited */
};

struct crew_state crew_look(struct crew *crew);

/* Readable when there is a first outcome to fetch, when the stock falls to
 * the mark or a worker has nothing to do. crew_woken() empties it. */
int crew_wake_fd(const struct crew *crew);
void crew_woken(struct crew *crew);
/* Sets the mark. */
void crew_tell_below(struct crew *crew, size_t stock);

#endif
