#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "smtpd/limiter.h"

#include <string.h>

static struct ip ip_of(const char *text)
{
	struct ip ip;

	assert_true(ip_parse(text, strlen(text), &ip));
	return ip;
}

static int fixture_new(void **state)
{
	*state = limiter_new();
	return 0;
}

static int fixture_free(void **state)
{
	struct limiter *limiter = *state;

	limiter_free(&limiter);
	return limiter != NULL;
}

static void all_connections_together_have_a_limit(void **state)
{
	struct limiter_rules rules = {.connections = 2};
	struct ip one = ip_of("192.0.2.1"), home = ip_of("127.0.0.1");

	assert_int_equal(
	    limiter_admit(*state, &rules, &one, 0), ADMISSION_GRANTED);
	assert_int_equal(
	    limiter_admit(*state, &rules, &home, 0), ADMISSION_GRANTED);
	assert_int_equal(
	    limiter_admit(*state, &rules, &home, 0), ADMISSION_CROWDED);
	assert_int_equal(limiter_connections(*state), 2);
	limiter_leave(*state, &one);
	assert_int_equal(
	    limiter_admit(*state, &rules, &home, 0), ADMISSION_GRANTED);
}

static void an_address_has_a_limit_and_loopback_has_not(void **state)
{
	struct limiter_rules rules = {.per_address = 3};
	struct ip one = ip_of("192.0.2.1"), mapped = ip_of("::ffff:192.0.2.1");
	struct ip other = ip_of("192.0.2.2"), home = ip_of("127.0.0.1");
	struct ip home6 = ip_of("::1");

	for (int i = 0; i < 3; i++)
		assert_int_equal(
		    limiter_admit(*state, &rules, &one, 0), ADMISSION_GRANTED);
	assert_int_equal(
	    limiter_admit(*state, &rules, &mapped, 0), ADMISSION_TOO_MANY);
	assert_int_equal(limiter_connections(*state), 3);
	assert_int_equal(
	    limiter_admit(*state, &rules, &other, 0), ADMISSION_GRANTED);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(
		    limiter_admit(*state, &rules, &home, 0), ADMISSION_GRANTED);
		assert_int_equal(limiter_admit(*state, &rules, &home6, 0),
		    ADMISSION_GRANTED);
	}
	limiter_leave(*state, &mapped);
	assert_int_equal(
	    limiter_admit(*state, &rules, &one, 0), ADMISSION_GRANTED);
}

static void an_ipv6_client_is_its_64(void **state)
{
	struct limiter_rules rules = {.per_address = 1};
	struct ip one = ip_of("2001:db8::1"), same = ip_of("2001:db8::ffff:2");
	struct ip other = ip_of("2001:db8:0:1::1");

	assert_int_equal(
	    limiter_admit(*state, &rules, &one, 0), ADMISSION_GRANTED);
	assert_int_equal(
	    limiter_admit(*state, &rules, &same, 0), ADMISSION_TOO_MANY);
	assert_int_equal(
	    limiter_admit(*state, &rules, &other, 0), ADMISSION_GRANTED);
	limiter_leave(*state, &one);
	assert_int_equal(
	    limiter_admit(*state, &rules, &same, 0), ADMISSION_GRANTED);
}

/* How many of 100 that come at once are let in. */
static unsigned burst(
    struct limiter *limiter, const struct limiter_rules *rules, int64_t now_ms)
{
	struct ip one = ip_of("192.0.2.1");
	unsigned granted = 0;

	for (int i = 0; i < 100; i++) {
		if (limiter_admit(limiter, rules, &one, now_ms) !=
		    ADMISSION_GRANTED)
			continue;
		granted++;
		limiter_leave(limiter, &one);
	}
	return granted;
}

static void an_address_may_come_so_often_and_no_more(void **state)
{
	struct limiter_rules rules = {
	    .rate_per_address = {.count = 30, .per_ms = 60000}};

	assert_int_equal(burst(*state, &rules, 1000), 30);
	assert_int_equal(burst(*state, &rules, 60999), 0);
	/* Half a minute after the first minute, half of it still counts. */
	assert_int_equal(burst(*state, &rules, 91000), 15);
	assert_int_equal(burst(*state, &rules, 300000), 30);
}

static void a_sweep_keeps_what_still_counts(void **state)
{
	struct limiter_rules rules = {
	    .per_address = 1, .rate_per_address = {.count = 1, .per_ms = 1000}};
	struct ip one = ip_of("192.0.2.1"), two = ip_of("192.0.2.2");

	assert_int_equal(
	    limiter_admit(*state, &rules, &one, 1), ADMISSION_GRANTED);
	assert_int_equal(
	    limiter_admit(*state, &rules, &two, 1), ADMISSION_GRANTED);
	limiter_leave(*state, &two);
	limiter_sweep(*state, 500);
	assert_int_equal(
	    limiter_admit(*state, &rules, &two, 501), ADMISSION_TOO_FREQUENT);
	limiter_sweep(*state, 100000);
	assert_int_equal(
	    limiter_admit(*state, &rules, &one, 100000), ADMISSION_TOO_MANY);
	assert_int_equal(
	    limiter_admit(*state, &rules, &two, 100000), ADMISSION_GRANTED);
	limiter_leave(*state, &one);
	limiter_leave(*state, &two);
	assert_int_equal(limiter_connections(*state), 0);
}

#define MANY 280000u

/* How many of many addresses are let in, each for a moment. */
static unsigned visit(
    struct limiter *limiter, const struct limiter_rules *rules)
{
	struct ip each = ip_of("10.0.0.0");
	unsigned granted = 0;

	for (unsigned i = 0; i < MANY; i++) {
		each.bytes[13] = (uint8_t)(i >> 16);
		each.bytes[14] = (uint8_t)(i >> 8);
		each.bytes[15] = (uint8_t)i;
		if (limiter_admit(limiter, rules, &each, 1) !=
		    ADMISSION_GRANTED)
			continue;
		granted++;
		limiter_leave(limiter, &each);
	}
	return granted;
}

static void many_addresses_are_remembered_in_bounded_memory(void **state)
{
	struct limiter_rules rules = {
	    .per_address = 1, .rate_per_address = {.count = 1, .per_ms = 1000}};
	struct ip held = ip_of("203.0.113.1");
	unsigned again;

	assert_int_equal(
	    limiter_admit(*state, &rules, &held, 1), ADMISSION_GRANTED);
	assert_int_equal(visit(*state, &rules), MANY);
	/* Most are remembered and come too often; not all are. */
	again = visit(*state, &rules);
	assert_in_range(again, MANY / 100, MANY / 4);
	/* One that is connected is never forgotten. */
	assert_int_equal(
	    limiter_admit(*state, &rules, &held, 1), ADMISSION_TOO_MANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		all_connections_together_have_a_limit, fixture_new,
		fixture_free),
	    cmocka_unit_test_setup_teardown(
		an_address_has_a_limit_and_loopback_has_not, fixture_new,
		fixture_free),
	    cmocka_unit_test_setup_teardown(
		an_ipv6_client_is_its_64, fixture_new, fixture_free),
	    cmocka_unit_test_setup_teardown(
		an_address_may_come_so_often_and_no_more, fixture_new,
		fixture_free),
	    cmocka_unit_test_setup_teardown(
		a_sweep_keeps_what_still_counts, fixture_new, fixture_free),
	    cmocka_unit_test_setup_teardown(
		many_addresses_are_remembered_in_bounded_memory, fixture_new,
		fixture_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
