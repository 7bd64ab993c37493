/* Who asks, and how often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "httpapi/access.h"
#include "httpapi/throttle.h"

#include <stdio.h>
#include <string.h>

static struct ip ip_of(const char *text)
{
	struct ip ip;

	assert_true(ip_parse(text, strlen(text), &ip));
	return ip;
}

static void the_list_is_walked_from_the_right(void **state)
{
	static const struct {
		const char *nearest, *forwarded, *client;
	} cases[] = {
	    /* Nobody else's word counts. */
	    {"192.0.2.1", "198.51.100.1", "192.0.2.1"},
	    {"10.0.0.1", NULL, "10.0.0.1"},
	    {"10.0.0.1", "", "10.0.0.1"},
	    {"10.0.0.1", "198.51.100.1", "198.51.100.1"},
	    {"10.0.0.1", " 198.51.100.1 ", "198.51.100.1"},
	    {"10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"},
	    {"10.0.0.1", "1.1.1.1, 198.51.100.1, 10.9.9.9", "198.51.100.1"},
	    {"10.0.0.1", "1.1.1.1,10.0.0.2,10.0.0.3", "1.1.1.1"},
	    {"10.0.0.1", "10.0.0.2,10.0.0.3", "10.0.0.2"},
	    /* Behind what is no address nobody is believed. */
	    {"10.0.0.1", "1.1.1.1, unknown", "10.0.0.1"},
	    {"10.0.0.1", "1.1.1.1,", "10.0.0.1"},
	    {"10.0.0.1", "1.1.1.1, _hidden, 10.0.0.3", "10.0.0.3"},
	    {"10.0.0.1", "198.51.100.1:4711", "198.51.100.1"},
	    {"10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"},
	    {"10.0.0.1", "2001:db8::1", "2001:db8::1"},
	    {"10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"},
	    {"::1", "198.51.100.1", "198.51.100.1"},
	};
	struct cidr_set *proxies = cidr_set_new();
	struct error err;
	char text[IP_TEXT];

	(void)state;
	assert_true(cidr_set_add(proxies, "10.0.0.0/8 ::1", &err));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip client = access_client(
		    ip_of(cases[i].nearest), cases[i].forwarded, proxies);

		ip_format(&client, text);
		assert_string_equal(text, cases[i].client);
	}
	cidr_set_free(&proxies);
}

static void a_window_has_so_many_requests(void **state)
{
	const struct throttle_rule rule = {.requests = 3, .window_ms = 1000};
	struct throttle *throttle = throttle_new();
	struct throttle_state now;
	struct ip a = ip_of("2001:db8::1"), b = ip_of("2001:db8::2");
	struct ip c = ip_of("192.0.2.1");

	(void)state;
	assert_true(throttle_take(throttle, &rule, &a, 5000, &now));
	assert_int_equal(now.left, 2);
	assert_int_equal(now.reset_ms, 1000);
	/* One subscriber's /64. */
	assert_true(throttle_take(throttle, &rule, &b, 5400, &now));
	assert_true(throttle_take(throttle, &rule, &a, 5999, &now));
	assert_int_equal(now.left, 0);
	assert_false(throttle_take(throttle, &rule, &b, 5999, &now));
	assert_int_equal(now.reset_ms, 1);
	assert_true(throttle_take(throttle, &rule, &c, 5999, &now));
	assert_true(throttle_take(throttle, &rule, &b, 6000, &now));
	throttle_free(&throttle);
}

static void many_clients_take_bounded_memory(void **state)
{
	const struct throttle_rule rule = {.requests = 1, .window_ms = 1000};
	struct throttle *throttle = throttle_new();
	struct throttle_state now;
	char text[IP_TEXT];

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		struct ip ip;

		(void)snprintf(text, sizeof(text), "10.%u.%u.%u", i >> 16 & 255,
		    i >> 8 & 255, i & 255);
		ip = ip_of(text);
		assert_true(throttle_take(throttle, &rule, &ip, 1, &now));
		assert_false(throttle_take(throttle, &rule, &ip, 2, &now));
	}
	throttle_free(&throttle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_list_is_walked_from_the_right),
	    cmocka_unit_test(a_window_has_so_many_requests),
	    cmocka_unit_test(many_clients_take_bounded_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
