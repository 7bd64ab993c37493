/*
 * A bounded pool of threads for what may block (lookups, scanners), as plain
 * straight-line code, one job at a time; the result goes back to the loop that
 * asked.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/loop.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>

struct pool;
struct pool_job;

/* `threads` workers, started as they are needed; at most `waiting` more jobs
 * wait for one. */
struct pool *pool_new(size_t threads, size_t waiting);
/* All jobs must be answered or forgotten; waits for those still at work.
 * Clears the pointer; NULL is fine. */
void pool_free(struct pool **pool);

/* Runs work(arg) on a thread of the pool, then done(arg) on the loop's thread.
 * Returns the handle, or NULL if too many wait (a reason to answer 4xx): then
 * nothing is called. Call it on the loop's thread. */
MUST_CHECK struct pool_job *pool_start(struct pool *pool, struct loop *loop,
    void (*work)(void *arg), void (*done)(void *arg), void *arg);

/* The owner goes away: done will not be called. release(arg), which frees what
 * work uses, is called exactly once: here, or on the pool's thread when work
 * has returned. The loop's thread only, before done. Clears the pointer; NULL
 * is fine. */
void pool_forget(struct pool_job **job, void (*release)(void *arg));

#endif
