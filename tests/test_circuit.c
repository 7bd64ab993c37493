/* When a destination is left alone, and how it is probed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spool/circuit.h"

static const struct lane_policy policy = {.retry_base_ms = 1000,
    .retry_cap_ms = 8000,
    .max_retries = -1,
    .per_minute = 900};

#define NOW 1000000

static bool failed(struct destination_row *row, enum outcome_blame blame,
    uint64_t message, uint64_t claim)
{
	return circuit_failed(
	    row, &policy, blame, message, claim, "http_503", NOW);
}

static void five_failures_of_three_messages_open_it(void **state)
{
	static const uint64_t messages[] = {1, 1, 2, 2, 3};
	struct destination_row row = {0};

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_false(failed(&row, BLAME_DESTINATION, messages[i], 9));
	assert_false(circuit_is_open(&row));
	assert_true(failed(&row, BLAME_DESTINATION, messages[4], 9));
	assert_true(circuit_is_open(&row));
	assert_string_equal(row.reason, "http_503");
	/* It opens once. */
	assert_false(failed(&row, BLAME_DESTINATION, 4, 9));
}

static void failures_of_two_messages_do_not(void **state)
{
	struct destination_row row = {0};

	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		assert_false(failed(&row, BLAME_DESTINATION, i % 2, 9));
	assert_false(circuit_is_open(&row));
	/* The third one is enough then. */
	assert_true(failed(&row, BLAME_DESTINATION, 2, 9));
}

static void an_answer_of_its_own_begins_the_count_again(void **state)
{
	struct destination_row row = {0};

	(void)state;
	for (uint64_t i = 0; i < 4; i++)
		assert_false(failed(&row, BLAME_DESTINATION, i, 9));
	assert_false(circuit_succeeded(&row));
	for (uint64_t i = 0; i < 4; i++)
		assert_false(failed(&row, BLAME_DESTINATION, i, 9));
	assert_true(failed(&row, BLAME_DESTINATION, 4, 9));
	assert_true(circuit_succeeded(&row));
	assert_false(circuit_is_open(&row));
	assert_string_equal(row.reason, "");
}

static void a_messages_own_fault_and_a_slow_answer_count_nothing(void **state)
{
	struct destination_row row = {0};

	(void)state;
	for (uint64_t i = 0; i < 20; i++) {
		assert_false(failed(&row, BLAME_MESSAGE, i, 9));
		assert_false(failed(&row, BLAME_SLOW, i, 9));
	}
	assert_int_equal(row.failures, 0);
}

static void a_hard_failure_opens_it_at_once(void **state)
{
	struct destination_row row = {0};

	(void)state;
	assert_true(failed(&row, BLAME_HARD, 1, 9));
	assert_true(circuit_is_open(&row));
}

static void probes_go_one_by_one_and_wait_longer_each_time(void **state)
{
	static const int64_t waits[] = {2000, 4000, 8000, 8000};
	struct destination_row row = {0};
	int64_t now = NOW;

	(void)state;
	assert_true(failed(&row, BLAME_HARD, 1, 9));
	assert_false(circuit_may_probe(&row, &policy, now + 999));
	now += 1000;
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		assert_true(circuit_may_probe(&row, &policy, now));
		circuit_probe(&row, 70 + i, now, 5000);
		assert_false(circuit_may_probe(&row, &policy, now + 4999));
		/* Others that were under way say nothing new. */
		assert_false(circuit_failed(
		    &row, &policy, BLAME_DESTINATION, 2, 9, "time_out", now));
		assert_int_equal(row.probe_claim, 70 + i);
		assert_false(circuit_failed(&row, &policy, BLAME_DESTINATION, 2,
		    70 + i, "time_out", now));
		assert_false(
		    circuit_may_probe(&row, &policy, now + waits[i] - 1));
		now += waits[i];
	}
}

static void a_lost_probe_is_followed_at_once(void **state)
{
	struct destination_row row = {0};

	(void)state;
	assert_true(failed(&row, BLAME_HARD, 1, 9));
	circuit_probe(&row, 70, NOW + 1000, 5000);
	circuit_probe_lost(&row, 71, NOW + 1500);
	assert_false(circuit_may_probe(&row, &policy, NOW + 1500));
	circuit_probe_lost(&row, 70, NOW + 1500);
	assert_true(circuit_may_probe(&row, &policy, NOW + 1500));
}

/* 1,000 a minute is where the application begins to refuse. */
static void no_minute_has_more_than_the_budget_and_its_burst(void **state)
{
	struct destination_row row = {0};
	int64_t begun[4000];
	size_t count = 0;

	(void)state;
	for (int64_t ms = NOW; ms < NOW + 180000; ms++)
		while (budget_take(&row, &policy, ms) == 0)
			begun[count++] = ms;
	assert_in_range(count, 2700, 2791);
	for (size_t i = 0; i + 991 < count; i++)
		assert_true(begun[i + 991] - begun[i] >= 60000);
}

static void what_was_not_tried_goes_back(void **state)
{
	struct destination_row row = {0};

	(void)state;
	while (budget_take(&row, &policy, NOW) == 0)
		;
	assert_int_equal(budget_take(&row, &policy, NOW), 67);
	budget_return(&row, &policy);
	assert_int_equal(budget_take(&row, &policy, NOW), 0);
	assert_int_not_equal(budget_take(&row, &policy, NOW), 0);
}

static void a_pause_holds_with_and_without_a_budget(void **state)
{
	struct lane_policy unlimited = policy;
	struct destination_row row = {0};

	(void)state;
	unlimited.per_minute = 0;
	for (int i = 0; i < 5000; i++)
		assert_int_equal(budget_take(&row, &unlimited, NOW), 0);
	budget_pause(&row, NOW, 30000);
	assert_int_equal(budget_take(&row, &unlimited, NOW), 30000);
	assert_int_equal(budget_take(&row, &unlimited, NOW + 29999), 1);
	assert_int_equal(budget_take(&row, &unlimited, NOW + 30000), 0);
	budget_pause(&row, NOW, 30000);
	assert_int_equal(budget_take(&row, &policy, NOW), 30000);
	/* A shorter one does not end it. */
	budget_pause(&row, NOW, 10);
	assert_int_equal(budget_take(&row, &policy, NOW), 30000);
	/* Nor does one that a boot before set last for ever. */
	assert_int_equal(budget_take(&row, &policy, NOW - 3600000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(five_failures_of_three_messages_open_it),
	    cmocka_unit_test(failures_of_two_messages_do_not),
	    cmocka_unit_test(an_answer_of_its_own_begins_the_count_again),
	    cmocka_unit_test(
		a_messages_own_fault_and_a_slow_answer_count_nothing),
	    cmocka_unit_test(a_hard_failure_opens_it_at_once),
	    cmocka_unit_test(probes_go_one_by_one_and_wait_longer_each_time),
	    cmocka_unit_test(a_lost_probe_is_followed_at_once),
	    cmocka_unit_test(no_minute_has_more_than_the_budget_and_its_burst),
	    cmocka_unit_test(what_was_not_tried_goes_back),
	    cmocka_unit_test(a_pause_holds_with_and_without_a_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
