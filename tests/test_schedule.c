/* When to try again, and when to try no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spool/schedule.h"

static const struct lane_policy policy = {.retry_base_ms = 1000,
    .retry_cap_ms = 900000,
    .max_retries = -1,
    .max_age_ms = 432000000};

/* What `random` makes of a wait: the least, the middle, the most. */
#define LEAST 0
#define MIDDLE 500
#define MOST 1000

static void waits_double_up_to_the_cap(void **state)
{
	(void)state;
	for (uint32_t attempts = 1; attempts <= 10; attempts++)
		assert_int_equal(schedule_wait(&policy, attempts, 0, MIDDLE),
		    INT64_C(1000) << (attempts - 1));
	assert_int_equal(schedule_wait(&policy, 11, 0, MIDDLE), 900000);
	assert_int_equal(schedule_wait(&policy, 4000000000, 0, MIDDLE), 900000);
}

static void waits_are_spread_and_never_pass_the_cap(void **state)
{
	int64_t wait;

	(void)state;
	assert_int_equal(schedule_wait(&policy, 3, 0, LEAST), 3000);
	assert_int_equal(schedule_wait(&policy, 3, 0, MOST), 5000);
	for (uint32_t random = 0; random < 5000; random++) {
		wait = schedule_wait(&policy, 3, 0, random * 7919);
		assert_in_range(wait, 3000, 5000);
	}
	assert_int_equal(schedule_wait(&policy, 20, 0, LEAST), 675000);
	assert_int_equal(schedule_wait(&policy, 20, 0, MOST), 900000);
}

static void retry_after_is_obeyed_up_to_the_cap(void **state)
{
	(void)state;
	assert_int_equal(schedule_wait(&policy, 1, 60000, MOST), 60000);
	/* It never shortens a wait. */
	assert_int_equal(schedule_wait(&policy, 5, 1, MIDDLE), 16000);
	assert_int_equal(schedule_wait(&policy, 1, 86400000, LEAST), 900000);
}

static void age_grows_by_waits_and_not_by_clocks(void **state)
{
	struct delivery_row row = {
	    .aged_at_ms = 1000000, .planned_wait_ms = 5000};

	(void)state;
	/* The first try: only what was planned. */
	schedule_age(&policy, &row, 1000000 + 3000);
	assert_int_equal(row.age_ms, 3000);
	schedule_age(&policy, &row, 1003000 + 86400000);
	assert_int_equal(row.age_ms, 3000 + 5000);
	/* Later ones may have waited behind a circuit. */
	row.tries = 1;
	schedule_age(&policy, &row, row.aged_at_ms + INT64_C(31536000000));
	assert_int_equal(row.age_ms, 8000 + 900000);
	/* A clock that goes back. */
	schedule_age(&policy, &row, 5);
	assert_int_equal(row.age_ms, 8000 + 900000);
	assert_int_equal(row.aged_at_ms, 5);
}

static void it_is_given_up_by_retries_or_by_age(void **state)
{
	struct lane_policy retries = policy;
	struct delivery_row row = {.attempts = 4};

	(void)state;
	retries.max_retries = 3;
	assert_true(schedule_gives_up(&retries, &row));
	row.attempts = 3;
	assert_false(schedule_gives_up(&retries, &row));
	retries.max_retries = 0;
	row.attempts = 1;
	assert_true(schedule_gives_up(&retries, &row));
	row.attempts = 4000000000;
	row.age_ms = policy.max_age_ms - 1;
	assert_false(schedule_gives_up(&policy, &row));
	row.age_ms++;
	assert_true(schedule_gives_up(&policy, &row));
}

static void what_another_clock_set_is_due(void **state)
{
	(void)state;
	assert_true(schedule_is_due(&policy, 5000, 5000));
	assert_false(schedule_is_due(&policy, 5001, 5000));
	assert_false(schedule_is_due(&policy, 5000 + 900000, 5000));
	assert_true(schedule_is_due(&policy, 5000 + 902000, 5000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(waits_double_up_to_the_cap),
	    cmocka_unit_test(waits_are_spread_and_never_pass_the_cap),
	    cmocka_unit_test(retry_after_is_obeyed_up_to_the_cap),
	    cmocka_unit_test(age_grows_by_waits_and_not_by_clocks),
	    cmocka_unit_test(it_is_given_up_by_retries_or_by_age),
	    cmocka_unit_test(what_another_clock_set_is_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
