/* What was delivered, is kept, and posted again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/os.h"
#include "spool/internal.h"
#include "spool/kept.h"
#include "spool/message.h"
#include "spool_damage.h"
#include "spool_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HOUR_MS (60 * 60 * INT64_C(1000))

static struct acted replay(
    struct spool *spool, struct operator_replay_order order)
{
	struct acted results = {{0}};
	struct error err = {0};

	order.who = "cli";
	if (!operator_replay(spool, &order, on_acted, &results, &err))
		fail_msg("%s", err.text);
	return results;
}

static struct acted replay_id(
    struct spool *spool, const char *text, const char *recipient)
{
	struct id id = id_of(text);

	return replay(
	    spool, (struct operator_replay_order){
		       .ids = &id, .id_count = 1, .recipient = recipient});
}

/* Files in all hours. */
static size_t count_kept(void)
{
	char path[600];
	struct dirent *entry;
	size_t count = 0;
	DIR *hours, *hour;

	(void)snprintf(path, sizeof(path), "%s/" KEPT_FOLDER, dir);
	hours = opendir(path);
	assert_non_null(hours);
	while ((entry = readdir(hours)) != NULL) {
		struct dirent *file;

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/" KEPT_FOLDER "/%.100s",
		    dir, entry->d_name);
		hour = opendir(path);
		assert_non_null(hour);
		while ((file = readdir(hour)) != NULL)
			count += file->d_name[0] != '.';
		(void)closedir(hour);
	}
	(void)closedir(hours);
	return count;
}

static void a_replayed_message_is_delivered_again_under_its_id(void **state)
{
	struct spool *spool = open_keeping(HOUR_MS);
	struct agent *agent;
	struct work *works[4];
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, one, 1, id);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 1);
	expect_files("queue/new", 0);
	assert_int_equal(count_kept(), 1);
	assert_int_equal(replay_id(spool, id, NULL).of[OPERATOR_DONE], 1);
	expect_status(spool, id, "Q");
	assert_int_equal(status_of(spool).messages, 1);
	assert_int_equal(status_of(spool).accepted, 1);
	agent = open_agent(spool, &policy);
	assert_int_equal(turn(agent, NULL, 0, works, 4), 1);
	assert_string_equal(works[0]->id_text, id);
	assert_int_equal(works[0]->recipient_number, 0);
	struct outcome end =
	    outcome_of(&works[0], OUTCOME_DELIVERED, BLAME_MESSAGE);
	(void)turn(agent, &end, 1, works, 0);
	spool_agent_close(&agent);
	expect_files("queue/new", 0);
	assert_int_equal(status_of(spool).messages, 0);
	assert_int_equal(status_of(spool).delivered, 2);
	/* And again. */
	assert_int_equal(replay_id(spool, id, NULL).of[OPERATOR_DONE], 1);
	spool_close(&spool);
}

static void nothing_is_kept_unless_asked_for(void **state)
{
	struct spool *spool = open_keeping(0);
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, one, 1, id);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 1);
	assert_int_equal(count_kept(), 0);
	assert_int_equal(replay_id(spool, id, NULL).of[OPERATOR_NOT_FOUND], 1);
	spool_close(&spool);
}

static void what_was_not_delivered_is_not_kept(void **state)
{
	struct spool *spool = open_keeping(HOUR_MS);
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, one, 1, id);
	assert_int_equal(end_all(spool, OUTCOME_DEAD), 1);
	assert_int_equal(act_on(spool, OPERATOR_DROP, id).of[OPERATOR_DONE], 1);
	expect_files("dead/new", 0);
	assert_int_equal(count_kept(), 0);
	spool_close(&spool);
}

static void one_recipient_is_replayed_and_the_others_stay_final(void **state)
{
	struct spool *spool = open_keeping(HOUR_MS);
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, three, 3, id);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 3);
	expect_files("queue/new", 0);
	assert_int_equal(
	    replay_id(spool, id, three[1].address).of[OPERATOR_DONE], 1);
	expect_status(spool, id, "DQD");
	assert_int_equal(state_of(spool, id, 0), STATE_DELIVERED);
	assert_int_equal(state_of(spool, id, 1), STATE_QUEUED);
	assert_int_equal(
	    replay_id(spool, id, three[0].address).of[OPERATOR_UNSUITED], 1);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 1);
	expect_files("queue/new", 0);
	assert_int_equal(
	    replay_id(spool, id, "nobody@example.com").of[OPERATOR_UNSUITED],
	    1);
	spool_close(&spool);
}

static void what_is_still_being_unlinked_waits(void **state)
{
	struct spool *spool = open_keeping(HOUR_MS);
	struct agent *agent = open_agent(spool, &policy);
	struct work *works[4];
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, one, 1, id);
	assert_int_equal(turn(agent, NULL, 0, works, 4), 1);
	struct outcome end =
	    outcome_of(&works[0], OUTCOME_DELIVERED, BLAME_MESSAGE);
	(void)turn(agent, &end, 1, works, 0);
	/* Its agent lives, and has not yet said that the file is gone: a name
	 * given back now might be unlinked after all. */
	assert_int_equal(replay_id(spool, id, NULL).of[OPERATOR_ENDING], 1);
	expect_files("queue/new", 0);
	assert_int_equal(replay_id(spool, id, NULL).of[OPERATOR_ENDING], 1);
	spool_agent_close(&agent);
	assert_int_equal(replay_id(spool, id, NULL).of[OPERATOR_DONE], 1);
	expect_files("queue/new", 1);
	spool_close(&spool);
}

static void an_operators_end_is_kept_and_can_be_replayed(void **state)
{
	struct spool *spool = open_keeping(HOUR_MS);
	struct outcome ends[3];
	struct agent *agent = open_agent(spool, &policy);
	struct work *works[4];
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, three, 3, id);
	assert_int_equal(turn(agent, NULL, 0, works, 4), 3);
	ends[0] = outcome_of(&works[0], OUTCOME_DELIVERED, BLAME_MESSAGE);
	ends[1] = outcome_of(&works[1], OUTCOME_DEFERRED, BLAME_MESSAGE);
	ends[2] = outcome_of(&works[2], OUTCOME_DEFERRED, BLAME_MESSAGE);
	(void)turn(agent, ends, 3, works, 0);
	assert_int_equal(
	    act_on(spool, OPERATOR_CANCEL, id).of[OPERATOR_DONE], 2);
	expect_files("queue/new", 0);
	assert_int_equal(count_kept(), 1);
	/* Only what was delivered. */
	assert_int_equal(replay_id(spool, id, NULL).of[OPERATOR_DONE], 1);
	expect_status(spool, id, "QCC");
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void a_span_of_time_is_replayed_once(void **state)
{
	struct spool *spool = open_keeping(48 * HOUR_MS);
	struct operator_replay_order order = {
	    .since_ms = clock_wall_ms() - HOUR_MS};
	char id[ID_TEXT + 1];

	(void)state;
	for (int i = 0; i < 5; i++)
		put(spool, one, 1, id);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 5);
	order.dry_run = true;
	assert_int_equal(replay(spool, order).of[OPERATOR_DONE], 5);
	assert_int_equal(status_of(spool).messages, 0);
	order.dry_run = false;
	assert_int_equal(replay(spool, order).of[OPERATOR_DONE], 5);
	/* Their bytes say that they are queued: nothing is to be done. */
	assert_int_equal(replay(spool, order).of[OPERATOR_DONE], 0);
	assert_int_equal(status_of(spool).messages, 5);
	order.until_ms = clock_wall_ms() - 2 * HOUR_MS;
	order.since_ms = 1;
	assert_int_equal(replay(spool, order).of[OPERATOR_DONE], 0);
	spool_close(&spool);
}

static void hours_expire_as_a_whole_and_in_slices(void **state)
{
	int64_t start = 1769862896789; /* 12:34 */
	struct spool *spool = open_keeping(2 * HOUR_MS);
	char id[ID_TEXT + 1];

	(void)state;
	clock_set_for_test(start, -1);
	for (int i = 0; i < 5; i++)
		put(spool, one, 1, id);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 5);
	clock_set_for_test(start + HOUR_MS, -1);
	put(spool, one, 1, id);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 1);
	assert_int_equal(count_kept(), 6);
	assert_false(kept_expire(spool, start + 2 * HOUR_MS, 100));
	assert_int_equal(count_kept(), 6);
	assert_true(kept_expire(spool, start + 3 * HOUR_MS, 3));
	assert_int_equal(count_kept(), 3);
	assert_false(kept_expire(spool, start + 3 * HOUR_MS, 100));
	assert_int_equal(count_kept(), 1);
	assert_int_equal(replay_id(spool, id, NULL).of[OPERATOR_DONE], 1);
	clock_set_for_test(-1, -1);
	spool_close(&spool);
}

static void mail_that_comes_needs_the_room_of_what_is_kept(void **state)
{
	struct spool *spool = open_keeping(1000 * HOUR_MS);
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, one, 1, id);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 1);
	assert_false(kept_expire(spool, clock_wall_ms(), 100));
	assert_int_equal(count_kept(), 1);
	spool_close(&spool);
	spool = open_keeping(1000 * HOUR_MS);
	spool->room.min_bytes = UINT64_MAX / 2;
	assert_false(kept_expire(spool, clock_wall_ms(), 100));
	assert_int_equal(count_kept(), 0);
	spool_close(&spool);
}

static void a_replay_that_fails_can_be_repeated(void **state)
{
	struct spool *spool = open_keeping(HOUR_MS);
	struct operator_replay_order order = {.since_ms = 1, .who = "cli"};
	struct acted results = {{0}};
	struct error err = {0};
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, one, 1, id);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 1);
	expect_files("queue/new", 0);
	spool_close(&spool); /* a recovery settles what the agent left */
	spool = open_keeping(HOUR_MS);
	os_break_for_test(OS_FDATASYNC, 1, EIO, true);
	os_break_for_test(OS_FSYNC, 1, EIO, true);
	assert_false(operator_replay(spool, &order, on_acted, &results, &err));
	os_break_for_test(OS_FDATASYNC, 0, 0, false);
	os_break_for_test(OS_FSYNC, 0, 0, false);
	assert_int_equal(results.of[OPERATOR_DONE], 0);
	assert_int_equal(status_of(spool).messages, 0);
	assert_int_equal(replay(spool, order).of[OPERATOR_DONE], 1);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 1);
	expect_files("queue/new", 0);
	spool_close(&spool);
}

/* Its file in whichever hour. */
static void kept_path(struct spool *spool, const char *text, char path[600])
{
	struct id id = id_of(text);
	struct error err;
	char link[40];
	int hour, fd;

	assert_true(kept_open(spool, &id, &hour, &fd, &err));
	os_close(&hour);
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	memset(path, 0, 600);
	assert_true(readlink(link, path, 599) > 0);
	os_close(&fd);
}

static void a_damaged_file_is_not_posted_and_fsck_finds_it(void **state)
{
	struct spool *spool = open_keeping(HOUR_MS);
	char id[ID_TEXT + 1], path[600];

	(void)state;
	put(spool, one, 1, id);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 1);
	expect_clean(spool);
	assert_int_equal(check(spool, false).kept, 1);
	kept_path(spool, id, path);
	flip(path, -1, '#');
	assert_int_equal(replay_id(spool, id, NULL).of[OPERATOR_NO_FILE], 1);
	expect_repair(spool, FINDING_DAMAGED);
	expect_files("orphan/new", 1);
	assert_int_equal(count_kept(), 0);
	assert_int_equal(replay_id(spool, id, NULL).of[OPERATOR_NOT_FOUND], 1);
	spool_close(&spool);
}

static void fsck_finds_what_is_kept_under_a_wrong_name(void **state)
{
	struct spool *spool = open_keeping(HOUR_MS);
	char first[ID_TEXT + 1], second[ID_TEXT + 1];
	char from[600], to[600], foreign[700];
	struct fsck_report report;

	(void)state;
	put(spool, one, 1, first);
	put(spool, one, 1, second);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 2);
	kept_path(spool, first, from);
	kept_path(spool, second, to);
	(void)snprintf(foreign, sizeof(foreign), "%s.bak", to);
	assert_int_equal(link(to, foreign), 0);
	assert_int_equal(rename(from, to), 0);
	report = check(spool, true);
	assert_int_equal(report.repaired[FINDING_DAMAGED], 1);
	/* Not ours to remove. */
	assert_int_equal(report.found[FINDING_FOREIGN], 1);
	assert_int_equal(report.repaired[FINDING_FOREIGN], 0);
	assert_int_equal(report.found_all, 2);
	assert_int_equal(access(foreign, F_OK), 0);
	spool_close(&spool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_replayed_message_is_delivered_again_under_its_id),
	    CASE(nothing_is_kept_unless_asked_for),
	    CASE(what_was_not_delivered_is_not_kept),
	    CASE(one_recipient_is_replayed_and_the_others_stay_final),
	    CASE(what_is_still_being_unlinked_waits),
	    CASE(an_operators_end_is_kept_and_can_be_replayed),
	    CASE(a_span_of_time_is_replayed_once),
	    CASE(hours_expire_as_a_whole_and_in_slices),
	    CASE(mail_that_comes_needs_the_room_of_what_is_kept),
	    CASE(a_replay_that_fails_can_be_repeated),
	    CASE(a_damaged_file_is_not_posted_and_fsck_finds_it),
	    CASE(fsck_finds_what_is_kept_under_a_wrong_name),
	};

	log_to_fd(2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
