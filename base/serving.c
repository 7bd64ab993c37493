#include "base/serving.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/service.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>

struct serving {
	struct loop *loop;
	struct loop_signal *terminate, *interrupt, *hang_up;
};

static void on_terminate(void *arg)
{
	struct serving *serving = arg;

	loop_stop(serving->loop);
}

struct serving *serving_new(loop_call_fn *reload, void *arg)
{
	struct serving *serving = xcalloc(1, sizeof(*serving));

	serving->loop = loop_new();
	serving->terminate =
	    loop_signal_open(serving->loop, SIGTERM, on_terminate, serving);
	serving->interrupt =
	    loop_signal_open(serving->loop, SIGINT, on_terminate, serving);
	serving->hang_up = loop_signal_open(serving->loop, SIGHUP, reload, arg);
	return serving;
}

struct loop *serving_loop(struct serving *serving)
{
	return serving->loop;
}

void serving_run(struct serving *serving, loop_call_fn *stop, void *arg)
{
	log_event(
	    LOG_INFO, "worker_start", LOG_TEXT("version", ELEKTRINE_VERSION));
	service_ready();
	loop_run(serving->loop);
	service_stopping();
	stop(arg);
	log_event(
	    LOG_INFO, "worker_stop", LOG_TEXT("version", ELEKTRINE_VERSION));
}

void serving_free(struct serving **serving)
{
	struct serving *gone = *serving;

	*serving = NULL;
	loop_signal_close(&gone->terminate);
	loop_signal_close(&gone->interrupt);
	loop_signal_close(&gone->hang_up);
	loop_free(&gone->loop);
	free(gone);
}

size_t serving_loops(void)
{
	cpu_set_t set;
	int count = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		count = CPU_COUNT(&set);
	return count > SERVING_LOOPS_MAX ? SERVING_LOOPS_MAX : (size_t)count;
}
