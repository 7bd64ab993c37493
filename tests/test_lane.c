/* A lane on a real spool, with workers that do what the case wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spool_fixture.h"

#include "base/clock.h"
#include "base/os.h"
#include "deliver/lane.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define WORKERS 4
#define PATIENCE_MS 10000

/* What every attempt does, and how many there were. */
struct plan {
	_Atomic int kind, blame; /* of the outcome */
	atomic_bool blocking;    /* until it is interrupted or set free */
	atomic_int begun, ended;
	atomic_bool interrupted;
};

static void *tools_new(void *arg)
{
	return arg;
}

static void tools_free(void *tools)
{
	(void)tools;
}

static void interrupt(void *tools)
{
	struct plan *plan = tools;

	atomic_store(&plan->interrupted, true);
}

static void attempt(
    void *arg, void *tools, const struct work *work, struct outcome *outcome)
{
	struct plan *plan = arg;

	(void)tools;
	atomic_fetch_add(&plan->begun, 1);
	*outcome = (struct outcome){
	    .id = work->id,
	    .recipient_number = work->recipient_number,
	    .claim = work->claim,
	    .kind = (enum outcome_kind)atomic_load(&plan->kind),
	    .blame = (enum outcome_blame)atomic_load(&plan->blame),
	    .reason = "planned",
	};
	while (atomic_load(&plan->blocking)) {
		if (atomic_load(&plan->interrupted)) {
			outcome->kind = OUTCOME_RELEASED;
			break;
		}
		(void)usleep(1000);
	}
	atomic_fetch_add(&plan->ended, 1);
}

static struct lane_run *open_lane(struct spool *spool, struct plan *plan)
{
	struct craft craft = {
	    .tools_new = tools_new,
	    .tools_free = tools_free,
	    .attempt = attempt,
	    .interrupt = interrupt,
	    .arg = plan,
	};
	struct lane_run *run;
	struct error err = {0};

	if (!lane_open(spool, LANE_WEBHOOK, "test", &policy, &craft, WORKERS,
		&run, &err))
		fail_msg("%s", err.text);
	return run;
}

/* What the dispatcher does, once. */
static void step(struct lane_run *run)
{
	struct pollfd fds[LANE_FDS];
	int64_t wait = lane_go_on(run);

	lane_fds(run, fds);
	(void)poll(fds, LANE_FDS, wait < 0 || wait > 20 ? 20 : (int)wait);
	lane_heard(run, fds);
}

static void steps_for(struct lane_run *run, int64_t ms)
{
	int64_t end = clock_mono_ms() + ms;

	while (clock_mono_ms() < end)
		step(run);
}

static void steps_until(
    struct lane_run *run, const atomic_int *counter, int value)
{
	int64_t end = clock_mono_ms() + PATIENCE_MS;

	while (atomic_load(counter) != value) {
		if (clock_mono_ms() > end)
			fail_msg(
			    "%d instead of %d", atomic_load(counter), value);
		step(run);
	}
}

static void stop_and_close(struct lane_run **run)
{
	lane_stop(*run);
	while (!lane_has_stopped(*run))
		step(*run);
	lane_close(run);
}

static void put_many(
    struct spool *spool, size_t count, char (*ids)[ID_TEXT + 1])
{
	for (size_t i = 0; i < count; i++)
		put(spool, one, 1, ids[i]);
}

static void expect_states(struct spool *spool, char (*ids)[ID_TEXT + 1],
    size_t count, enum delivery_state state)
{
	for (size_t i = 0; i < count; i++)
		assert_int_equal(state_of(spool, ids[i], 0), state);
}

static void all_mail_is_tried_once_and_recorded(void **state)
{
	struct spool *spool = open_spool();
	struct plan plan = {.kind = OUTCOME_DELIVERED};
	struct lane_run *run = open_lane(spool, &plan);
	char ids[60][ID_TEXT + 1];

	(void)state;
	put_many(spool, 60, ids);
	steps_until(run, &plan.ended, 60);
	stop_and_close(&run);
	assert_int_equal(atomic_load(&plan.begun), 60);
	expect_files("queue/new", 0);
	spool_close(&spool);
}

static void a_hard_failure_sends_the_stock_back(void **state)
{
	struct spool *spool = open_spool();
	struct plan plan = {.kind = OUTCOME_DEFERRED, .blame = BLAME_HARD};
	struct lane_run *run;
	char ids[40][ID_TEXT + 1];

	(void)state;
	put_many(spool, 40, ids);
	run = open_lane(spool, &plan);
	steps_for(run, 300);
	/* One for each worker, and what they took before the first of them
	 * was heard; then only probes, a second apart. */
	assert_in_range(atomic_load(&plan.begun), 1, 3 * WORKERS);
	stop_and_close(&run);
	expect_files("queue/new", 40);
	expect_files("dead/new", 0);
	spool_close(&spool);
}

static void what_cannot_be_recorded_is_kept_and_tried_no_more(void **state)
{
	struct spool *spool = open_spool();
	struct plan plan = {.kind = OUTCOME_DELIVERED, .blocking = true};
	struct lane_run *run;
	char ids[30][ID_TEXT + 1];
	int begun;

	(void)state;
	put_many(spool, 30, ids);
	run = open_lane(spool, &plan);
	steps_until(run, &plan.begun, WORKERS);
	os_break_for_test(OS_WRITE, 1, ENOSPC, true);
	atomic_store(&plan.blocking, false);
	steps_for(run, 400);
	/* The workers may have emptied the stock before the first failure. */
	begun = atomic_load(&plan.begun);
	steps_for(run, 400);
	assert_int_equal(atomic_load(&plan.begun), begun);
	assert_true(begun < 30);
	os_break_for_test(OS_WRITE, 0, 0, false);
	steps_until(run, &plan.ended, 30);
	stop_and_close(&run);
	/* None of them twice. */
	assert_int_equal(atomic_load(&plan.begun), 30);
	expect_files("queue/new", 0);
	spool_close(&spool);
}

static void a_stock_that_waits_is_given_to_others(void **state)
{
	struct spool *spool = open_spool();
	struct plan plan = {.kind = OUTCOME_DELIVERED, .blocking = true};
	struct lane_run *run;
	struct agent *other;
	struct work *works[40];
	char ids[20][ID_TEXT + 1];
	size_t got;

	(void)state;
	put_many(spool, 20, ids);
	run = open_lane(spool, &plan);
	steps_until(run, &plan.begun, WORKERS);
	steps_for(run, 1300);
	other = open_agent(spool, &policy);
	got = turn(other, NULL, 0, works, 40);
	assert_int_equal(got, 20 - WORKERS);
	for (size_t i = 0; i < got; i++) {
		struct outcome outcome =
		    outcome_of(&works[i], OUTCOME_DELIVERED, BLAME_MESSAGE);

		(void)turn(other, &outcome, 1, NULL, 0);
	}
	atomic_store(&plan.blocking, false);
	stop_and_close(&run);
	assert_int_equal(atomic_load(&plan.begun), WORKERS);
	expect_files("queue/new", 0);
	spool_agent_close(&other);
	spool_close(&spool);
}

static void a_stop_waits_for_attempts_and_gives_the_rest_back(void **state)
{
	struct spool *spool = open_spool();
	struct plan plan = {.kind = OUTCOME_DELIVERED, .blocking = true};
	struct lane_run *run;
	char ids[20][ID_TEXT + 1];

	(void)state;
	put_many(spool, 20, ids);
	run = open_lane(spool, &plan);
	steps_until(run, &plan.begun, WORKERS);
	lane_stop(run);
	steps_for(run, 200);
	assert_false(lane_has_stopped(run));
	atomic_store(&plan.blocking, false);
	stop_and_close(&run);
	assert_false(atomic_load(&plan.interrupted));
	assert_int_equal(atomic_load(&plan.begun), WORKERS);
	expect_files("queue/new", 20 - WORKERS);
	spool_close(&spool);
}

static void a_stop_does_not_wait_for_ever(void **state)
{
	struct spool *spool = open_spool();
	struct plan plan = {.kind = OUTCOME_DELIVERED, .blocking = true};
	struct lane_run *run;
	char ids[10][ID_TEXT + 1];

	(void)state;
	put_many(spool, 10, ids);
	run = open_lane(spool, &plan);
	steps_until(run, &plan.begun, WORKERS);
	lane_stop(run);
	clock_set_for_test(clock_wall_ms(), clock_mono_ms() + 8000);
	stop_and_close(&run);
	clock_set_for_test(-1, -1);
	assert_true(atomic_load(&plan.interrupted));
	expect_files("queue/new", 10);
	expect_states(spool, ids, 10, STATE_QUEUED);
	spool_close(&spool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(all_mail_is_tried_once_and_recorded),
	    CASE(a_hard_failure_sends_the_stock_back),
	    CASE(what_cannot_be_recorded_is_kept_and_tried_no_more),
	    CASE(a_stock_that_waits_is_given_to_others),
	    CASE(a_stop_waits_for_attempts_and_gives_the_rest_back),
	    CASE(a_stop_does_not_wait_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
