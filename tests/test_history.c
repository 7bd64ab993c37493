/* Stories: what is written of them, what is read of a damaged day, and when
 * they go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/os.h"
#include "bounds.h"
#include "spool/events.h"
#include "spool/internal.h"
#include "spool/recover.h"
#include "spool_damage.h"
#include "spool_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_MS (24 * 60 * 60 * INT64_C(1000))
/* 2026-01-31T12:34:56.789Z */
#define NOON INT64_C(1769862896789)

static void tell(struct spool *spool, int64_t at_ms, const char *json)
{
	struct history *history = history_new(spool->root);
	struct error err = {0};

	history_add(history, at_ms, json, strlen(json));
	if (!history_flush(history, &err))
		fail_msg("%s", err.text);
	history_free(&history);
}

static bool on_line(void *arg, const char *json, size_t len)
{
	char *all = arg;

	assert_int_equal(strlen(json), len);
	(void)strncat(all, json, 1000);
	return true;
}

/* Every line of that day, one behind the other. */
static void expect_told(
    struct spool *spool, const char *expected, uint64_t damaged)
{
	char all[4096] = "";
	struct error err = {0};
	uint64_t found;

	if (!history_each(spool->root, NOON, NOON, on_line, all, &found, &err))
		fail_msg("%s", err.text);
	assert_string_equal(all, expected);
	assert_int_equal(found, damaged);
}

static void a_torn_line_costs_no_other(void **state)
{
	struct spool *spool = open_spool();
	struct stat st;
	char path[600];

	(void)state;
	path_of(path, "history", "2026-01-31.log");
	tell(spool, NOON, "{1}");
	tell(spool, NOON, "{2}");
	expect_told(spool, "{1}{2}", 0);
	/* As a power cut leaves it, and the program goes on. */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 2), 0);
	expect_told(spool, "{1}", 1);
	tell(spool, NOON, "{3}");
	expect_told(spool, "{1}{3}", 1);
	/* A bit that flipped. */
	flip(path, -3, '4');
	expect_told(spool, "{1}", 2);
	spool_close(&spool);
}

static void what_cannot_be_written_is_forgotten_whole(void **state)
{
	struct spool *spool = open_spool();
	struct history *history = history_new(spool->root);
	struct error err;

	(void)state;
	history_add(history, NOON, "{1}", 3);
	os_break_for_test(OS_FDATASYNC, 1, EIO, false);
	assert_false(history_flush(history, &err));
	/* The outcome comes again, with its line. */
	history_add(history, NOON, "{2}", 3);
	history_drop(history);
	history_add(history, NOON, "{3}", 3);
	assert_true(history_flush(history, &err));
	history_free(&history);
	expect_told(spool, "{1}{3}", 0);
	spool_close(&spool);
}

static void days_expire_once_they_ended_long_ago(void **state)
{
	struct spool *spool = open_spool();
	int64_t midnight = NOON / DAY_MS * DAY_MS;

	(void)state;
	tell(spool, NOON - DAY_MS, "{old}");
	tell(spool, NOON, "{new}");
	expect_files("history", 2);
	history_expire(spool->root, midnight + 2 * DAY_MS, 2 * DAY_MS);
	expect_files("history", 2);
	history_expire(spool->root, midnight + 2 * DAY_MS + 1, 2 * DAY_MS);
	expect_files("history", 1);
	expect_told(spool, "{new}", 0);
	spool_close(&spool);
}

static uint64_t count_events(struct spool *spool)
{
	struct index_txn *txn;
	struct error err;
	uint64_t count;

	assert_true(spool_read_begin(spool, &txn, &err));
	count = index_count(txn, TABLE_EVENT);
	spool_txn_abort(spool, &txn);
	return count;
}

/* A message that fails for days: its story stays bounded, and still tells how
 * it began. */
static void a_long_story_keeps_its_beginning_and_its_end(void **state)
{
	struct spool *spool = open_spool();
	struct index_txn *txn;
	struct event event = {.name = "deferred", .reason = "test"};
	struct bytes key, value;
	struct index_walk *walk;
	struct error err;
	char id[ID_TEXT + 1];
	struct id binary;

	(void)state;
	put(spool, one, 1, id);
	binary = id_of(id);
	event.id = &binary;
	assert_true(spool_write_begin(spool, &txn, &err));
	for (unsigned i = 1; i <= LIMIT_STORY + 100; i++) {
		event.attempt = i;
		event_put(txn, &event);
	}
	assert_true(spool_txn_commit(spool, &txn, &err));
	assert_int_equal(count_events(spool), LIMIT_STORY);
	assert_true(spool_read_begin(spool, &txn, &err));
	walk = index_walk_new(txn, TABLE_EVENT);
	assert_true(index_seek(
	    walk, (struct bytes){0}, (struct bytes){0}, &key, &value));
	assert_non_null(memmem(value.data, value.len, "\"attempt\":1,", 12));
	assert_true(index_next(walk, &key, &value));
	assert_non_null(memmem(value.data, value.len, "\"attempt\":102,", 14));
	index_walk_free(&walk);
	spool_txn_abort(spool, &txn);
	spool_close(&spool);
}

static void orphans_stay_as_long_as_stories(void **state)
{
	struct spool *spool = open_spool();
	int64_t now_ms = clock_wall_ms();
	char path[600];
	int fd;

	(void)state;
	path_of(path, "orphan/new", "01ARZ3NDEKTSV4RRFFQ69G5FAV");
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	spool_expire_orphans(spool);
	expect_files("orphan/new", 1);
	clock_set_for_test(now_ms + 7 * DAY_MS - 60000, -1);
	spool_expire_orphans(spool);
	expect_files("orphan/new", 1);
	clock_set_for_test(now_ms + 7 * DAY_MS + 60000, -1);
	spool_expire_orphans(spool);
	expect_files("orphan/new", 0);
	clock_set_for_test(-1, -1);
	spool_close(&spool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_torn_line_costs_no_other),
	    CASE(what_cannot_be_written_is_forgotten_whole),
	    CASE(days_expire_once_they_ended_long_ago),
	    CASE(a_long_story_keeps_its_beginning_and_its_end),
	    CASE(orphans_stay_as_long_as_stories),
	};

	log_to_fd(2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
