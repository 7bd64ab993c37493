/* What operators do with a spool: looking, and each verb. */
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- helpers ---------------------------------------------------------- */

static size_t count_list(struct spool *spool,
    const struct operator_filter *filter, enum operator_sequence sequence)
{
	struct operator_list *list = operator_list_new(spool, filter, sequence);
	const struct operator_entry *entry;
	struct error err = {0};
	char last[ID_TEXT + 1] = "";
	size_t count = 0;

	for (;;) {
		if (!operator_list_next(list, &entry, &err))
			fail_msg("%s", err.text);
		if (entry == NULL)
			break;
		if (sequence == OPERATOR_OLDEST_FIRST)
			assert_true(strcmp(last, entry->id_text) <= 0);
		memcpy(last, entry->id_text, sizeof(last));
		count++;
	}
	operator_list_free(&list);
	return count;
}

static size_t count_state(struct spool *spool, enum delivery_state state)
{
	struct operator_filter filter = {.by_state = true, .state = state};

	return count_list(spool, &filter, OPERATOR_OLDEST_FIRST);
}

struct told {
	char text[64 * 1024];
	size_t lines;
};

static void on_line(
    void *arg, const struct id *id, const char *json, size_t len)
{
	struct told *told = arg;
	size_t used = strlen(told->text);

	(void)id;
	assert_int_equal(strlen(json), len);
	(void)snprintf(
	    told->text + used, sizeof(told->text) - used, "%s\n", json);
	told->lines++;
}

static size_t trace_of(
    struct spool *spool, const char *subject, struct told *told)
{
	struct operator_told found;
	struct error err = {0};

	memset(told, 0, sizeof(*told));
	if (!operator_trace(spool, subject, 10, on_line, told, &found, &err))
		fail_msg("%s", err.text);
	assert_int_equal(found.damaged, 0);
	return found.stories;
}

/* --- looking ---------------------------------------------------------- */

static void status_counts_without_looking(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	struct operator_status status;
	struct work *works[1];
	char id[ID_TEXT + 1];
	int64_t before = clock_wall_ms();

	(void)state;
	assert_int_equal(status_of(spool).oldest_ms, 0);
	put(spool, three, 3, id);
	put(spool, one, 1, id);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	status = status_of(spool);
	assert_int_equal(status.messages, 2);
	assert_int_equal(status.deliveries[LANE_WEBHOOK][STATE_QUEUED], 3);
	assert_int_equal(status.deliveries[LANE_WEBHOOK][STATE_CLAIMED], 1);
	assert_int_equal(operator_waiting(&status), 4);
	assert_int_equal(operator_dead(&status), 0);
	assert_int_equal(status.accepted, 2);
	assert_int_equal(status.agents, 1);
	assert_int_equal(status.writers, 1);
	assert_true(status.free_bytes > 0);
	assert_in_range((uint64_t)status.oldest_ms, before, clock_wall_ms());
	spool_work_free(&works[0]);
	spool_agent_close(&agent);
	assert_int_equal(status_of(spool).agents, 0);
	spool_close(&spool);
}

static void list_streams_in_order_and_filters(void **state)
{
	struct spool *spool = open_spool();
	struct operator_filter filter = {0};
	char id[ID_TEXT + 1];
	struct id one_id;

	(void)state;
	assert_int_equal(count_list(spool, &filter, OPERATOR_OLDEST_FIRST), 0);
	for (int i = 0; i < 200; i++)
		put(spool, three, 3, id);
	put(spool, one, 1, id);
	assert_int_equal(
	    count_list(spool, &filter, OPERATOR_OLDEST_FIRST), 601);
	filter.recipient = "B@EXAMPLE.com";
	assert_int_equal(
	    count_list(spool, &filter, OPERATOR_OLDEST_FIRST), 200);
	filter.sender = "nobody@example.org";
	assert_int_equal(count_list(spool, &filter, OPERATOR_OLDEST_FIRST), 0);
	filter = (struct operator_filter){.sender = "Sender@example.org"};
	assert_int_equal(
	    count_list(spool, &filter, OPERATOR_OLDEST_FIRST), 601);
	filter = (struct operator_filter){.lane = LANE_SMTP};
	assert_int_equal(count_list(spool, &filter, OPERATOR_OLDEST_FIRST), 0);
	filter = (struct operator_filter){
	    .received_before_ms = clock_wall_ms() - 3600 * 1000};
	assert_int_equal(count_list(spool, &filter, OPERATOR_OLDEST_FIRST), 0);
	one_id = id_of(id);
	filter = (struct operator_filter){.id = &one_id};
	assert_int_equal(count_list(spool, &filter, OPERATOR_OLDEST_FIRST), 1);
	assert_int_equal(count_state(spool, STATE_QUEUED), 601);
	assert_int_equal(count_state(spool, STATE_DEAD), 0);
	spool_close(&spool);
}

static void on_circuit(void *arg, const struct operator_circuit *circuit)
{
	assert_int_equal(circuit->lane, LANE_WEBHOOK);
	assert_string_equal(circuit->reason, "test");
	(*(unsigned *)arg)++;
}

static void open_circuits_are_listed_and_retry_probes_them(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	int64_t wall = clock_wall_ms();
	struct work *works[1];
	struct outcome out;
	struct error err;
	unsigned open = 0;
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, one, 1, id);
	clock_set_for_test(wall + 1000, 5000);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	out = outcome_of(&works[0], OUTCOME_DEFERRED, BLAME_HARD);
	assert_int_equal(turn(agent, &out, 1, works, 1), 0);
	assert_true(operator_circuits(spool, on_circuit, &open, &err));
	assert_int_equal(open, 1);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 0);
	assert_int_equal(
	    act(spool, (struct operator_order){.verb = OPERATOR_RETRY})
		.of[OPERATOR_DONE],
	    1);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	assert_int_equal(works[0]->attempt, 2);
	spool_work_free(&works[0]);
	clock_set_for_test(-1, -1);
	spool_agent_close(&agent);
	spool_close(&spool);
}

/* --- the living ------------------------------------------------------- */

static void retry_is_due_now_and_forgets_no_attempt(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	struct work *works[1];
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, one, 1, id);
	assert_int_equal(end_due(agent, OUTCOME_DEFERRED), 1);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 0);
	assert_int_equal(
	    act_on(spool, OPERATOR_RETRY, id).of[OPERATOR_DONE], 1);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	assert_int_equal(works[0]->attempt, 2);
	/* It is being tried: nothing to do. */
	assert_int_equal(
	    act_on(spool, OPERATOR_RETRY, id).of[OPERATOR_UNSUITED], 1);
	spool_work_free(&works[0]);
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void held_mail_waits_until_it_is_released(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	struct work *works[4];
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, three, 3, id);
	assert_int_equal(act_on(spool, OPERATOR_HOLD, id).of[OPERATOR_DONE], 3);
	expect_status(spool, id, "HHH");
	assert_int_equal(turn(agent, NULL, 0, works, 4), 0);
	assert_int_equal(count_state(spool, STATE_HELD), 3);
	assert_int_equal(
	    act_on(spool, OPERATOR_RETRY, id).of[OPERATOR_UNSUITED], 3);
	assert_int_equal(
	    act(spool, (struct operator_order){.verb = OPERATOR_RELEASE,
			   .filter = {.recipient = "b@example.com"}})
		.of[OPERATOR_DONE],
	    1);
	expect_status(spool, id, "HQH");
	assert_int_equal(turn(agent, NULL, 0, works, 4), 1);
	assert_string_equal(works[0]->recipient, "b@example.com");
	spool_work_free(&works[0]);
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void a_late_answer_reaches_a_held_delivery(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	struct work *works[2];
	struct outcome late;
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, one, 1, id);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	assert_int_equal(act_on(spool, OPERATOR_HOLD, id).of[OPERATOR_DONE], 1);
	late = outcome_of(&works[0], OUTCOME_DEFERRED, BLAME_MESSAGE);
	assert_int_equal(turn(agent, &late, 1, works, 1), 0);
	assert_int_equal(state_of(spool, id, 0), STATE_HELD);
	late.kind = OUTCOME_DELIVERED;
	assert_int_equal(turn(agent, &late, 1, works, 1), 0);
	assert_int_equal(state_of(spool, id, 0), STATE_COUNT);
	expect_files("queue/new", 0);
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void cancelled_mail_ends_with_its_story(void **state)
{
	struct spool *spool = open_spool();
	struct acted results;
	char id[ID_TEXT + 1];
	struct told told;

	(void)state;
	put(spool, three, 3, id);
	results = act(spool, (struct operator_order){.verb = OPERATOR_CANCEL,
				 .filter = {.recipient = "a@example.com"}});
	assert_int_equal(results.of[OPERATOR_DONE], 1);
	expect_status(spool, id, "CQQ");
	expect_files("queue/new", 1);
	assert_int_equal(
	    act_on(spool, OPERATOR_CANCEL, id).of[OPERATOR_DONE], 2);
	expect_files("queue/new", 0);
	assert_int_equal(status_of(spool).messages, 0);
	assert_int_equal(status_of(spool).bytes, 0);
	assert_int_equal(status_of(spool).cancelled, 3);
	results = act_on(spool, OPERATOR_CANCEL, id);
	assert_int_equal(results.of[OPERATOR_NOT_FOUND], 1);
	assert_int_equal(trace_of(spool, id, &told), 1);
	assert_int_equal(told.lines, 4);
	assert_non_null(strstr(told.text, "\"event\":\"accepted\""));
	assert_non_null(strstr(told.text, "\"ip\":\"192.0.2.1\""));
	assert_non_null(strstr(told.text, "\"who\":\"cli\""));
	spool_close(&spool);
}

/* --- the dead --------------------------------------------------------- */

static void kill_one(struct spool *spool, char id[ID_TEXT + 1])
{
	struct agent *agent = open_agent(spool, &policy);

	put(spool, one, 1, id);
	assert_int_equal(end_due(agent, OUTCOME_DEAD), 1);
	spool_agent_close(&agent);
}

static void a_requeued_letter_is_delivered(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent;
	struct work *works[1];
	struct outcome out;
	char id[ID_TEXT + 1];
	struct told told;

	(void)state;
	kill_one(spool, id);
	/* Its name in the queue went with the turn. */
	expect_files("queue/new", 0);
	expect_files("dead/new", 1);
	expect_status(spool, id, "X");
	assert_int_equal(
	    act_on(spool, OPERATOR_REQUEUE, id).of[OPERATOR_DONE], 1);
	expect_files("queue/new", 1);
	expect_files("dead/new", 0);
	expect_status(spool, id, "Q");
	agent = open_agent(spool, &policy);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	assert_int_equal(works[0]->attempt, 2);
	out = outcome_of(&works[0], OUTCOME_DELIVERED, BLAME_MESSAGE);
	assert_int_equal(turn(agent, &out, 1, works, 1), 0);
	expect_files("queue/new", 0);
	assert_int_equal(trace_of(spool, id, &told), 1);
	/* accepted, dead, requeued, delivered */
	assert_int_equal(told.lines, 4);
	assert_true(strstr(told.text, "\"event\":\"requeued\"") <
		    strstr(told.text, "\"event\":\"delivered\""));
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void letters_that_die_again_at_once_keep_their_file(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	char id[ID_TEXT + 1];

	(void)state;
	for (int i = 0; i < 40; i++)
		put(spool, one, 1, id);
	assert_int_equal(end_due(agent, OUTCOME_DEAD), 40);
	for (int round = 0; round < 3; round++) {
		assert_int_equal(
		    act(spool,
			(struct operator_order){.verb = OPERATOR_REQUEUE})
			.of[OPERATOR_DONE],
		    40);
		assert_int_equal(end_due(agent, OUTCOME_DEAD), 40);
		expect_files("dead/new", 40);
		expect_files("queue/new", 0);
	}
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void requeue_takes_those_of_one_reason(void **state)
{
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1];
	struct operator_filter by_reason = {.reason = "test"};

	(void)state;
	kill_one(spool, id);
	assert_int_equal(count_list(spool, &by_reason, OPERATOR_BY_DEATH), 1);
	assert_int_equal(
	    act(spool, (struct operator_order){.verb = OPERATOR_REQUEUE,
			   .filter = {.reason = "other"}})
		.of[OPERATOR_DONE],
	    0);
	assert_int_equal(
	    act(spool, (struct operator_order){.verb = OPERATOR_REQUEUE,
			   .filter = by_reason})
		.of[OPERATOR_DONE],
	    1);
	spool_close(&spool);
}

static void a_letter_that_was_read_is_found(void **state)
{
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1], from[600], to[600];

	(void)state;
	/* Flags that the specification knows, and others. */
	for (int i = 0; i < 2; i++) {
		kill_one(spool, id);
		(void)snprintf(from, sizeof(from), "%s/dead/new/%s", dir, id);
		(void)snprintf(to, sizeof(to), "%s/dead/cur/%s:2,%s", dir, id,
		    i == 0 ? "FS" : "Sab");
		assert_int_equal(rename(from, to), 0);
		assert_int_equal(
		    act_on(spool, OPERATOR_REQUEUE, id).of[OPERATOR_DONE], 1);
		expect_files("dead/cur", 0);
		expect_files("queue/new", 1);
		assert_int_equal(
		    act_on(spool, OPERATOR_CANCEL, id).of[OPERATOR_DONE], 1);
	}
	spool_close(&spool);
}

static void a_letter_that_was_removed_is_counted(void **state)
{
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1], path[600];
	struct id binary;

	(void)state;
	kill_one(spool, id);
	(void)snprintf(path, sizeof(path), "%s/dead/new/%s", dir, id);
	assert_int_equal(unlink(path), 0);
	binary = id_of(id);
	assert_false(operator_has_file(spool, &binary));
	assert_int_equal(
	    act_on(spool, OPERATOR_REQUEUE, id).of[OPERATOR_NO_FILE], 1);
	assert_int_equal(count_state(spool, STATE_DEAD), 1);
	assert_int_equal(act_on(spool, OPERATOR_DROP, id).of[OPERATOR_DONE], 1);
	assert_int_equal(status_of(spool).messages, 0);
	spool_close(&spool);
}

static void a_dropped_letter_is_gone(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	struct outcome ends[3];
	struct work *works[4];
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, three, 3, id);
	assert_int_equal(turn(agent, NULL, 0, works, 4), 3);
	ends[0] = outcome_of(&works[0], OUTCOME_DELIVERED, BLAME_MESSAGE);
	ends[1] = outcome_of(&works[1], OUTCOME_DEAD, BLAME_MESSAGE);
	ends[2] = outcome_of(&works[2], OUTCOME_DEFERRED, BLAME_MESSAGE);
	assert_int_equal(turn(agent, ends, 3, works, 0), 0);
	expect_files("dead/new", 1);
	/* Another recipient still waits: only the name among the dead goes. */
	assert_int_equal(act_on(spool, OPERATOR_DROP, id).of[OPERATOR_DONE], 1);
	expect_files("dead/new", 0);
	expect_files("queue/new", 1);
	expect_status(spool, id, "DCQ");
	assert_int_equal(
	    act_on(spool, OPERATOR_CANCEL, id).of[OPERATOR_DONE], 1);
	expect_files("queue/new", 0);
	spool_agent_close(&agent);
	spool_close(&spool);
}

/* --- trouble ---------------------------------------------------------- */

static void many_are_done_in_batches(void **state)
{
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1];

	(void)state;
	for (int i = 0; i < 300; i++)
		put(spool, one, 1, id);
	assert_int_equal(
	    act(spool, (struct operator_order){.verb = OPERATOR_HOLD})
		.of[OPERATOR_DONE],
	    300);
	assert_int_equal(
	    act(spool, (struct operator_order){.verb = OPERATOR_CANCEL})
		.of[OPERATOR_DONE],
	    300);
	expect_files("queue/new", 0);
	assert_int_equal(status_of(spool).messages, 0);
	spool_close(&spool);
}

static void a_full_disk_stops_no_operator(void **state)
{
	struct spool_options options = {.dir = dir,
	    .access = SPOOL_OPERATE,
	    .min_free_percent = 100,
	    .history_retention_ms = 1000};
	struct spool *spool = open_spool();
	struct error err = {0};
	char id[ID_TEXT + 1], path[600];

	(void)state;
	put(spool, one, 1, id);
	spool_close(&spool);
	(void)snprintf(path, sizeof(path), "%s/run/ballast", dir);
	assert_int_equal(access(path, F_OK), 0);
	assert_true(spool_open(&options, &spool, &err));
	/* The history cannot be written, until the ballast is gone. */
	os_break_for_test(OS_WRITE, 1, ENOSPC, false);
	assert_int_equal(act_on(spool, OPERATOR_HOLD, id).of[OPERATOR_DONE], 1);
	assert_int_equal(
	    act_on(spool, OPERATOR_CANCEL, id).of[OPERATOR_DONE], 1);
	os_break_for_test(OS_WRITE, 0, 0, false);
	expect_files("queue/new", 0);
	spool_close(&spool);
}

static void a_failed_commit_changes_nothing(void **state)
{
	struct spool *spool = open_spool();
	struct operator_order order = {.verb = OPERATOR_CANCEL, .who = "cli"};
	struct acted results = {{0}};
	struct error err = {0};
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, one, 1, id);
	os_break_for_test(OS_FDATASYNC, 1, EIO, true);
	assert_false(operator_act(spool, &order, on_acted, &results, &err));
	os_break_for_test(OS_FDATASYNC, 0, 0, false);
	assert_int_equal(err.kind, ERROR_IO);
	assert_int_equal(results.of[OPERATOR_DONE], 0);
	assert_int_equal(state_of(spool, id, 0), STATE_QUEUED);
	expect_files("queue/new", 1);
	spool_close(&spool);
}

static void trace_finds_by_address_and_message_id(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	struct told told;
	char first[ID_TEXT + 1], second[ID_TEXT + 1];

	(void)state;
	put(spool, one, 1, first);
	assert_int_equal(end_due(agent, OUTCOME_DELIVERED), 1);
	put(spool, three, 3, second);
	assert_int_equal(end_due(agent, OUTCOME_DEFERRED), 3);
	assert_int_equal(trace_of(spool, "USER@example.com", &told), 1);
	assert_non_null(strstr(told.text, first));
	assert_null(strstr(told.text, second));
	assert_int_equal(trace_of(spool, "<one@example.org>", &told), 2);
	assert_int_equal(trace_of(spool, "sender@example.org", &told), 2);
	assert_int_equal(trace_of(spool, "c d@example.com", &told), 1);
	/* accepted, 3 deferred, 3 now */
	assert_int_equal(told.lines, 7);
	assert_non_null(strstr(told.text, "\"state\":\"deferred\""));
	assert_int_equal(trace_of(spool, "nobody@example.com", &told), 0);
	assert_int_equal(
	    trace_of(spool, "01ARZ3NDEKTSV4RRFFQ69G5FAV", &told), 0);
	spool_agent_close(&agent);
	spool_close(&spool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(status_counts_without_looking),
	    CASE(list_streams_in_order_and_filters),
	    CASE(open_circuits_are_listed_and_retry_probes_them),
	    CASE(retry_is_due_now_and_forgets_no_attempt),
	    CASE(held_mail_waits_until_it_is_released),
	    CASE(a_late_answer_reaches_a_held_delivery),
	    CASE(cancelled_mail_ends_with_its_story),
	    CASE(a_requeued_letter_is_delivered),
	    CASE(letters_that_die_again_at_once_keep_their_file),
	    CASE(requeue_takes_those_of_one_reason),
	    CASE(a_letter_that_was_read_is_found),
	    CASE(a_letter_that_was_removed_is_counted),
	    CASE(a_dropped_letter_is_gone),
	    CASE(many_are_done_in_batches),
	    CASE(a_full_disk_stops_no_operator),
	    CASE(a_failed_commit_changes_nothing),
	    CASE(trace_finds_by_address_and_message_id),
	};

	log_to_fd(2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
