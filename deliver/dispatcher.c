#include "deliver/dispatcher.h"

#include "base/alloc.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/program.h"
#include "base/service.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* No lane sleeps longer: the poll that makes wake-ups optional. */
#define POLL_MS 1000

struct dispatcher {
	int signal_fd, wake_fd;
};

struct dispatcher *dispatcher_new(void)
{
	struct dispatcher *dispatcher = xcalloc(1, sizeof(*dispatcher));
	sigset_t ours;

	(void)sigemptyset(&ours);
	(void)sigaddset(&ours, SIGTERM);
	(void)sigaddset(&ours, SIGINT);
	(void)sigaddset(&ours, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &ours, NULL);
	dispatcher->signal_fd = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
	dispatcher->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (dispatcher->signal_fd < 0 || dispatcher->wake_fd < 0)
		fatal("no descriptors for the scheduler");
	return dispatcher;
}

void dispatcher_free(struct dispatcher **dispatcher)
{
	if (*dispatcher == NULL)
		return;
	(void)close((*dispatcher)->signal_fd);
	(void)close((*dispatcher)->wake_fd);
	free(*dispatcher);
	*dispatcher = NULL;
}

void dispatcher_wake(struct dispatcher *dispatcher)
{
	uint64_t one = 1;

	if (write(dispatcher->wake_fd, &one, sizeof(one)) < 0) {
		/* It is full of wake-ups already. */
	}
}

/* The next signal that came, or 0. */
static int next_signal(struct dispatcher *dispatcher)
{
	struct signalfd_siginfo info;

	if (read(dispatcher->signal_fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	return (int)info.ssi_signo;
}

static bool was_woken(struct dispatcher *dispatcher)
{
	uint64_t count;

	return read(dispatcher->wake_fd, &count, sizeof(count)) ==
	       sizeof(count);
}

/* Waits and passes on what was heard. */
static void listen_for(struct dispatcher *dispatcher, struct lane_run **lanes,
    size_t count, int64_t timeout_ms)
{
	struct pollfd fds[2 + DISPATCHER_LANES * LANE_FDS] = {
	    {.fd = dispatcher->signal_fd, .events = POLLIN},
	    {.fd = dispatcher->wake_fd, .events = POLLIN},
	};

	for (size_t i = 0; i < count; i++)
		lane_fds(lanes[i], fds + 2 + i * LANE_FDS);
	if (poll(fds, 2 + count * LANE_FDS, (int)timeout_ms) < 0 &&
	    errno != EINTR)
		fatal("the scheduler cannot wait");
	for (size_t i = 0; i < count; i++)
		lane_heard(lanes[i], fds + 2 + i * LANE_FDS);
	if (fds[1].revents != 0 && was_woken(dispatcher)) {
		for (size_t i = 0; i < count; i++)
			lane_wake(lanes[i]);
	}
}

/* Lets every lane go on, and says how long all of them can wait. */
static int64_t go_on(struct lane_run **lanes, size_t count, bool *all_stopped)
{
	int64_t soonest = POLL_MS, wait;

	*all_stopped = true;
	for (size_t i = 0; i < count; i++) {
		wait = lane_go_on(lanes[i]);
		if (wait >= 0 && wait < soonest)
			soonest = wait;
		*all_stopped = *all_stopped && lane_has_stopped(lanes[i]);
	}
	return soonest;
}

static void stop(struct lane_run **lanes, size_t count, int number)
{
	log_event(LOG_INFO, "stopping",
	    LOG_TEXT("signal", program_signal_name(number)));
	service_stopping();
	for (size_t i = 0; i < count; i++)
		lane_stop(lanes[i]);
}

void dispatcher_run(struct dispatcher *dispatcher, struct lane_run **lanes,
    size_t count, void (*reload)(void *arg), void *arg)
{
	bool stopping = false, all_stopped = false;
	int64_t wait_ms;
	int number;

	assert(count <= DISPATCHER_LANES);
	while (!stopping || !all_stopped) {
		wait_ms = go_on(lanes, count, &all_stopped);
		listen_for(dispatcher, lanes, count, wait_ms);
		while ((number = next_signal(dispatcher)) != 0) {
			if (number == SIGHUP) {
				reload(arg);
			} else if (!stopping) {
				stopping = true;
				stop(lanes, count, number);
			}
		}
	}
}
