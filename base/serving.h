/*
 * A program that serves on event loops, from its start to its end: the main
 * thread's own loop, and what the signals mean. They are watched from the
 * beginning on, so that one that comes during the start ends the program as
 * cleanly as a later one.
 */
#ifndef BASE_SERVING_H
#define BASE_SERVING_H

#include "base/loop.h"

#include <stddef.h>

struct serving;

/* `reload` is called on the main loop for each SIGHUP. */
struct serving *serving_new(loop_call_fn *reload, void *arg);
struct loop *serving_loop(struct serving *serving);
/* Runs until SIGTERM or SIGINT, then calls stop(arg), which returns when all
 * is answered. The log and the service manager hear of both. */
void serving_run(struct serving *serving, loop_call_fn *stop, void *arg);
/* Late, so that nobody's second SIGTERM disturbs the end. Clears the
 * pointer. */
void serving_free(struct serving **serving);

/* How many loops with connections a program should have: one for each
 * processor that it may use, but no more than this. */
#define SERVING_LOOPS_MAX 8
size_t serving_loops(void);

#endif
