/*
 * An event loop: one thread, its sockets, timers and signals. The only user
 * of libevent.
 *
 * All functions belong to the thread that runs the loop (or, before and after
 * loop_run(), to the one that owns it), except loop_post() and loop_stop().
 * Nothing that blocks may be called from a callback. A handle that was closed
 * never calls back again, also if its event was already pending.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdint.h>

struct loop;
struct loop_watch;
struct loop_timer;
struct loop_signal;

struct loop *loop_new(void);
/* All handles must be closed; tasks that were posted and did not run are
 * forgotten. Clears the pointer; NULL is fine. */
void loop_free(struct loop **loop);

/* Runs callbacks until loop_stop(). */
void loop_run(struct loop *loop);
/* Ends loop_run() after the callbacks at hand, also one that has not begun
 * yet. Any thread. */
void loop_stop(struct loop *loop);

/* --- descriptors ------------------------------------------------------ */

#define LOOP_READ 1u
#define LOOP_WRITE 2u

/* `ready` has the bits that may be used without blocking; an error or a hang
 * up shows as all that were wanted. */
typedef void loop_watch_fn(void *arg, unsigned ready);

/* Watches fd, which stays the caller's and must outlive the watch, for the
 * bits of `want` (0: nothing yet), for as long as they hold. */
struct loop_watch *loop_watch_open(
    struct loop *loop, int fd, unsigned want, loop_watch_fn *call, void *arg);
/* Changes what is waited for; costs nothing if it is the same. */
void loop_watch_want(struct loop_watch *watch, unsigned want);
/* Clears the pointer; NULL is fine. */
void loop_watch_close(struct loop_watch **watch);

/* --- timers and signals ----------------------------------------------- */

typedef void loop_call_fn(void *arg);

/* A timer that is not set. */
struct loop_timer *loop_timer_new(
    struct loop *loop, loop_call_fn *call, void *arg);
/* Calls once, `after_ms` from now; an earlier setting is forgotten. */
void loop_timer_set(struct loop_timer *timer, int64_t after_ms);
/* Clears the pointer; NULL is fine. */
void loop_timer_free(struct loop_timer **timer);

/* Calls for each delivery of the signal. Only one loop of a process may watch
 * signals. */
struct loop_signal *loop_signal_open(
    struct loop *loop, int number, loop_call_fn *call, void *arg);
void loop_signal_close(struct loop_signal **signal);

/* --- calls ------------------------------------------------------------ */

/* A call to be made later. It is part of whatever it concerns, so that posting
 * allocates nothing and cannot fail; from post to call it belongs to the
 * loop and must stay where it is. */
struct loop_task {
	struct loop_task *next;
	loop_call_fn *call;
	void *arg;
};

/* Runs the task on the loop's thread, in the order of posting. Any thread;
 * never blocks. Many posts between two turns of the loop cost one wake-up. The
 * loop must live until the task ran or the loop was stopped. */
void loop_post(struct loop *loop, struct loop_task *task);

/* Runs the task once the callbacks at hand have returned: how an object ends
 * itself inside its own callback. The loop's thread only. */
void loop_defer(struct loop *loop, struct loop_task *task);

#endif
