/* Messages in, and what a failing disk or a dead process leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/os.h"
#include "bounds.h"
#include "spool/flight.h"
#include "spool/id.h"
#include "spool/internal.h"
#include "spool/message.h"
#include "spool/pace.h"
#include "spool_fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- cases ------------------------------------------------------------ */

static void a_message_comes_back_as_it_was(void **state)
{
	struct spool *spool = open_spool();
	struct envelope envelope = envelope_for(three, 3);
	static char body[300 * 1024];
	struct message *message;
	struct error err;
	struct id id;

	(void)state;
	envelope.checks.spam_report = "line one\nline two";
	envelope.checks.spf = AUTH_PASS;
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (char)(i * 31 + i / 256);
	/* In memory, at the edge, and streamed. */
	static const size_t sizes[] = {0, 1, 4096, LIMIT_DRAFT_MEMORY - 1,
	    LIMIT_DRAFT_MEMORY, LIMIT_DRAFT_MEMORY + 1, sizeof(body)};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct draft *draft =
		    draft_of(spool, &envelope, body, sizes[i]);
		char text[ID_TEXT + 1], *read = malloc(sizes[i] + 100);
		const struct envelope *got;
		struct source source;
		size_t len;

		memcpy(text, spool_draft_id(draft), ID_TEXT + 1);
		source = spool_draft_source(draft);
		assert_int_equal(source.size, sizes[i]);
		assert_true(
		    source_read(&source, 0, read, sizes[i], &len, &err));
		assert_memory_equal(read, body, sizes[i]);
		assert_int_equal(
		    commit_and_wait(draft, &envelope).kind, ERROR_NONE);
		id = id_of(text);
		assert_true(spool_message_open(spool, &id, &message, &err));
		assert_true(message_verify(message, spool->key, &err));
		got = spool_message_envelope(message);
		assert_string_equal(got->sender, "sender@example.org");
		assert_int_equal(got->recipient_count, 3);
		assert_string_equal(
		    got->recipients[2].address, "c d@example.com");
		assert_string_equal(got->recipients[2].orcpt, "rfc822;c");
		assert_string_equal(got->helo, "mail.example.org");
		assert_null(got->auth_user);
		assert_int_equal(got->checks.spf, AUTH_PASS);
		assert_string_equal(
		    got->checks.spam_report, "line one\nline two");
		source = spool_message_source(message);
		assert_int_equal(source.size, strlen(trace) + sizes[i]);
		assert_true(source_read(
		    &source, 0, read, sizes[i] + strlen(trace), &len, &err));
		assert_memory_equal(read, trace, strlen(trace));
		assert_memory_equal(read + strlen(trace), body, sizes[i]);
		spool_message_close(&message);
		free(read);
	}
	spool_close(&spool);
}

/* However much the checks had to say, also where room was reserved before
 * they spoke. */
static void findings_are_kept_as_far_as_there_is_room(void **state)
{
	static char body[LIMIT_DRAFT_MEMORY + 1], long_text[201];
	struct check_finding findings[LIMIT_FINDINGS];
	struct spool *spool = open_spool();
	struct envelope envelope = envelope_for(one, 1);
	const struct envelope *got;
	struct message *message;
	struct draft *draft;
	char text[ID_TEXT + 1];
	struct error err;
	struct id id;

	(void)state;
	memset(long_text, ' ', sizeof(long_text) - 1);
	for (size_t i = 0; i < LIMIT_FINDINGS; i++)
		findings[i] = (struct check_finding){"spf", "fail",
		    i == 0 ? "-all 192.0.2.1\n" : long_text, (int64_t)i};
	envelope.findings = findings;
	envelope.finding_count = LIMIT_FINDINGS;
	draft = draft_of(spool, &envelope, body, sizeof(body));
	memcpy(text, spool_draft_id(draft), ID_TEXT + 1);
	assert_int_equal(commit_and_wait(draft, &envelope).kind, ERROR_NONE);
	id = id_of(text);
	assert_true(spool_message_open(spool, &id, &message, &err));
	assert_true(message_verify(message, spool->key, &err));
	got = spool_message_envelope(message);
	/* Each blank takes three bytes. */
	assert_int_equal(got->finding_count, 1 + LIMIT_FINDINGS_ROOM / 615);
	assert_string_equal(got->findings[0].check, "spf");
	assert_string_equal(got->findings[0].result, "fail");
	assert_string_equal(got->findings[0].saw, "-all 192.0.2.1\n");
	assert_int_equal(got->findings[5].duration_ms, 5);
	assert_string_equal(got->findings[5].saw, long_text);
	spool_message_close(&message);
	spool_close(&spool);
}

static void what_programs_remember_outlives_them(void **state)
{
	struct spool *spool = open_spool();
	struct buf out = buf_new(100);
	char long_list[200] = {1};
	struct error err;

	(void)state;
	assert_true(spool_recall(spool, "domains", &out, &err));
	assert_int_equal(out.len, 0);
	assert_true(spool_remember(spool, "domains", "a\nb", 3, &err));
	assert_true(spool_remember(spool, "domains", "other", 5, &err));
	assert_true(
	    spool_remember(spool, "long", long_list, sizeof(long_list), &err));
	spool_close(&spool);
	spool = open_spool();
	assert_true(spool_recall(spool, "domains", &out, &err));
	assert_string_equal(buf_text(&out), "other");
	assert_false(spool_recall(spool, "long", &out, &err));
	assert_int_equal(err.kind, ERROR_LIMIT);
	buf_free(&out);
	spool_close(&spool);
}

static void a_failed_sync_refuses_the_mail_and_heals(void **state)
{
	struct spool *spool = open_spool();
	struct envelope envelope = envelope_for(one, 1);
	struct draft *draft = draft_of(spool, &envelope, "x\r\n", 3);
	struct error err = {0};
	char id[ID_TEXT + 1];

	(void)state;
	memcpy(id, spool_draft_id(draft), sizeof(id));
	os_break_for_test(OS_FDATASYNC, 1, EIO, false);
	/* The disk stays broken until we say so. */
	os_break_for_test(OS_FSYNC, 1, EIO, true);
	err = commit_and_wait(draft, &envelope);
	assert_int_equal(err.kind, ERROR_IO);
	assert_int_equal(state_of(spool, id, 0), STATE_COUNT);
	assert_false(spool_healthy(spool, &err));
	assert_false(spool_begin(spool, &envelope, 3, &draft, &err));
	assert_int_equal(err.kind, ERROR_IO);
	expect_files("queue/new", 0);
	os_break_for_test(OS_FSYNC, 0, 0, false);
	for (int i = 0; i < 200 && !spool_healthy(spool, NULL); i++)
		(void)usleep(50000);
	assert_true(spool_healthy(spool, NULL));
	put(spool, one, 1, id);
	spool_close(&spool);
}

static void a_record_without_its_file_was_never_promised(void **state)
{
	char gone[ID_TEXT + 1], stays[ID_TEXT + 1], path[600];
	struct index_txn *txn;
	struct spool *spool;
	struct error err;
	struct id ids[2];

	(void)state;
	spool = open_spool();
	put(spool, one, 1, gone);
	put(spool, one, 1, stays);
	assert_true(id_parse(gone, &ids[0]) && id_parse(stays, &ids[1]));
	/* As after a power cut: both were in flight, one file did not reach
	 * the disk. */
	assert_true(spool_write_begin(spool, &txn, &err));
	flight_put(txn, "00000000000000000000000000", ids, 2);
	assert_true(spool_txn_commit(spool, &txn, &err));
	(void)snprintf(path, sizeof(path), "%s/queue/new/%s", dir, gone);
	assert_int_equal(truncate(path, 100), 0);
	spool_close(&spool);
	spool = open_spool();
	assert_int_equal(state_of(spool, gone, 0), STATE_COUNT);
	assert_int_equal(state_of(spool, stays, 0), STATE_QUEUED);
	expect_files("queue/new", 1);
	/* What was not in flight is not doubted: that would be a lost one. */
	(void)snprintf(path, sizeof(path), "%s/queue/new/%s", dir, stays);
	assert_int_equal(unlink(path), 0);
	spool_close(&spool);
	spool = open_spool();
	assert_int_equal(state_of(spool, stays, 0), STATE_QUEUED);
	spool_close(&spool);
}

static void a_full_disk_refuses_mail_and_nothing_else(void **state)
{
	struct spool *spool = open_spool();
	struct envelope envelope = envelope_for(one, 1);
	struct draft *draft;
	struct error err;
	char id[ID_TEXT + 1];

	(void)state;
	draft = draft_of(spool, &envelope, "x\r\n", 3);
	os_break_for_test(OS_WRITE, 1, ENOSPC, false);
	err = commit_and_wait(draft, &envelope);
	assert_int_equal(err.kind, ERROR_FULL);
	draft = draft_of(spool, &envelope, "x\r\n", 3);
	os_break_for_test(OS_FDATASYNC, 1, ENOSPC, false);
	err = commit_and_wait(draft, &envelope);
	assert_int_equal(err.kind, ERROR_FULL);
	assert_true(spool_healthy(spool, NULL));
	expect_files("queue/new", 0);
	put(spool, one, 1, id);
	expect_files("queue/new", 1);
	spool_close(&spool);
}

/* Of what the disk has free beyond the floor, drafts under way hold as much as
 * they said they would be. */
static void drafts_under_way_count_as_written(void **state)
{
	const uint64_t left = UINT64_C(4) << 28, part = UINT64_C(3) << 28;
	struct spool *spool = open_spool();
	struct envelope envelope = envelope_for(one, 1);
	uint64_t free_bytes, floor_bytes;
	struct draft *draft, *second;
	struct scratch *scratch;
	struct error err;

	(void)state;
	room_look(&spool->room, &free_bytes, &floor_bytes);
	assert_true(free_bytes > left);
	spool->room.min_bytes = free_bytes - left;
	clock_set_for_test(-1, clock_mono_ms() + 1000); /* it asks again */
	assert_true(spool_has_room(spool, part, &err));
	assert_true(spool_begin(spool, &envelope, part, &draft, &err));
	assert_false(spool_has_room(spool, part, &err));
	assert_false(spool_begin(spool, &envelope, part, &second, &err));
	assert_int_equal(err.kind, ERROR_FULL);
	assert_null(second);
	assert_false(spool_scratch_open(spool, part, &scratch, &err));
	assert_int_equal(err.kind, ERROR_FULL);
	spool_discard(&draft);
	assert_true(spool_scratch_open(spool, part, &scratch, &err));
	assert_false(spool_begin(spool, &envelope, part, &draft, &err));
	spool_scratch_close(&scratch);
	assert_true(spool_begin(spool, &envelope, part, &draft, &err));
	/* One that does not say may become the largest. */
	spool->options.max_message_bytes = part;
	assert_false(spool_has_room(spool, 0, &err));
	spool_discard(&draft);
	assert_true(spool_has_room(spool, 0, &err));
	clock_set_for_test(-1, -1);
	spool_close(&spool);
}

/* A child that opens the spool, puts a message, claims it and is killed. */
static void crash_with_a_claim(void)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct spool *spool = open_spool();
		struct agent *agent = open_agent(spool, &policy);
		struct envelope envelope = envelope_for(one, 1);
		static char big[200 * 1024];
		struct work *works[1];
		char id[ID_TEXT + 1];

		put(spool, one, 1, id);
		(void)turn(agent, NULL, 0, works, 1);
		(void)draft_of(spool, &envelope, big, sizeof(big));
		(void)kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static void a_killed_process_leaves_no_claim_and_no_half_message(void **state)
{
	struct work *works[2];
	struct agent *agent;
	struct spool *spool;

	(void)state;
	crash_with_a_claim();
	expect_files("queue/tmp", 1);
	spool = open_spool();
	/* The dead writer's folder went, ours is there. */
	expect_files("queue/tmp", 1);
	expect_files("orphan/new", 0);
	agent = open_agent(spool, &policy);
	assert_int_equal(turn(agent, NULL, 0, works, 2), 1);
	assert_int_equal(works[0]->attempt, 2);
	spool_work_free(&works[0]);
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void a_file_without_a_record_is_set_aside(void **state)
{
	char from[600], to[600], id[ID_TEXT + 1];
	struct index_txn *txn;
	struct spool *spool;
	struct error err;
	struct id binary;
	struct key key;

	(void)state;
	spool = open_spool();
	put(spool, one, 1, id);
	/* As if the process had died before the commit: no record, and the
	 * second name still there. */
	binary = id_of(id);
	assert_true(spool_write_begin(spool, &txn, &err));
	key = message_key(&binary);
	index_delete(txn, TABLE_MESSAGE, key_bytes(&key));
	assert_true(spool_txn_commit(spool, &txn, &err));
	(void)snprintf(from, sizeof(from), "%s/queue/new/%s", dir, id);
	(void)snprintf(to, sizeof(to), "%s/queue/tmp/%s", dir,
	    "00000000000000000000000000");
	assert_int_equal(mkdir(to, 0700), 0);
	(void)snprintf(to, sizeof(to), "%s/queue/tmp/%s/%s", dir,
	    "00000000000000000000000000", id);
	assert_int_equal(link(from, to), 0);
	spool_close(&spool);
	spool = open_spool();
	expect_files("orphan/new", 1);
	expect_files("queue/new", 0);
	spool_close(&spool);
}

static void recovery_unlinks_what_is_doomed_and_forgets_it(void **state)
{
	struct spool *spool = open_spool();
	char text[ID_TEXT + 1];
	struct index_txn *txn;
	struct error err;
	struct id id;
	struct key key;

	(void)state;
	put(spool, one, 1, text);
	/* As if its agent had died after the turn that finished it. */
	id = id_of(text);
	assert_true(spool_write_begin(spool, &txn, &err));
	key = message_key(&id);
	index_delete(txn, TABLE_MESSAGE, key_bytes(&key));
	key = doomed_key(&id);
	index_put(txn, TABLE_DOOMED, key_bytes(&key), (struct bytes){"\1", 1});
	assert_true(spool_txn_commit(spool, &txn, &err));
	spool_close(&spool);
	spool = open_spool();
	expect_files("queue/new", 0);
	expect_files("orphan/new", 0);
	assert_true(spool_read_begin(spool, &txn, &err));
	assert_int_equal(index_count(txn, TABLE_DOOMED), 0);
	spool_txn_abort(spool, &txn);
	spool_close(&spool);
}

static void a_missing_index_with_mail_wants_rebuild(void **state)
{
	struct spool_options options = {
	    .dir = dir, .access = SPOOL_WRITE, .create = true};
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1], path[600];
	struct error err = {0};

	(void)state;
	put(spool, one, 1, id);
	spool_close(&spool);
	(void)snprintf(path, sizeof(path), "%s/index/data.mdb", dir);
	assert_int_equal(unlink(path), 0);
	assert_false(spool_open(&options, &spool, &err));
	assert_int_equal(err.kind, ERROR_CORRUPT);
	assert_non_null(strstr(err.text, "rebuild"));
	/* Garbage, and a file that was cut short. */
	FILE *file = fopen(path, "w");

	for (int i = 0; i < 9000; i++)
		(void)fputc(i, file);
	(void)fclose(file);
	assert_false(spool_open(&options, &spool, &err));
	assert_int_equal(err.kind, ERROR_CORRUPT);
	expect_files("queue/new", 1);
}

static void another_secret_is_refused(void **state)
{
	struct spool_options options = {
	    .dir = dir, .access = SPOOL_WRITE, .create = true};
	struct spool *spool = open_spool();
	struct error err = {0};
	char path[600];
	FILE *file;

	(void)state;
	spool_close(&spool);
	(void)snprintf(path, sizeof(path), "%s/secret", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < SPOOL_KEY_BYTES; i++)
		(void)fputc('x', file);
	(void)fclose(file);
	assert_false(spool_open(&options, &spool, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.text, "secret"));
	/* One that is gone is not made anew. */
	assert_int_equal(unlink(path), 0);
	assert_false(spool_open(&options, &spool, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void only_a_spool_is_opened(void **state)
{
	struct spool_options options = {.dir = dir, .access = SPOOL_READ};
	struct spool *spool;
	struct error err = {0};

	(void)state;
	assert_false(spool_open(&options, &spool, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.text, "is not a spool"));
	options.dir = "/nowhere/at/all";
	assert_false(spool_open(&options, &spool, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
}

static void the_map_grows_by_itself(void **state)
{
	struct spool_options options = {.dir = dir,
	    .access = SPOOL_WRITE,
	    .create = true,
	    .max_message_bytes = 1 << 20,
	    .map_size = 256 * 1024};
	struct spool *spool;
	struct error err;
	char id[ID_TEXT + 1];

	(void)state;
	assert_true(spool_open(&options, &spool, &err));
	for (int i = 0; i < 500; i++)
		put(spool, three, 3, id);
	assert_int_equal(state_of(spool, id, 2), STATE_QUEUED);
	spool_close(&spool);
}

static void a_group_costs_one_sync_of_its_files(void **state)
{
	struct spool *spool = open_spool();
	uint64_t files, folders, whole;
	char id[ID_TEXT + 1];

	(void)state;
	/* More than once, so that both ways are seen. */
	for (int i = 0; i < 5; i++) {
		files = os_count_for_test(OS_FDATASYNC);
		folders = os_count_for_test(OS_FSYNC);
		whole = os_count_for_test(OS_SYNCFS);
		put(spool, one, 1, id);
		files = os_count_for_test(OS_FDATASYNC) - files;
		folders = os_count_for_test(OS_FSYNC) - folders;
		whole = os_count_for_test(OS_SYNCFS) - whole;
		/* The file and its folder, or all at once; the index syncs
		 * itself. */
		assert_int_equal(files, folders);
		assert_int_equal(files + whole, 1);
	}
	spool_close(&spool);
}

static void the_faster_way_to_sync_is_found_and_found_again(void **state)
{
	struct pace pace = {0};
	unsigned tries = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		enum sync_way way = pace_choose(&pace, 1);

		tries += way == SYNC_WHOLE;
		pace_learn(&pace, 1, way, way == SYNC_EACH ? 300 : 500);
	}
	assert_in_range(tries, 2, 10);
	/* One stall does not turn it over; a change of the disk does. */
	pace_learn(&pace, 1, SYNC_EACH, 1000000);
	assert_int_equal(pace_choose(&pace, 1), SYNC_EACH);
	for (int i = 0; i < 300; i++) {
		enum sync_way way = pace_choose(&pace, 1);

		pace_learn(&pace, 1, way, way == SYNC_EACH ? 900 : 500);
	}
	assert_int_equal(pace_choose(&pace, 1), SYNC_WHOLE);
	assert_int_equal(pace_choose(&pace, 400), SYNC_WHOLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(findings_are_kept_as_far_as_there_is_room),
	    CASE(a_message_comes_back_as_it_was),
	    CASE(what_programs_remember_outlives_them),
	    CASE(a_failed_sync_refuses_the_mail_and_heals),
	    CASE(a_record_without_its_file_was_never_promised),
	    CASE(a_full_disk_refuses_mail_and_nothing_else),
	    CASE(drafts_under_way_count_as_written),
	    CASE(a_killed_process_leaves_no_claim_and_no_half_message),
	    CASE(a_file_without_a_record_is_set_aside),
	    CASE(recovery_unlinks_what_is_doomed_and_forgets_it),
	    CASE(a_missing_index_with_mail_wants_rebuild),
	    CASE(another_secret_is_refused),
	    CASE(only_a_spool_is_opened),
	    CASE(the_map_grows_by_itself),
	    CASE(a_group_costs_one_sync_of_its_files),
	    CASE(the_faster_way_to_sync_is_found_and_found_again),
	};

	log_to_fd(2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
