/* What becomes of a message: claims, outcomes, retries, circuits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/os.h"
#include "spool/internal.h"
#include "spool/message.h"
#include "spool_fixture.h"

#include <errno.h>
#include <string.h>

static void delivered_mail_leaves_nothing_but_its_story(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	char id[ID_TEXT + 1];
	struct work *works[4];
	struct outcome done;

	(void)state;
	put(spool, one, 1, id);
	expect_files("queue/new", 1);
	assert_int_equal(turn(agent, NULL, 0, works, 4), 1);
	assert_string_equal(works[0]->id_text, id);
	assert_string_equal(works[0]->recipient, "User@example.com");
	assert_int_equal(works[0]->attempt, 1);
	/* Claimed is claimed. */
	assert_int_equal(turn(agent, NULL, 0, works + 1, 3), 0);
	done = outcome_of(&works[0], OUTCOME_DELIVERED, BLAME_MESSAGE);
	assert_int_equal(turn(agent, &done, 1, works, 4), 0);
	expect_files("queue/new", 0);
	assert_int_equal(state_of(spool, id, 0), STATE_COUNT);
	expect_files("history", 1);
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void each_recipient_ends_for_itself(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	struct message *message;
	char text[ID_TEXT + 1];
	struct work *works[4];
	struct outcome ends[3];
	struct error err;
	struct id id;

	(void)state;
	put(spool, three, 3, text);
	assert_int_equal(turn(agent, NULL, 0, works, 4), 3);
	ends[0] = outcome_of(&works[0], OUTCOME_DELIVERED, BLAME_MESSAGE);
	ends[1] = outcome_of(&works[1], OUTCOME_DEAD, BLAME_MESSAGE);
	ends[2] = outcome_of(&works[2], OUTCOME_DEFERRED, BLAME_MESSAGE);
	assert_int_equal(turn(agent, ends, 3, works, 4), 0);
	expect_files("queue/new", 1);
	expect_files("dead/new", 1);
	assert_int_equal(state_of(spool, text, 0), STATE_DELIVERED);
	assert_int_equal(state_of(spool, text, 1), STATE_DEAD);
	assert_int_equal(state_of(spool, text, 2), STATE_DEFERRED);
	id = id_of(text);
	assert_true(spool_message_open(spool, &id, &message, &err));
	assert_string_equal(message_status(message), "DXQ");
	spool_message_close(&message);
	/* The last live one ends: the file is a dead letter only. */
	clock_set_for_test(clock_wall_ms() + 2000, clock_mono_ms() + 2000);
	assert_int_equal(turn(agent, NULL, 0, works, 4), 1);
	assert_int_equal(works[0]->attempt, 2);
	ends[0] = outcome_of(&works[0], OUTCOME_DELIVERED, BLAME_MESSAGE);
	assert_int_equal(turn(agent, ends, 1, works, 4), 0);
	expect_files("queue/new", 0);
	expect_files("dead/new", 1);
	clock_set_for_test(-1, -1);
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void only_delivered_counts_of_a_superseded_claim(void **state)
{
	struct spool *spool = open_spool();
	struct agent *first = open_agent(spool, &policy), *second;
	struct outcome late, again;
	struct work *works[2];
	char id[ID_TEXT + 1];

	(void)state;
	second = open_agent(spool, &policy);
	put(spool, one, 1, id);
	assert_int_equal(turn(first, NULL, 0, works, 1), 1);
	late = outcome_of(&works[0], OUTCOME_DEAD, BLAME_MESSAGE);
	/* The first agent hangs beyond the limit: the second takes over. */
	clock_set_for_test(clock_wall_ms(), clock_mono_ms() + 61000);
	assert_int_equal(turn(second, NULL, 0, works, 1), 1);
	assert_int_equal(works[0]->attempt, 2);
	assert_int_equal(turn(first, &late, 1, works + 1, 0), 0);
	assert_int_equal(state_of(spool, id, 0), STATE_CLAIMED);
	late.kind = OUTCOME_DELIVERED;
	assert_int_equal(turn(first, &late, 1, works + 1, 0), 0);
	assert_int_equal(state_of(spool, id, 0), STATE_COUNT);
	/* And the second's own answer finds nothing left to do. */
	again = outcome_of(&works[0], OUTCOME_DEFERRED, BLAME_MESSAGE);
	assert_int_equal(turn(second, &again, 1, works, 1), 0);
	assert_int_equal(state_of(spool, id, 0), STATE_COUNT);
	clock_set_for_test(-1, -1);
	spool_agent_close(&first);
	spool_agent_close(&second);
	spool_close(&spool);
}

static void a_hard_failure_opens_the_circuit_and_probes_rotate(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	int64_t wall = clock_wall_ms(), mono = clock_mono_ms();
	char ids[4][ID_TEXT + 1], probed[3][ID_TEXT + 1];
	struct work *works[4];
	struct outcome out;

	(void)state;
	clock_set_for_test(wall, mono);
	for (int i = 0; i < 4; i++)
		put(spool, one, 1, ids[i]);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	out = outcome_of(&works[0], OUTCOME_DEFERRED, BLAME_HARD);
	assert_int_equal(turn(agent, &out, 1, works, 4), 0);
	assert_true(spool_agent_blocked(agent, ""));
	for (int i = 0; i < 3; i++) {
		wall += 10000;
		clock_set_for_test(wall, mono);
		assert_int_equal(turn(agent, NULL, 0, works, 4), 1);
		assert_int_equal(turn(agent, NULL, 0, works + 1, 3), 0);
		memcpy(probed[i], works[0]->id_text, ID_TEXT + 1);
		out = outcome_of(&works[0], OUTCOME_DEFERRED, BLAME_HARD);
		assert_int_equal(turn(agent, &out, 1, works, 0), 0);
	}
	assert_string_not_equal(probed[0], probed[1]);
	assert_string_not_equal(probed[1], probed[2]);
	assert_string_not_equal(probed[0], probed[2]);
	wall += 60000;
	clock_set_for_test(wall, mono);
	assert_int_equal(turn(agent, NULL, 0, works, 4), 1);
	out = outcome_of(&works[0], OUTCOME_DELIVERED, BLAME_MESSAGE);
	assert_int_equal(turn(agent, &out, 1, works, 4), 3);
	assert_false(spool_agent_blocked(agent, ""));
	for (int i = 0; i < 3; i++)
		spool_work_free(&works[i]);
	clock_set_for_test(-1, -1);
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void a_released_claim_is_no_attempt(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	struct work *works[1];
	struct outcome out;
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, one, 1, id);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	out = outcome_of(&works[0], OUTCOME_RELEASED, BLAME_MESSAGE);
	assert_int_equal(turn(agent, &out, 1, works, 1), 1);
	assert_int_equal(works[0]->attempt, 1);
	spool_work_free(&works[0]);
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void retries_exhausted_make_a_dead_letter(void **state)
{
	struct spool *spool = open_spool();
	struct lane_policy few = policy;
	struct agent *agent;
	struct work *works[1];
	struct outcome out;
	char id[ID_TEXT + 1];
	int64_t wall;

	(void)state;
	few.max_retries = 2;
	agent = open_agent(spool, &few);
	put(spool, one, 1, id);
	wall = clock_wall_ms(); /* not before: it would not be due yet */
	for (unsigned i = 1; i <= 3; i++) {
		clock_set_for_test(wall, 1000);
		assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
		assert_int_equal(works[0]->attempt, i);
		out = outcome_of(&works[0], OUTCOME_DEFERRED, BLAME_MESSAGE);
		assert_int_equal(turn(agent, &out, 1, works, 0), 0);
		wall += 20000;
	}
	assert_int_equal(state_of(spool, id, 0), STATE_DEAD);
	expect_files("dead/new", 1);
	expect_files("queue/new", 0);
	clock_set_for_test(-1, -1);
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void a_jump_of_the_clock_ages_nothing_and_delays_little(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	int64_t wall = clock_wall_ms();
	struct work *works[1];
	struct outcome out;
	char id[ID_TEXT + 1];

	(void)state;
	clock_set_for_test(wall, 1000);
	put(spool, one, 1, id);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	out = outcome_of(&works[0], OUTCOME_DEFERRED, BLAME_MESSAGE);
	assert_int_equal(turn(agent, &out, 1, works, 0), 0);
	/* A year ahead: due, but not given up. */
	clock_set_for_test(wall + 365 * 86400000LL, 1000);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	out = outcome_of(&works[0], OUTCOME_DEFERRED, BLAME_MESSAGE);
	assert_int_equal(turn(agent, &out, 1, works, 0), 0);
	assert_int_equal(state_of(spool, id, 0), STATE_DEFERRED);
	/* And back: due at once instead of in a year. */
	clock_set_for_test(wall, 1000);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	spool_work_free(&works[0]);
	clock_set_for_test(-1, -1);
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void the_budget_bounds_every_minute(void **state)
{
	struct spool *spool = open_spool();
	struct lane_policy slow = policy;
	struct agent *agent;
	struct work *works[100];
	size_t sent = 0;
	char id[ID_TEXT + 1];
	int64_t wall = clock_wall_ms();

	(void)state;
	slow.per_minute = 60;
	agent = open_agent(spool, &slow);
	for (int i = 0; i < 100; i++)
		put(spool, one, 1, id);
	for (int second = 0; second < 60; second++) {
		clock_set_for_test(wall + second * 1000, 5000 + second * 1000);
		size_t got = turn(agent, NULL, 0, works, 100);

		for (size_t i = 0; i < got; i++)
			spool_work_free(&works[i]);
		sent += got;
	}
	assert_in_range(sent, 60, 67);
	clock_set_for_test(-1, -1);
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void outcomes_wait_while_they_cannot_be_recorded(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	struct work *works[1], *none[1];
	struct error err = {0};
	struct outcome out;
	char id[ID_TEXT + 1];
	int64_t wait;
	size_t got;

	(void)state;
	put(spool, one, 1, id);
	put(spool, one, 1, id);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	out = outcome_of(&works[0], OUTCOME_DELIVERED, BLAME_MESSAGE);
	os_break_for_test(OS_WRITE, 1, ENOSPC, true);
	assert_false(spool_turn(agent, &out, 1, none, 1, &got, &wait, &err));
	assert_int_equal(err.kind, ERROR_FULL);
	assert_int_equal(got, 0);
	expect_files("queue/new", 2);
	os_break_for_test(OS_WRITE, 0, 0, false);
	assert_int_equal(turn(agent, &out, 1, none, 1), 1);
	expect_files("queue/new", 1);
	spool_work_free(&none[0]);
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void recovery_finishes_what_was_doomed_and_forgets_it(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	struct index_txn *txn;
	struct work *works[1];
	struct outcome done;
	struct error err;
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, one, 1, id);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	done = outcome_of(&works[0], OUTCOME_DELIVERED, BLAME_MESSAGE);
	assert_int_equal(turn(agent, &done, 1, works, 0), 0);
	/* The agent leaves before its row is settled: as if it had died. */
	spool_agent_close(&agent);
	spool_close(&spool);
	spool = open_spool();
	assert_true(spool_read_begin(spool, &txn, &err));
	assert_int_equal(index_count(txn, TABLE_DOOMED), 0);
	spool_txn_abort(spool, &txn);
	expect_files("queue/new", 0);
	spool_close(&spool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(delivered_mail_leaves_nothing_but_its_story),
	    CASE(each_recipient_ends_for_itself),
	    CASE(only_delivered_counts_of_a_superseded_claim),
	    CASE(a_hard_failure_opens_the_circuit_and_probes_rotate),
	    CASE(a_released_claim_is_no_attempt),
	    CASE(retries_exhausted_make_a_dead_letter),
	    CASE(a_jump_of_the_clock_ages_nothing_and_delays_little),
	    CASE(the_budget_bounds_every_minute),
	    CASE(outcomes_wait_while_they_cannot_be_recorded),
	    CASE(recovery_finishes_what_was_doomed_and_forgets_it),
	};

	log_to_fd(2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
