#include "deliver/crew.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/errors.h"
#include "deliver/figures.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct waiting {
	struct work *work;
	int64_t since_ms;
};

struct worker {
	struct crew *crew;
	pthread_t thread;
	void *tools; /* set before the crew is first used, under lock */
};

struct crew {
	struct craft craft;
	unsigned worker_count;
	size_t capacity;
	int wake_fd;
	struct worker *workers;

	pthread_mutex_t lock;
	pthread_cond_t has_work;
	pthread_cond_t has_tools;
	/* under lock: */
	bool closing;
	unsigned equipped; /* workers with tools */
	size_t busy;
	struct waiting *stock; /* a ring of `capacity` */
	size_t first, stocked, mark;
	struct outcome *finished; /* room for `capacity` */
	size_t finished_count;
};

static void wake(struct crew *crew)
{
	uint64_t one = 1;

	if (write(crew->wake_fd, &one, sizeof(one)) < 0) {
		/* It is full of wake-ups already. */
	}
}

static struct waiting *nth_of_stock(struct crew *crew, size_t n)
{
	return &crew->stock[(crew->first + n) % crew->capacity];
}

/* The oldest of the stock; the caller holds the lock. */
static struct work *take_from_stock(struct crew *crew)
{
	struct work *work = nth_of_stock(crew, 0)->work;

	crew->first = (crew->first + 1) % crew->capacity;
	crew->stocked--;
	return work;
}

/* Waits for work; NULL when there will be none. */
static struct work *next_work(struct crew *crew)
{
	struct work *work = NULL;
	bool low;

	(void)pthread_mutex_lock(&crew->lock);
	while (crew->stocked == 0 && !crew->closing)
		(void)pthread_cond_wait(&crew->has_work, &crew->lock);
	if (crew->stocked > 0) {
		work = take_from_stock(crew);
		crew->busy++;
	}
	low = work != NULL && crew->stocked == crew->mark;
	(void)pthread_mutex_unlock(&crew->lock);
	if (low)
		wake(crew);
	return work;
}

static void leave_outcome(struct crew *crew, const struct outcome *outcome)
{
	bool tell;

	(void)pthread_mutex_lock(&crew->lock);
	assert(crew->finished_count < crew->capacity);
	crew->finished[crew->finished_count++] = *outcome;
	crew->busy--;
	tell = crew->finished_count == 1 || crew->stocked == 0;
	(void)pthread_mutex_unlock(&crew->lock);
	if (tell)
		wake(crew);
}

static void equip(struct worker *worker)
{
	struct crew *crew = worker->crew;
	void *tools = crew->craft.tools_new(crew->craft.arg);

	(void)pthread_mutex_lock(&crew->lock);
	worker->tools = tools;
	crew->equipped++;
	(void)pthread_cond_signal(&crew->has_tools);
	(void)pthread_mutex_unlock(&crew->lock);
}

static void observe(const struct work *work, const struct outcome *outcome)
{
	static const char *const names[] = {
	    [OUTCOME_DELIVERED] = "delivered",
	    [OUTCOME_DEFERRED] = "deferred",
	    [OUTCOME_DEAD] = "dead",
	    [OUTCOME_RELEASED] = "released",
	};
	int64_t delay_ms = clock_wall_ms() - work->received_ms;

	metric_add(&figure_attempts, names[outcome->kind], 1);
	if (outcome->kind == OUTCOME_DELIVERED)
		metric_observe(&figure_delay, NULL,
		    delay_ms > 0 ? (uint64_t)delay_ms * 1000 : 0);
	else if (outcome->kind != OUTCOME_RELEASED)
		metric_add(&figure_failures, outcome->reason, 1);
}

static void *labour(void *arg)
{
	struct worker *worker = arg;
	struct crew *crew = worker->crew;
	struct outcome outcome;
	struct work *work;

	equip(worker);
	metric_move(&figure_workers, NULL, 1);
	while ((work = next_work(crew)) != NULL) {
		metric_move(&figure_workers_busy, NULL, 1);
		crew->craft.attempt(
		    crew->craft.arg, worker->tools, work, &outcome);
		metric_move(&figure_workers_busy, NULL, -1);
		observe(work, &outcome);
		spool_work_free(&work);
		leave_outcome(crew, &outcome);
	}
	metric_move(&figure_workers, NULL, -1);
	return NULL;
}

/* Signals are for the main thread. */
static void start_workers(struct crew *crew)
{
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < crew->worker_count; i++) {
		crew->workers[i].crew = crew;
		if (pthread_create(&crew->workers[i].thread, NULL, labour,
			&crew->workers[i]) != 0)
			fatal("no thread for a worker");
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_mutex_lock(&crew->lock);
	while (crew->equipped < crew->worker_count)
		(void)pthread_cond_wait(&crew->has_tools, &crew->lock);
	(void)pthread_mutex_unlock(&crew->lock);
}

struct crew *crew_new(
    const struct craft *craft, unsigned workers, size_t capacity)
{
	struct crew *crew = xcalloc(1, sizeof(*crew));

	assert(capacity >= workers);
	crew->craft = *craft;
	crew->worker_count = workers;
	crew->capacity = capacity;
	crew->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (crew->wake_fd < 0)
		fatal("no descriptor for the workers");
	crew->workers = xcalloc(workers, sizeof(*crew->workers));
	crew->stock = xcalloc(capacity, sizeof(*crew->stock));
	crew->finished = xcalloc(capacity, sizeof(*crew->finished));
	(void)pthread_mutex_init(&crew->lock, NULL);
	(void)pthread_cond_init(&crew->has_work, NULL);
	(void)pthread_cond_init(&crew->has_tools, NULL);
	start_workers(crew);
	return crew;
}

void crew_free(struct crew **crew)
{
	struct crew *leaving = *crew;

	if (leaving == NULL)
		return;
	(void)pthread_mutex_lock(&leaving->lock);
	assert(leaving->stocked == 0);
	leaving->closing = true;
	(void)pthread_cond_broadcast(&leaving->has_work);
	(void)pthread_mutex_unlock(&leaving->lock);
	for (unsigned i = 0; i < leaving->worker_count; i++) {
		(void)pthread_join(leaving->workers[i].thread, NULL);
		leaving->craft.tools_free(leaving->workers[i].tools);
	}
	(void)pthread_cond_destroy(&leaving->has_tools);
	(void)pthread_cond_destroy(&leaving->has_work);
	(void)pthread_mutex_destroy(&leaving->lock);
	(void)close(leaving->wake_fd);
	free(leaving->finished);
	free(leaving->stock);
	free(leaving->workers);
	free(leaving);
	*crew = NULL;
}

void crew_add(struct crew *crew, struct work **works, size_t count)
{
	int64_t now = clock_mono_ms();

	(void)pthread_mutex_lock(&crew->lock);
	for (size_t i = 0; i < count; i++) {
		assert(crew->stocked + crew->busy + crew->finished_count <
		       crew->capacity);
		*nth_of_stock(crew, crew->stocked) =
		    (struct waiting){.work = works[i], .since_ms = now};
		crew->stocked++;
		(void)pthread_cond_signal(&crew->has_work);
	}
	(void)pthread_mutex_unlock(&crew->lock);
}

size_t crew_outcomes(struct crew *crew, struct outcome *outcomes, size_t room)
{
	size_t count;

	(void)pthread_mutex_lock(&crew->lock);
	count = crew->finished_count < room ? crew->finished_count : room;
	memcpy(outcomes, crew->finished, count * sizeof(*outcomes));
	crew->finished_count -= count;
	memmove(crew->finished, crew->finished + count,
	    crew->finished_count * sizeof(*outcomes));
	(void)pthread_mutex_unlock(&crew->lock);
	return count;
}

size_t crew_take_back(struct crew *crew, struct outcome *outcomes, size_t room)
{
	struct work *work;
	size_t count = 0;

	(void)pthread_mutex_lock(&crew->lock);
	for (; crew->stocked > 0 && count < room; count++) {
		work = take_from_stock(crew);
		outcomes[count] = (struct outcome){
		    .id = work->id,
		    .recipient_number = work->recipient_number,
		    .claim = work->claim,
		    .kind = OUTCOME_RELEASED,
		    .blame = BLAME_MESSAGE,
		    .reason = "released",
		};
		spool_work_free(&work);
	}
	(void)pthread_mutex_unlock(&crew->lock);
	return count;
}

void crew_interrupt(struct crew *crew)
{
	for (unsigned i = 0; i < crew->worker_count; i++)
		crew->craft.interrupt(crew->workers[i].tools);
}

struct crew_state crew_look(struct crew *crew)
{
	struct crew_state state;
	int64_t now = clock_mono_ms();

	(void)pthread_mutex_lock(&crew->lock);
	state = (struct crew_state){
	    .stock = crew->stocked,
	    .busy = crew->busy,
	    .finished = crew->finished_count,
	};
	if (crew->stocked > 0)
		state.stock_ms = now - nth_of_stock(crew, 0)->since_ms;
	(void)pthread_mutex_unlock(&crew->lock);
	return state;
}

int crew_wake_fd(const struct crew *crew)
{
	return crew->wake_fd;
}

void crew_woken(struct crew *crew)
{
	uint64_t count;

	if (read(crew->wake_fd, &count, sizeof(count)) < 0) {
		/* Nothing was in it. */
	}
}

void crew_tell_below(struct crew *crew, size_t stock)
{
	(void)pthread_mutex_lock(&crew->lock);
	crew->mark = stock;
	(void)pthread_mutex_unlock(&crew->lock);
}
