/*
 * A thread with its event loop, its connections, and an instance of the HTTP
 * library that runs on the same loop.
 */
#ifndef HTTPAPI_WORKER_H
#define HTTPAPI_WORKER_H

#include "base/acceptor.h"
#include "base/loop.h"
#include "bounds.h"
#include "httpapi/context.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

struct gate;

struct worker {
	struct context *context;
	struct settings *settings; /* held; the loop's thread only */
	_Atomic(struct settings *) next_settings;
	struct loop *loop;
	pthread_t thread;
	struct acceptor *acceptor; /* NULL once it stops */
	struct loop_timer *tick;
	struct loop_task reload, stop, empty;
	bool emptied; /* stopping, and nothing is left */

	struct MHD_Daemon *http;
	struct loop_watch *http_watch;
	struct loop_task stir;
	bool stirring;
	struct gate *opening; /* whose connection the library hears of */

	struct gate *gates;
	size_t gate_count;
	size_t exchanges; /* requests that the library has at hand */
	int64_t now_ms;
	int64_t stop_ms; /* 0: not stopping */
	char piece[LIMIT_HTTP_PIECE];
};

/* Made and freed by the thread that owns the server. The listening sockets are
 * borrowed. */
MUST_CHECK bool worker_open(struct context *context, struct settings *settings,
    const struct listeners *listeners, struct worker **worker,
    struct error *err);
/* Any thread. */
void worker_reload(struct worker *worker, struct settings *settings);
void worker_stop(struct worker *worker);
/* Waits until all requests are answered. Clears the pointer; NULL is fine. */
void worker_close(struct worker **worker);

/* The loop's thread: the library has something to do. */
void worker_stir(struct worker *worker);
/* A gate or an exchange ended. */
void worker_left(struct worker *worker);

#endif
