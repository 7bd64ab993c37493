/*
 * The scheduler: waits until there is something to do, and lets each lane do
 * it. Its thread is the only one of the process that writes to the spool.
 */
#ifndef DELIVER_DISPATCHER_H
#define DELIVER_DISPATCHER_H

#include "deliver/lane.h"

#include <stddef.h>

#define DISPATCHER_LANES 2

struct dispatcher;

/* Takes SIGTERM, SIGINT and SIGHUP from the process: call it before any
 * thread is made, so that all of them leave those signals alone. */
struct dispatcher *dispatcher_new(void);
void dispatcher_free(struct dispatcher **dispatcher);

/* There may be new work. Any thread. */
void dispatcher_wake(struct dispatcher *dispatcher);

/* Runs the lanes (at most DISPATCHER_LANES; borrowed) until SIGTERM or SIGINT,
 * and then until they have stopped. `reload` is called for each SIGHUP. */
void dispatcher_run(struct dispatcher *dispatcher, struct lane_run **lanes,
    size_t count, void (*reload)(void *arg), void *arg);

#endif
