#include "httpapi/worker.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/log.h"
#include "httpapi/exchange.h"
#include "httpapi/gate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Time-outs are looked after this often. */
#define TICK_MS 1000
/* Turns that the library gets in a row. */
#define STIR_BATCH 8

/* --- the library ------------------------------------------------------ */

static void run_http(struct worker *worker)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;

	for (int i = 0; i < STIR_BATCH; i++) {
		(void)MHD_run(worker->http);
		if (MHD_get_timeout(worker->http, &wait_ms) != MHD_YES ||
		    wait_ms > 0)
			return;
	}
	worker_stir(worker);
}

static void on_stir(void *arg)
{
	struct worker *worker = arg;

	worker->stirring = false;
	run_http(worker);
}

static void on_http_ready(void *arg, unsigned ready)
{
	(void)ready;
	run_http(arg);
}

void worker_stir(struct worker *worker)
{
	if (worker->stirring)
		return;
	worker->stirring = true;
	loop_defer(worker->loop, &worker->stir);
}

/* What the library has to say is for its own developers. */
static void on_http_log(void *arg, const char *format, va_list args)
{
	(void)arg;
	(void)format;
	(void)args;
}

static bool open_http(struct worker *worker, struct error *err)
{
	const union MHD_DaemonInfo *info;

	worker->http =
	    MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
				 MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
		0, NULL, NULL, exchange_handle, worker,
		MHD_OPTION_EXTERNAL_LOGGER, on_http_log, NULL,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)LIMIT_HTTP_CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, LIMIT_HTTP_POOL,
		MHD_OPTION_CONNECTION_MEMORY_INCREMENT, LIMIT_HTTP_PIECE,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED,
		exchange_completed, worker, MHD_OPTION_NOTIFY_CONNECTION,
		gate_notice_connection, worker, MHD_OPTION_END);
	if (worker->http == NULL)
		return error_set(
		    err, ERROR_TEMPORARY, "cannot start the HTTP library");
	info = MHD_get_daemon_info(worker->http, MHD_DAEMON_INFO_EPOLL_FD);
	worker->http_watch = loop_watch_open(
	    worker->loop, info->epoll_fd, LOOP_READ, on_http_ready, worker);
	return true;
}

/* --- accepting -------------------------------------------------------- */

static void on_accepted(
    void *arg, const struct listener *listener, int fd, const struct ip *ip)
{
	struct worker *worker = arg;

	(void)listener;
	worker->now_ms = clock_mono_ms();
	gate_open(worker, fd, ip);
}

/* --- the loop --------------------------------------------------------- */

static void on_empty(void *arg)
{
	struct worker *worker = arg;

	loop_stop(worker->loop);
}

/* Once what ended just now has been freed. */
void worker_left(struct worker *worker)
{
	if (worker->stop_ms == 0 || worker->gates != NULL ||
	    worker->exchanges > 0 || worker->emptied)
		return;
	worker->emptied = true;
	loop_defer(worker->loop, &worker->empty);
}

static void on_tick(void *arg)
{
	struct worker *worker = arg;
	struct gate *gate = worker->gates, *next;

	worker->now_ms = clock_mono_ms();
	for (; gate != NULL; gate = next) {
		next = gate_after(gate);
		gate_check_time(gate);
	}
	if (worker->acceptor != NULL)
		acceptor_resume(worker->acceptor);
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
	struct gate *gate = worker->gates, *next;

	worker->now_ms = clock_mono_ms();
	worker->stop_ms = worker->now_ms + LIMIT_STOP_MS;
	acceptor_free(&worker->acceptor);
	for (; gate != NULL; gate = next) {
		next = gate_after(gate);
		gate_stop(gate);
	}
	worker_left(worker);
}

static void *run_worker(void *arg)
{
	struct worker *worker = arg;

	loop_run(worker->loop);
	return NULL;
}

/* --- from outside ----------------------------------------------------- */

static void worker_free(struct worker **worker)
{
	struct worker *gone = *worker;
	struct settings *next = atomic_load(&gone->next_settings);

	*worker = NULL;
	acceptor_free(&gone->acceptor);
	loop_watch_close(&gone->http_watch);
	if (gone->http != NULL)
		MHD_stop_daemon(gone->http);
	loop_timer_free(&gone->tick);
	loop_free(&gone->loop);
	settings_release(&next);
	settings_release(&gone->settings);
	free(gone);
}

bool worker_open(struct context *context, struct settings *settings,
    const struct listeners *listeners, struct worker **result,
    struct error *err)
{
	struct worker *worker = xcalloc(1, sizeof(*worker));
	int code;

	worker->context = context;
	worker->settings = settings_hold(settings);
	worker->loop = loop_new();
	worker->stir = (struct loop_task){.call = on_stir, .arg = worker};
	worker->reload = (struct loop_task){.call = on_reload, .arg = worker};
	worker->stop = (struct loop_task){.call = on_stop, .arg = worker};
	worker->empty = (struct loop_task){.call = on_empty, .arg = worker};
	worker->tick = loop_timer_new(worker->loop, on_tick, worker);
	loop_timer_set(worker->tick, TICK_MS);
	if (!open_http(worker, err)) {
		worker_free(&worker);
		return false;
	}
	worker->acceptor =
	    acceptor_new(worker->loop, listeners, on_accepted, worker);
	code = pthread_create(&worker->thread, NULL, run_worker, worker);
	if (code != 0) {
		errno = code;
		worker_free(&worker);
		return error_errno(err, "cannot start a thread");
	}
	*result = worker;
	return true;
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

void worker_close(struct worker **worker)
{
	if (*worker == NULL)
		return;
	(void)pthread_join((*worker)->thread, NULL);
	worker_free(worker);
}
