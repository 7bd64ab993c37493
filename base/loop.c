#include "base/loop.h"

#include "base/alloc.h"
#include "base/errors.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct loop {
	struct event_base *base;
	int wake_fd;
	struct event *wake;
	/* Posted from other threads, the last one first. Whoever posts to the
	 * empty list writes to wake_fd; the others know that it was done. */
	struct loop_task *_Atomic posted;
	struct event *defer;
	struct loop_task *deferred, **deferred_end;
	atomic_bool stopped;
};

struct loop_watch {
	struct event *event;
	struct event_base *base;
	unsigned want;
	loop_watch_fn *call;
	void *arg;
};

struct loop_timer {
	struct event *event;
	loop_call_fn *call;
	void *arg;
};

struct loop_signal {
	struct event *event;
	loop_call_fn *call;
	void *arg;
};

static struct event *event_make(struct event_base *base, evutil_socket_t fd,
    short what, event_callback_fn call, void *arg)
{
	struct event *event = event_new(base, fd, what, call, arg);

	if (event == NULL)
		fatal("out of memory: an event wanted");
	return event;
}

static void event_want(struct event *event, const struct timeval *after)
{
	if (event_add(event, after) != 0)
		fatal("cannot wait for an event: %s", strerrordesc_np(errno));
}

/* --- calls ------------------------------------------------------------ */

static void run_tasks(struct loop_task *task)
{
	struct loop_task *next;

	for (; task != NULL; task = next) {
		next = task->next; /* the call may free its task */
		task->call(task->arg);
	}
}

static struct loop_task *reversed(struct loop_task *task)
{
	struct loop_task *before = NULL, *next;

	for (; task != NULL; task = next) {
		next = task->next;
		task->next = before;
		before = task;
	}
	return before;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct loop *loop = arg;
	uint64_t count;

	(void)what;
	/* Before the list is taken: a later post finds it empty and wakes. */
	if (read(fd, &count, sizeof(count)) < 0) {
		/* Woken twice for one; the list tells. */
	}
	run_tasks(reversed(atomic_exchange_explicit(
	    &loop->posted, NULL, memory_order_acquire)));
	if (atomic_load(&loop->stopped))
		(void)event_base_loopbreak(loop->base);
}

static void wake(struct loop *loop)
{
	uint64_t one = 1;

	if (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		fatal("cannot wake a loop: %s", strerrordesc_np(errno));
}

void loop_post(struct loop *loop, struct loop_task *task)
{
	struct loop_task *first =
	    atomic_load_explicit(&loop->posted, memory_order_relaxed);

	do
		task->next = first;
	while (!atomic_compare_exchange_weak_explicit(&loop->posted, &first,
	    task, memory_order_release, memory_order_relaxed));
	if (first == NULL)
		wake(loop);
}

static void on_defer(evutil_socket_t fd, short what, void *arg)
{
	struct loop *loop = arg;
	struct loop_task *first = loop->deferred;

	(void)fd;
	(void)what;
	loop->deferred = NULL;
	loop->deferred_end = &loop->deferred;
	run_tasks(first);
}

void loop_defer(struct loop *loop, struct loop_task *task)
{
	if (loop->deferred == NULL)
		event_active(loop->defer, EV_TIMEOUT, 0);
	task->next = NULL;
	*loop->deferred_end = task;
	loop->deferred_end = &task->next;
}

/* --- the loop --------------------------------------------------------- */

struct loop *loop_new(void)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));
	struct event_config *config = event_config_new();

	/* Other threads reach a loop by loop_post() alone: no locks. And no
	 * list of changes to make later: a descriptor is let go of before it
	 * is closed, and may at once be another thread's. */
	if (config == NULL ||
	    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) != 0)
		fatal("cannot configure libevent");
	loop->base = event_base_new_with_config(config);
	event_config_free(config);
	loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (loop->base == NULL || loop->wake_fd < 0)
		fatal("cannot make an event loop: %s", strerrordesc_np(errno));
	loop->wake = event_make(
	    loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
	event_want(loop->wake, NULL);
	loop->defer = event_make(loop->base, -1, 0, on_defer, loop);
	loop->deferred_end = &loop->deferred;
	return loop;
}

void loop_free(struct loop **loop)
{
	struct loop *gone = *loop;

	if (gone == NULL)
		return;
	*loop = NULL;
	event_free(gone->wake);
	event_free(gone->defer);
	event_base_free(gone->base);
	(void)close(gone->wake_fd);
	free(gone);
}

void loop_run(struct loop *loop)
{
	if (event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0)
		fatal("the event loop failed: %s", strerrordesc_np(errno));
}

void loop_stop(struct loop *loop)
{
	atomic_store(&loop->stopped, true);
	wake(loop);
}

/* --- descriptors ------------------------------------------------------ */

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct loop_watch *watch = arg;

	(void)fd;
	watch->call(watch->arg, ((what & EV_READ) != 0 ? LOOP_READ : 0) |
				    ((what & EV_WRITE) != 0 ? LOOP_WRITE : 0));
}

struct loop_watch *loop_watch_open(
    struct loop *loop, int fd, unsigned want, loop_watch_fn *call, void *arg)
{
	struct loop_watch *watch = xmalloc(sizeof(*watch));

	*watch =
	    (struct loop_watch){.base = loop->base, .call = call, .arg = arg};
	watch->event = event_make(loop->base, fd, 0, on_ready, watch);
	loop_watch_want(watch, want);
	return watch;
}

void loop_watch_want(struct loop_watch *watch, unsigned want)
{
	short what = EV_PERSIST;

	if (watch->want == want)
		return;
	if (watch->want != 0)
		(void)event_del(watch->event);
	watch->want = want;
	if (want == 0)
		return;
	if ((want & LOOP_READ) != 0)
		what |= EV_READ;
	if ((want & LOOP_WRITE) != 0)
		what |= EV_WRITE;
	if (event_assign(watch->event, watch->base, event_get_fd(watch->event),
		what, on_ready, watch) != 0)
		fatal("cannot change an event");
	event_want(watch->event, NULL);
}

void loop_watch_close(struct loop_watch **watch)
{
	if (*watch == NULL)
		return;
	event_free((*watch)->event);
	free(*watch);
	*watch = NULL;
}

/* --- timers and signals ----------------------------------------------- */

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *timer = arg;

	(void)fd;
	(void)what;
	timer->call(timer->arg);
}

struct loop_timer *loop_timer_new(
    struct loop *loop, loop_call_fn *call, void *arg)
{
	struct loop_timer *timer = xmalloc(sizeof(*timer));

	timer->call = call;
	timer->arg = arg;
	timer->event = event_make(loop->base, -1, 0, on_timer, timer);
	return timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t after_ms)
{
	struct timeval after = {
	    .tv_sec = after_ms / 1000, .tv_usec = after_ms % 1000 * 1000};

	assert(after_ms >= 0);
	event_want(timer->event, &after);
}

void loop_timer_free(struct loop_timer **timer)
{
	if (*timer == NULL)
		return;
	event_free((*timer)->event);
	free(*timer);
	*timer = NULL;
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct loop_signal *signal = arg;

	(void)number;
	(void)what;
	signal->call(signal->arg);
}

struct loop_signal *loop_signal_open(
    struct loop *loop, int number, loop_call_fn *call, void *arg)
{
	struct loop_signal *signal = xmalloc(sizeof(*signal));

	signal->call = call;
	signal->arg = arg;
	signal->event = event_make(
	    loop->base, number, EV_SIGNAL | EV_PERSIST, on_signal, signal);
	event_want(signal->event, NULL);
	return signal;
}

void loop_signal_close(struct loop_signal **signal)
{
	if (*signal == NULL)
		return;
	event_free((*signal)->event);
	free(*signal);
	*signal = NULL;
}
