#include "smtpd/worker.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/log.h"
#include "bounds.h"
#include "smtpd/figures.h"
#include "smtpd/reply.h"
#include "smtpd/session.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Time-outs are looked after this often. */
#define TICK_MS 1000
/* Addresses that no longer count are forgotten every so many ticks. */
#define SWEEP_TICKS 60

void worker_touch(struct worker *worker)
{
	worker->now_ms = clock_mono_ms();
}

bool worker_is_crowded(const struct worker *worker)
{
	uint64_t most = worker->settings->config->smtp_max_connections;

	return most != 0 &&
	       limiter_connections(worker->limiter) * UINT64_C(5) > most * 4;
}

/* --- accepting -------------------------------------------------------- */

/* Not a session yet: one line, and good-bye. Whoever waits for TLS would not
 * understand the line. */
static void turn_away(struct worker *worker, bool tls, int fd,
    const struct ip *ip, enum reply reply)
{
	char text[IP_TEXT];

	ip_format(ip, text);
	log_event(LOG_WARN, "limit_exceeded", LOG_TEXT("ip", text),
	    LOG_TEXT("limit", reply_reason(reply)));
	metric_add(&figure_connections_refused, reply_reason(reply), 1);
	if (!tls)
		(void)reply_append(&worker->out, reply);
	(void)send(
	    fd, worker->out.data, worker->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	buf_clear(&worker->out);
	(void)close(fd);
}

static void on_accepted(
    void *arg, const struct listener *listener, int fd, const struct ip *ip)
{
	struct worker *worker = arg;
	bool tls = listener->tls;
	const struct config *config = worker->settings->config;
	struct limiter_rules rules = {
	    .connections = config->smtp_max_connections,
	    .per_address = config->smtp_max_connections_per_ip,
	    .rate_per_address = config->smtp_max_rate_per_ip,
	};

	worker_touch(worker);
	/* It speaks for others, who are counted when they are known. */
	if (cidr_set_has(worker->settings->proxies, ip)) {
		rules.per_address = 0;
		rules.rate_per_address.count = 0;
	}
	switch (limiter_admit(worker->limiter, &rules, ip, worker->now_ms)) {
	case ADMISSION_GRANTED:
		session_open(worker, fd, ip, tls);
		break;
	case ADMISSION_CROWDED:
		turn_away(worker, tls, fd, ip, REPLY_TOO_MANY_CONNECTIONS);
		break;
	case ADMISSION_TOO_MANY:
		turn_away(worker, tls, fd, ip, REPLY_TOO_MANY_FROM_ADDRESS);
		break;
	case ADMISSION_TOO_FREQUENT:
		turn_away(worker, tls, fd, ip, REPLY_TOO_FAST_FROM_ADDRESS);
		break;
	}
}

/* --- the loop --------------------------------------------------------- */

void worker_left(struct worker *worker)
{
	if (worker->stop_ms != 0 && worker->sessions == NULL)
		loop_stop(worker->loop);
}

static void on_tick(void *arg)
{
	struct worker *worker = arg;
	struct session *session = worker->sessions;

	worker_touch(worker);
	for (; session != NULL; session = session->next) {
		if (worker->stop_ms != 0 && worker->now_ms >= worker->stop_ms)
			session_cut(session);
		else
			session_check_time(session);
	}
	if (worker->acceptor != NULL)
		acceptor_resume(worker->acceptor);
	if (++worker->ticks % SWEEP_TICKS == 0)
		limiter_sweep(worker->limiter, worker->now_ms);
	loop_timer_set(worker->tick, TICK_MS);
}

static void on_reload(void *arg)
{
	struct worker *worker = arg;
	struct settings *next = atomic_exchange(&worker->next_settings, NULL);

	settings_release(&worker->settings);
	worker->settings = next;
}

static void on_stop(void *arg)
{
	struct worker *worker = arg;
	struct session *session = worker->sessions;

	worker_touch(worker);
	worker->stop_ms = worker->now_ms + LIMIT_STOP_MS;
	acceptor_free(&worker->acceptor);
	for (; session != NULL; session = session->next)
		session_shut_down(session);
	if (worker->sessions == NULL)
		loop_stop(worker->loop);
}

static void *run_worker(void *arg)
{
	struct worker *worker = arg;

	loop_run(worker->loop);
	return NULL;
}

/* --- from outside ----------------------------------------------------- */

struct worker *worker_new(struct spool *spool, struct limiter *limiter,
    struct services *services, struct tls_server *tls,
    struct settings *settings, const struct listeners *listeners)
{
	struct worker *worker = xmalloc(sizeof(*worker));

	/* `in` is left alone: its pages come as they are used. */
	memset(worker, 0, offsetof(struct worker, in));
	worker->loop = loop_new();
	worker->spool = spool;
	worker->limiter = limiter;
	worker->services = services;
	worker->tls = tls;
	worker->settings = settings_hold(settings);
	worker->started_ms = clock_wall_ms();
	worker->out = buf_new(2 * WORKER_OUT_HIGH);
	worker->reload = (struct loop_task){.call = on_reload, .arg = worker};
	worker->stop = (struct loop_task){.call = on_stop, .arg = worker};
	worker->tick = loop_timer_new(worker->loop, on_tick, worker);
	loop_timer_set(worker->tick, TICK_MS);
	worker->acceptor =
	    acceptor_new(worker->loop, listeners, on_accepted, worker);
	return worker;
}

bool worker_start(struct worker *worker, struct error *err)
{
	int code = pthread_create(&worker->thread, NULL, run_worker, worker);

	if (code == 0)
		return true;
	errno = code;
	return error_errno(err, "cannot start a thread");
}

void worker_reload(struct worker *worker, struct settings *settings)
{
	struct settings *skipped =
	    atomic_exchange(&worker->next_settings, settings_hold(settings));

	if (skipped == NULL)
		loop_post(worker->loop, &worker->reload);
	settings_release(&skipped);
}

void worker_stop(struct worker *worker)
{
	loop_post(worker->loop, &worker->stop);
}

void worker_join(struct worker *worker)
{
	(void)pthread_join(worker->thread, NULL);
}

void worker_free(struct worker **worker)
{
	struct worker *gone = *worker;
	struct settings *next;

	if (gone == NULL)
		return;
	*worker = NULL;
	acceptor_free(&gone->acceptor);
	loop_timer_free(&gone->tick);
	loop_free(&gone->loop);
	next = atomic_load(&gone->next_settings);
	settings_release(&next);
	settings_release(&gone->settings);
	buf_free(&gone->out);
	free(gone);
}
