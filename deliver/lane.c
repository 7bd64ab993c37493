#include "deliver/lane.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "bounds.h"

#include <stdlib.h>

/* Works in stock per worker, and altogether: enough for a turn of ten
 * milliseconds while attempts last one. */
#define STOCK_EACH 15
#define STOCK_MOST 512
/* An outcome waits no longer than this for others to be recorded with. */
#define GATHER_MS 5
/* Between two turns that only claim, so that a trickle of new mail does not
 * become a transaction each. */
#define TURN_GAP_MS 2
/* The stock should be begun within this time, */
#define STOCK_MS 100
/* and goes back after this one. */
#define STALE_MS 1000
/* Between two turns after one failed. */
#define RETRY_LEAST_MS 100
#define RETRY_MOST_MS 5000
/* What a lane that stops waits for the spool, after its workers ended. */
#define LAST_TURNS_MS 1500
#define STATS_MS 60000

struct lane_run {
	const char *name;
	struct agent *agent;
	struct crew *crew;
	size_t workers, capacity;

	struct outcome *outcomes; /* not yet recorded; room for capacity */
	size_t outcome_count;
	int64_t outcome_since; /* when the first of them came */
	struct work **works;   /* scratch of a turn */

	bool more;       /* the last turn filled all we asked for */
	bool woken;      /* something may be new since then */
	int64_t due_at;  /* when the next try falls due */
	int64_t turn_at; /* when the last turn was */
	bool blocked;    /* the destination's circuit, after it */
	double pace_ms;  /* what an attempt lasts, lately */

	int64_t retry_at; /* no turn before; 0 = the last one did not fail */
	int64_t retry_ms;

	bool stopping, interrupted, stopped;
	int64_t stop_at;

	uint64_t counts[4]; /* by outcome_kind, since the last worker_stats */
	int64_t stats_at;
};

static size_t most_stock(size_t workers)
{
	return workers * STOCK_EACH < STOCK_MOST ? workers * STOCK_EACH
						 : STOCK_MOST;
}

bool lane_open(struct spool *spool, enum lane lane, const char *name,
    const struct lane_policy *policy, const struct craft *craft,
    unsigned workers, struct lane_run **run, struct error *err)
{
	struct agent *agent;
	struct lane_run *made;

	*run = NULL;
	if (!spool_agent_open(spool, lane, policy, &agent, err))
		return false;
	made = xcalloc(1, sizeof(*made));
	made->name = name;
	made->agent = agent;
	made->workers = workers;
	made->capacity = workers + most_stock(workers);
	made->outcomes = xcalloc(made->capacity, sizeof(*made->outcomes));
	made->works = xcalloc(made->capacity, sizeof(struct work *));
	made->woken = true;
	made->pace_ms = STOCK_MS;
	made->stats_at = clock_mono_ms();
	made->crew = crew_new(craft, workers, made->capacity);
	*run = made;
	log_event(LOG_INFO, "worker_start", LOG_TEXT("lane", name),
	    LOG_NUMBER("workers", workers));
	return true;
}

void lane_close(struct lane_run **run)
{
	struct lane_run *leaving = *run;

	if (leaving == NULL)
		return;
	log_event(LOG_INFO, "worker_stop", LOG_TEXT("lane", leaving->name));
	crew_free(&leaving->crew);
	spool_agent_close(&leaving->agent);
	free(leaving->outcomes);
	free(leaving->works);
	free(leaving);
	*run = NULL;
}

void lane_set_policy(struct lane_run *run, const struct lane_policy *policy)
{
	spool_agent_set_policy(run->agent, policy);
	run->woken = true;
}

void lane_fds(const struct lane_run *run, struct pollfd fds[LANE_FDS])
{
	fds[0] = (struct pollfd){
	    .fd = spool_agent_wake_fd(run->agent), .events = POLLIN};
	fds[1] =
	    (struct pollfd){.fd = crew_wake_fd(run->crew), .events = POLLIN};
}

void lane_heard(struct lane_run *run, const struct pollfd fds[LANE_FDS])
{
	if (fds[0].revents != 0) {
		spool_agent_woken(run->agent);
		run->woken = true;
	}
	if (fds[1].revents != 0)
		crew_woken(run->crew);
}

void lane_wake(struct lane_run *run)
{
	run->woken = true;
}

static void count_in(struct lane_run *run, const struct outcome *outcome)
{
	run->counts[outcome->kind]++;
	if (outcome->kind != OUTCOME_RELEASED)
		run->pace_ms +=
		    ((double)outcome->duration_ms - run->pace_ms) / 16;
}

/* The crew's stock becomes outcomes to be recorded. */
static void take_stock_back(struct lane_run *run, int64_t now)
{
	size_t before = run->outcome_count;

	run->outcome_count +=
	    crew_take_back(run->crew, run->outcomes + run->outcome_count,
		run->capacity - run->outcome_count);
	if (before == 0)
		run->outcome_since = now;
}

/* Fetches what the workers finished. */
static void gather(struct lane_run *run, int64_t now)
{
	size_t before = run->outcome_count;
	bool hard = false;

	run->outcome_count +=
	    crew_outcomes(run->crew, run->outcomes + run->outcome_count,
		run->capacity - run->outcome_count);
	if (before == 0)
		run->outcome_since = now;
	for (size_t i = before; i < run->outcome_count; i++) {
		count_in(run, &run->outcomes[i]);
		hard = hard || (run->outcomes[i].kind == OUTCOME_DEFERRED &&
				   run->outcomes[i].blame == BLAME_HARD);
	}
	/* The next one would fare no better, and the spool will say so. */
	if (hard)
		take_stock_back(run, now);
}

/* How the crew stands, after a stock that went stale was taken back. */
static struct crew_state look(struct lane_run *run, int64_t now)
{
	struct crew_state state = crew_look(run->crew);

	if (state.stock == 0 || state.stock_ms < STALE_MS)
		return state;
	take_stock_back(run, now);
	run->pace_ms = STALE_MS;
	return crew_look(run->crew);
}

/* How large the stock should be when all workers are busy. */
static size_t full_stock(const struct lane_run *run)
{
	size_t most = run->capacity - run->workers;
	double fitting =
	    (double)run->workers * STOCK_MS / (run->pace_ms + 0.01);

	return fitting < (double)most ? (size_t)fitting : most;
}

/* How many works the crew could use now. */
static size_t wanted(const struct lane_run *run, const struct crew_state *state)
{
	size_t target = run->workers - state->busy + full_stock(run);
	size_t room =
	    run->capacity - state->busy - state->stock - state->finished;

	if (run->stopping || target <= state->stock)
		return 0;
	target -= state->stock;
	return target < room ? target : room;
}

/* In how many milliseconds works should be claimed: 0 now, -1 not until
 * something happens. */
static int64_t claim_in(const struct lane_run *run,
    const struct crew_state *state, size_t want, int64_t now)
{
	int64_t at = run->turn_at + TURN_GAP_MS;

	/* Enough in stock: the crew says when it runs low. */
	if (want == 0 || state->stock > full_stock(run) / 2)
		return -1;
	if (!run->more && !run->woken && at < run->due_at)
		at = run->due_at;
	return at > now ? at - now : 0;
}

/* The same for recording. */
static int64_t record_in(const struct lane_run *run, int64_t now)
{
	int64_t left = run->outcome_since + GATHER_MS - now;

	if (run->outcome_count == 0)
		return -1;
	if (run->stopping || run->outcome_count * 2 >= run->capacity)
		return 0;
	return left > 0 ? left : 0;
}

static void turn_failed(
    struct lane_run *run, const struct error *err, int64_t now)
{
	if (run->retry_at == 0) {
		log_event(LOG_ERROR, "outcomes_not_recorded",
		    LOG_TEXT("lane", run->name), LOG_TEXT("error", err->text));
		run->retry_ms = RETRY_LEAST_MS;
	}
	run->retry_at = now + run->retry_ms;
	run->retry_ms = run->retry_ms * 2 < RETRY_MOST_MS ? run->retry_ms * 2
							  : RETRY_MOST_MS;
	/* Nothing is posted whose outcome could not be written down. */
	take_stock_back(run, now);
}

static void turn_succeeded(
    struct lane_run *run, size_t want, size_t got, int64_t due_at)
{
	bool was_blocked = run->blocked;

	if (run->retry_at != 0)
		log_event(LOG_INFO, "outcomes_recorded_again",
		    LOG_TEXT("lane", run->name));
	run->retry_at = 0;
	run->outcome_count = 0;
	run->due_at = due_at;
	if (want > 0)
		run->more = got == want;
	/* What was claimed before the circuit opened is not to be tried; what
	 * came now is its probe. */
	run->blocked = spool_agent_blocked(run->agent, "");
	if (run->blocked && !was_blocked)
		take_stock_back(run, run->turn_at);
	crew_add(run->crew, run->works, got);
}

static void turn(struct lane_run *run, size_t want)
{
	bool was_woken = run->woken;
	int64_t wait_ms = 0, now;
	struct error err = {0};
	size_t got = 0;
	bool done;

	if (want > 0)
		run->woken = false;
	done = spool_turn(run->agent, run->outcomes, run->outcome_count,
	    run->works, want, &got, &wait_ms, &err);
	now = clock_mono_ms();
	run->turn_at = now;
	if (done) {
		turn_succeeded(run, want, got, now + wait_ms);
	} else {
		run->woken = run->woken || was_woken;
		turn_failed(run, &err, now);
	}
}

static void tell_stats(struct lane_run *run, int64_t now)
{
	uint64_t *counts = run->counts;

	if (now - run->stats_at < STATS_MS)
		return;
	if (counts[OUTCOME_DELIVERED] + counts[OUTCOME_DEFERRED] +
		counts[OUTCOME_DEAD] >
	    0)
		log_event(LOG_INFO, "worker_stats", LOG_TEXT("lane", run->name),
		    LOG_NUMBER("delivered", counts[OUTCOME_DELIVERED]),
		    LOG_NUMBER("deferred", counts[OUTCOME_DEFERRED]),
		    LOG_NUMBER("dead", counts[OUTCOME_DEAD]),
		    LOG_NUMBER("seconds", (now - run->stats_at) / 1000),
		    LOG_REAL("attempt_ms", run->pace_ms));
	run->stats_at = now;
	for (size_t i = 0; i < 4; i++)
		counts[i] = 0;
}

static int64_t sooner(int64_t a, int64_t b)
{
	if (a < 0)
		return b;
	return b < 0 || a < b ? a : b;
}

/* While it stops: interrupts what lasts too long, and knows the end. */
static int64_t watch_the_end(
    struct lane_run *run, const struct crew_state *state, int64_t now)
{
	bool over = now >= run->stop_at + LAST_TURNS_MS;

	if (!run->stopping)
		return -1;
	if (state->busy == 0 && state->finished == 0 &&
	    (run->outcome_count == 0 || over)) {
		run->stopped = true;
		return 0;
	}
	if (now < run->stop_at)
		return run->stop_at - now;
	if (!run->interrupted)
		crew_interrupt(run->crew);
	run->interrupted = true;
	return GATHER_MS;
}

/* After a failed turn: what could not be recorded comes before all else. */
static int64_t try_again(
    struct lane_run *run, const struct crew_state *state, int64_t now)
{
	if (now < run->retry_at)
		return run->retry_at - now;
	turn(run, run->outcome_count > 0 ? 0 : wanted(run, state));
	return 0;
}

int64_t lane_go_on(struct lane_run *run)
{
	struct crew_state state;
	int64_t now = clock_mono_ms(), claim, record, end;
	size_t want;

	gather(run, now);
	state = look(run, now);
	end = watch_the_end(run, &state, now);
	if (run->retry_at != 0)
		return run->stopped ? 0 : try_again(run, &state, now);
	want = wanted(run, &state);
	claim = claim_in(run, &state, want, now);
	record = record_in(run, now);
	crew_tell_below(run->crew, full_stock(run) / 2);
	if (claim == 0 || record == 0) {
		/* A turn for one of them does the other as well. */
		turn(run, want);
		return 0;
	}
	tell_stats(run, now);
	if (state.stock > 0)
		claim = sooner(claim, STALE_MS);
	return sooner(sooner(claim, record), end);
}

void lane_stop(struct lane_run *run)
{
	int64_t now = clock_mono_ms();

	if (run->stopping)
		return;
	run->stopping = true;
	run->stop_at = now + LIMIT_STOP_ATTEMPTS_MS;
	gather(run, now);
	take_stock_back(run, now);
}

bool lane_has_stopped(const struct lane_run *run)
{
	return run->stopped;
}
