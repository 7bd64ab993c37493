/*
 * A worker: one thread, its event loop, and the sessions that live and die on
 * it. What sessions of one loop share is here, so that an idle one is small.
 *
 * Everything belongs to the worker's thread, except where said otherwise.
 */
#ifndef SMTPD_WORKER_H
#define SMTPD_WORKER_H

#include "base/acceptor.h"
#include "base/buf.h"
#include "base/loop.h"
#include "base/tls_server.h"
#include "error.h"
#include "smtpd/limiter.h"
#include "smtpd/services.h"
#include "smtpd/settings.h"
#include "spool/spool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;

/* One read() takes up to this much. */
#define WORKER_READ_SIZE ((size_t)128 * 1024)
/* A session that has said this much is not heard before it was sent. */
#define WORKER_OUT_HIGH ((size_t)16 * 1024)

struct worker {
	struct loop *loop;
	struct spool *spool;       /* shared */
	struct limiter *limiter;   /* shared */
	struct services *services; /* shared */
	struct tls_server *tls;    /* shared */
	struct settings *settings; /* held; replaced by worker_reload() */
	pthread_t thread;

	int64_t started_ms; /* wall clock */
	int64_t now_ms;     /* clock_mono_ms() of the callback at hand */
	struct loop_timer *tick;
	unsigned ticks;
	int64_t stop_ms; /* not 0: ends, and closes all by then */

	struct acceptor *acceptor; /* NULL once it stops */

	struct session *sessions;

	struct buf out; /* what the session at hand says */
	char in[WORKER_READ_SIZE];

	/* What other threads ask for. */
	struct loop_task reload, stop;
	struct settings *_Atomic next_settings; /* NULL: none */
};

/* Ready to run; holds the settings. The listeners must outlive it. */
struct worker *worker_new(struct spool *spool, struct limiter *limiter,
    struct services *services, struct tls_server *tls,
    struct settings *settings, const struct listeners *listeners);
MUST_CHECK bool worker_start(struct worker *worker, struct error *err);
/* Gives it other settings, of which it takes a hold. Any thread. */
void worker_reload(struct worker *worker, struct settings *settings);
/* Takes no more connections, says 421 to all sessions but those that are
 * being committed, which get their answer first, and ends. Once; any
 * thread. */
void worker_stop(struct worker *worker);
/* Waits for its end. */
void worker_join(struct worker *worker);
/* It does not run. Clears the pointer; NULL is fine. */
void worker_free(struct worker **worker);

/* For callbacks of its loop: reads the clock. */
void worker_touch(struct worker *worker);
/* For sessions: one of them is no more. */
void worker_left(struct worker *worker);
/* Whether over 80 % of the connections are taken. */
bool worker_is_crowded(const struct worker *worker);

#endif
