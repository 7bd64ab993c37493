/* Walks that end early and go on later, while the queue moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "spool_fixture.h"

#include <stdio.h>
#include <string.h>

/* One page of a walk; *cursor is where the next one begins, "" at the end. */
static size_t read_page(struct spool *spool,
    const struct operator_filter *filter, enum operator_sequence sequence,
    size_t most, char cursor[OPERATOR_CURSOR], char last[ID_TEXT + 1])
{
	struct operator_list *list = operator_list_new(spool, filter, sequence);
	const struct operator_entry *entry;
	struct error err = {0};
	size_t count = 0;

	if (cursor[0] != '\0')
		assert_true(operator_list_resume(list, cursor));
	while (count < most && operator_list_next(list, &entry, &err) &&
	       entry != NULL) {
		memcpy(last, entry->id_text, ID_TEXT + 1);
		count++;
	}
	if (!operator_list_cursor(list, cursor))
		cursor[0] = '\0';
	operator_list_free(&list);
	return count;
}

static void pages_meet_everything_once_while_the_queue_moves(void **state)
{
	static const struct operator_filter filters[] = {{0},
	    {.recipient = "user@example.com"}, {.lane = LANE_WEBHOOK},
	    {.received_since_ms = 1}};
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1], last[ID_TEXT + 1], cursor[OPERATOR_CURSOR];
	size_t pages, seen;

	(void)state;
	for (int i = 0; i < 10; i++)
		put(spool, one, 1, id);
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		cursor[0] = '\0';
		pages = seen = 0;
		do {
			seen += read_page(spool, &filters[i],
			    OPERATOR_OLDEST_FIRST, 3, cursor, last);
			/* The last one that was read goes away. */
			if (pages++ == 0)
				assert_int_equal(
				    act_on(spool, OPERATOR_CANCEL, last)
					.of[OPERATOR_DONE],
				    1);
		} while (cursor[0] != '\0');
		assert_int_equal(seen, 10 - i);
		assert_int_equal(pages, (10 - i + 2) / 3);
	}
	spool_close(&spool);
}

static void pages_divide_the_recipients_of_a_message(void **state)
{
	const struct recipient same[] = {{.address = "a@example.com",
					     .lane = LANE_WEBHOOK,
					     .destination = ""},
	    {.address = "A@example.com",
		.lane = LANE_WEBHOOK,
		.destination = ""}};
	struct operator_filter filter = {.recipient = "a@example.com"};
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1], last[ID_TEXT + 1], cursor[OPERATOR_CURSOR] = "";

	(void)state;
	put(spool, same, 2, id);
	assert_int_equal(
	    read_page(spool, &filter, OPERATOR_OLDEST_FIRST, 1, cursor, last),
	    1);
	assert_int_equal(
	    read_page(spool, &filter, OPERATOR_OLDEST_FIRST, 9, cursor, last),
	    1);
	assert_string_equal(cursor, "");
	spool_close(&spool);
}

static void pages_of_dead_letters_go_by_their_death(void **state)
{
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1], last[ID_TEXT + 1], cursor[OPERATOR_CURSOR] = "";
	struct operator_filter all = {0};

	(void)state;
	for (int i = 0; i < 5; i++)
		put(spool, one, 1, id);
	(void)end_all(spool, OUTCOME_DEAD);
	assert_int_equal(
	    read_page(spool, &all, OPERATOR_BY_DEATH, 2, cursor, last), 2);
	assert_int_equal(
	    act_on(spool, OPERATOR_DROP, last).of[OPERATOR_DONE], 1);
	assert_int_equal(
	    read_page(spool, &all, OPERATOR_BY_DEATH, 9, cursor, last), 3);
	assert_string_equal(cursor, "");
	spool_close(&spool);
}

static void a_bounded_walk_goes_on_where_it_stopped(void **state)
{
	struct operator_filter filter = {.sender = "nobody@example.org"};
	struct spool *spool = open_spool();
	const struct operator_entry *entry;
	char id[ID_TEXT + 1], cursor[OPERATOR_CURSOR] = "";
	struct error err = {0};
	unsigned walks = 0;

	(void)state;
	for (int i = 0; i < 5; i++)
		put(spool, one, 1, id);
	do {
		struct operator_list *list =
		    operator_list_new(spool, &filter, OPERATOR_OLDEST_FIRST);

		if (walks++ > 0)
			assert_true(operator_list_resume(list, cursor));
		operator_list_bound(list, 2);
		assert_true(operator_list_next(list, &entry, &err));
		assert_null(entry);
		if (!operator_list_cursor(list, cursor))
			cursor[0] = '\0';
		operator_list_free(&list);
	} while (cursor[0] != '\0');
	assert_int_equal(walks, 3);
	spool_close(&spool);
}

static void what_is_no_cursor_is_refused(void **state)
{
	static const char *const bad[] = {"", "-", "xyz-0", "00", "00-", "0-0",
	    "00-99999", "00-0x", "01ARZ3NDEKTSV4RRFFQ69G5FAV"};
	struct operator_filter filter = {.recipient = "user@example.com"};
	struct spool *spool = open_spool();
	struct operator_list *list =
	    operator_list_new(spool, &filter, OPERATOR_OLDEST_FIRST);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(operator_list_resume(list, bad[i]));
	operator_list_free(&list);
	spool_close(&spool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(pages_meet_everything_once_while_the_queue_moves),
	    CASE(pages_divide_the_recipients_of_a_message),
	    CASE(pages_of_dead_letters_go_by_their_death),
	    CASE(a_bounded_walk_goes_on_where_it_stopped),
	    CASE(what_is_no_cursor_is_refused),
	};

	log_to_fd(2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
