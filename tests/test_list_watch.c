#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "bounds.h"
#include "smtpd/check.h"
#include "smtpd/list_watch.h"

#include <stdio.h>
#include <string.h>

static void note_failures(
    struct list_watch *watch, const char *zone, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		list_watch_note(watch, slice_of(zone), false);
}

static bool is_silent(struct list_watch *watch, const char *zone)
{
	return list_watch_is_silent(watch, slice_of(zone));
}

static void failures_in_a_row_make_a_list_silent(void **state)
{
	struct list_watch *watch = list_watch_new();

	(void)state;
	assert_false(is_silent(watch, "a.example"));
	note_failures(watch, "a.example", LIMIT_LIST_FAILURES - 1);
	assert_false(is_silent(watch, "a.example"));
	list_watch_note(watch, slice_of("a.example"), true);
	note_failures(watch, "a.example", LIMIT_LIST_FAILURES - 1);
	assert_false(is_silent(watch, "a.example"));
	note_failures(watch, "A.example", 1);
	assert_true(is_silent(watch, "a.example"));
	/* Others are not meant. */
	assert_false(is_silent(watch, "b.example"));
	list_watch_note(watch, slice_of("b.example"), true);
	assert_true(is_silent(watch, "a.example"));
	list_watch_note(watch, slice_of("a.example"), true);
	assert_false(is_silent(watch, "a.example"));
	list_watch_free(&watch);
	assert_null(watch);
}

static void so_many_lists_are_watched(void **state)
{
	struct list_watch *watch = list_watch_new();
	char zone[20];

	(void)state;
	for (int i = 0; i <= LIMIT_LISTS_WATCHED; i++) {
		(void)snprintf(zone, sizeof(zone), "%d.example", i);
		note_failures(watch, zone, LIMIT_LIST_FAILURES);
		assert_int_equal(
		    is_silent(watch, zone), i < LIMIT_LISTS_WATCHED);
	}
	/* One that answers makes room. */
	list_watch_note(watch, slice_of("7.example"), true);
	note_failures(watch, zone, LIMIT_LIST_FAILURES);
	assert_true(is_silent(watch, zone));
	list_watch_free(&watch);
}

static void what_several_lists_say_is_cut(void **state)
{
	struct finding_text all = {.len = 0};

	(void)state;
	finding_add(&all, "%s %d", "one", 1);
	finding_add(&all, "%s", "two");
	assert_string_equal(all.text, "one 1, two");
	for (int i = 0; i < 100; i++) {
		finding_add(&all, "%s", "abcdefg");
		assert_int_equal(strlen(all.text), all.len);
		assert_true(all.len <= LIMIT_FINDING_TEXT);
	}
	assert_int_equal(all.len, LIMIT_FINDING_TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(failures_in_a_row_make_a_list_silent),
	    cmocka_unit_test(so_many_lists_are_watched),
	    cmocka_unit_test(what_several_lists_say_is_cut),
	};

	log_open("test", LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
