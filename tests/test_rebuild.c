/* A new index from the files: what it knows, what it refuses, and what is left
 * when it is interrupted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/os.h"
#include "spool/flight.h"
#include "spool/idempotency.h"
#include "spool/internal.h"
#include "spool/rebuild.h"
#include "spool/rebuild_states.h"
#include "spool_damage.h"
#include "spool_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- helpers ---------------------------------------------------------- */

static const struct rebuild_options quiet = {.found = on_found};

static struct spool *open_alone(void)
{
	struct spool_options options = {.dir = dir, .access = SPOOL_EXCLUSIVE};
	struct spool *spool;
	struct error err = {0};

	if (!spool_open(&options, &spool, &err))
		fail_msg("%s", err.text);
	return spool;
}

static struct rebuild_report rebuild(void)
{
	struct spool *spool = open_alone();
	struct rebuild_report report;
	struct error err = {0};

	if (!spool_rebuild(spool, &quiet, &report, &err))
		fail_msg("%s", err.text);
	spool_close(&spool);
	return report;
}

static void remove_index(void)
{
	char path[600];

	path_of(path, "index", "data.mdb");
	assert_int_equal(unlink(path), 0);
}

/* Claims all that is due and ends it as the string says, one letter each:
 * D delivered, X dead, R retried, O delivered and omitted. */
static size_t end_as(struct spool *spool, const char *kinds)
{
	struct agent *agent = open_agent(spool, &policy);
	struct outcome ends[16];
	struct work *works[16];
	size_t got = turn(agent, NULL, 0, works, 16), wanted = strlen(kinds);

	if (wanted > 0)
		assert_int_equal(got, wanted);
	for (size_t i = 0; i < got; i++) {
		char kind = wanted > 0 ? kinds[i] : 'D';

		ends[i] = outcome_of(&works[i],
		    kind == 'X'   ? OUTCOME_DEAD
		    : kind == 'R' ? OUTCOME_DEFERRED
				  : OUTCOME_DELIVERED,
		    BLAME_MESSAGE);
		ends[i].content_omitted = kind == 'O';
	}
	(void)turn(agent, ends, got, works, 0);
	spool_agent_close(&agent);
	return got;
}

static struct delivery_row row_of(
    struct spool *spool, const char *text, unsigned recipient)
{
	struct delivery_row row;
	struct index_txn *txn;
	struct error err;
	struct id id = id_of(text);

	assert_true(spool_read_begin(spool, &txn, &err));
	assert_true(delivery_get(txn, &id, recipient, &row));
	spool_txn_abort(spool, &txn);
	return row;
}

/* --- from the files alone --------------------------------------------- */

static void a_lost_index_is_made_again(void **state)
{
	struct spool *spool = open_spool();
	struct rebuild_report report;
	struct operator_status status;
	struct error err;
	char id[ID_TEXT + 1];

	(void)state;
	for (int i = 0; i < 20; i++)
		put(spool, three, 3, id);
	spool_close(&spool);
	remove_index();
	report = rebuild();
	assert_int_equal(report.messages, 20);
	assert_int_equal(report.deliveries[STATE_QUEUED], 60);
	assert_false(report.old_read);
	spool = open_spool();
	expect_clean(spool);
	assert_true(operator_status(spool, &status, &err));
	assert_int_equal(status.messages, 20);
	assert_int_equal(end_as(spool, ""), 16);
	spool_close(&spool);
}

static void status_bytes_are_obeyed(void **state)
{
	struct spool *spool = open_spool();
	char first[ID_TEXT + 1], second[ID_TEXT + 1];

	(void)state;
	put(spool, three, 3, first);
	assert_int_equal(end_as(spool, "DXR"), 3);
	put(spool, three, 3, second);
	(void)act(spool, (struct operator_order){.verb = OPERATOR_HOLD,
			     .filter = {.recipient = "b@example.com"}});
	(void)act(spool, (struct operator_order){.verb = OPERATOR_CANCEL,
			     .filter = {.recipient = "a@example.com"}});
	spool_close(&spool);
	remove_index();
	(void)rebuild();
	spool = open_spool();
	expect_clean(spool);
	assert_int_equal(state_of(spool, first, 0), STATE_DELIVERED);
	assert_int_equal(state_of(spool, first, 1), STATE_DEAD);
	assert_int_equal(state_of(spool, first, 2), STATE_QUEUED);
	assert_string_equal(row_of(spool, first, 1).reason, "unknown");
	assert_int_equal(state_of(spool, second, 0), STATE_CANCELLED);
	assert_int_equal(state_of(spool, second, 1), STATE_HELD);
	assert_int_equal(state_of(spool, second, 2), STATE_QUEUED);
	/* Whoever has it does not get it again. */
	assert_int_equal(end_as(spool, "DD"), 2);
	expect_files("queue/new", 1);
	expect_files("dead/new", 1);
	spool_close(&spool);
}

static void dead_letters_stay_dead(void **state)
{
	struct spool *spool = open_spool();
	char whole[ID_TEXT + 1], omitted[ID_TEXT + 1], read[ID_TEXT + 1];
	char from[600], to[600];

	(void)state;
	put(spool, one, 1, whole);
	assert_int_equal(end_as(spool, "X"), 1);
	put(spool, one, 1, omitted);
	assert_int_equal(end_as(spool, "O"), 1);
	put(spool, one, 1, read);
	assert_int_equal(end_as(spool, "X"), 1);
	spool_close(&spool);
	path_of(from, "dead/new", read);
	(void)snprintf(to, sizeof(to), "%s/dead/cur/%s:2,S", dir, read);
	assert_int_equal(rename(from, to), 0);
	/* This one's byte did not reach the disk. */
	path_of(from, "dead/new", whole);
	flip(from, ENVELOPE_STATUS_OFFSET, STATUS_QUEUED);
	remove_index();
	(void)rebuild();
	spool = open_spool();
	assert_int_equal(state_of(spool, whole, 0), STATE_DEAD);
	assert_int_equal(state_of(spool, omitted, 0), STATE_DEAD);
	assert_string_equal(
	    row_of(spool, omitted, 0).reason, "content_omitted");
	assert_int_equal(state_of(spool, read, 0), STATE_DEAD);
	assert_int_equal(end_as(spool, ""), 0);
	expect_files("queue/new", 0);
	spool_close(&spool);
}

static void files_are_put_where_they_belong(void **state)
{
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1], from[600], to[600];
	struct rebuild_report report;

	(void)state;
	/* A dead letter with a name left in the queue; a live message that
	 * lost its name there to another box. */
	put(spool, one, 1, id);
	assert_int_equal(end_as(spool, "X"), 1);
	path_of(from, "dead/new", id);
	path_of(to, "queue/new", id);
	assert_int_equal(link(from, to), 0);
	put(spool, three, 3, id);
	assert_int_equal(end_as(spool, "DXR"), 3);
	path_of(from, "queue/new", id);
	assert_int_equal(unlink(from), 0);
	spool_close(&spool);
	report = rebuild();
	assert_int_equal(report.found[FINDING_NAME], 2);
	spool = open_spool();
	expect_clean(spool);
	expect_files("queue/new", 1);
	expect_files("dead/new", 2);
	spool_close(&spool);
}

static void only_sound_messages_of_ours_are_taken(void **state)
{
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1], good[ID_TEXT + 1], path[600], other[600];
	struct rebuild_report report;
	FILE *file;

	(void)state;
	put(spool, one, 1, good);
	put(spool, one, 1, id);
	path_of(path, "queue/new", id);
	flip(path, 200, '#'); /* its envelope */
	put(spool, one, 1, id);
	path_of(path, "queue/new", id);
	assert_int_equal(truncate(path, 50), 0);
	put(spool, one, 1, id);
	path_of(path, "queue/new", id);
	path_of(other, "queue/new", "00000000000000000000000001");
	assert_int_equal(rename(path, other), 0);
	/* Forged: a header of ours, made without the secret. */
	path_of(path, "queue/new", "00000000000000000000000002");
	file = fopen(path, "w");
	assert_non_null(file);
	(void)fprintf(file,
	    "X-Elektrine-Spool: 1 0000210 0000000 000000000002 %064d\r\n", 0);
	(void)fclose(file);
	/* Dropped by hand. */
	path_of(path, "queue/new", "1700000000.M1P1.host");
	file = fopen(path, "w");
	assert_non_null(file);
	(void)fputs("Subject: hello\n\n", file);
	(void)fclose(file);
	spool_close(&spool);
	remove_index();
	report = rebuild();
	assert_int_equal(report.messages, 1);
	assert_int_equal(report.set_aside, 4);
	assert_int_equal(report.found[FINDING_DAMAGED], 4);
	assert_int_equal(report.found[FINDING_FOREIGN], 1);
	expect_files("orphan/new", 4);
	expect_files("queue/new", 2);
	spool = open_spool();
	assert_int_equal(state_of(spool, good, 0), STATE_QUEUED);
	assert_int_equal(end_as(spool, "D"), 1);
	spool_close(&spool);
}

static void a_renamed_message_is_taken_by_its_own_name(void **state)
{
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1], from[600], to[600];

	(void)state;
	put(spool, one, 1, id);
	spool_close(&spool);
	path_of(from, "queue/new", id);
	path_of(to, "queue/cur", "mine:2,S");
	assert_int_equal(rename(from, to), 0);
	remove_index();
	assert_int_equal(rebuild().found[FINDING_MISNAMED], 1);
	spool = open_spool();
	expect_clean(spool);
	assert_int_equal(end_as(spool, "D"), 1);
	spool_close(&spool);
}

static void damaged_status_bytes_deliver_again(void **state)
{
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1], path[600];
	struct rebuild_report report;

	(void)state;
	put(spool, three, 3, id);
	spool_close(&spool);
	path_of(path, "queue/new", id);
	for (int i = 0; i < 3; i++)
		flip(path, ENVELOPE_STATUS_OFFSET + i, '?');
	remove_index();
	report = rebuild();
	assert_int_equal(report.found[FINDING_STATUS], 1);
	assert_int_equal(report.deliveries[STATE_QUEUED], 3);
}

/* --- with the old index ----------------------------------------------- */

static void what_files_cannot_tell_is_carried_over(void **state)
{
	struct spool *spool = open_spool();
	const struct idempotency_row used = {.expires_ms = INT64_MAX / 2};
	struct operator_status before, after;
	struct delivery_row was, is;
	struct index_txn *txn;
	struct bytes value;
	struct error err;
	char id[ID_TEXT + 1], done[ID_TEXT + 1];

	(void)state;
	put(spool, one, 1, done);
	assert_int_equal(end_as(spool, "D"), 1);
	put(spool, three, 3, id);
	assert_int_equal(end_as(spool, "RXR"), 3);
	was = row_of(spool, id, 2);
	assert_true(spool_write_begin(spool, &txn, &err));
	meta_put(txn, "domains", "example.com", 11);
	idempotency_put(txn, clock_wall_ms(), &used);
	assert_true(spool_txn_commit(spool, &txn, &err));
	assert_true(operator_status(spool, &before, &err));
	spool_close(&spool);
	assert_true(rebuild().old_read);
	spool = open_spool();
	expect_clean(spool);
	is = row_of(spool, id, 2);
	assert_int_equal(is.state, STATE_DEFERRED);
	assert_int_equal(is.tries, was.tries);
	assert_int_equal(is.attempts, was.attempts);
	assert_int_equal(is.due_ms, was.due_ms);
	assert_int_equal(is.age_ms, was.age_ms);
	assert_string_equal(is.reason, "test");
	assert_string_equal(row_of(spool, id, 1).reason, "test");
	assert_true(spool_read_begin(spool, &txn, &err));
	assert_true(meta_get(txn, "domains", &value));
	assert_int_equal(index_count(txn, TABLE_IDEMPOTENCY), 2);
	assert_int_equal(index_count(txn, TABLE_EVENT), 3);
	spool_txn_abort(spool, &txn);
	assert_true(operator_status(spool, &after, &err));
	assert_memory_equal(
	    &after.deliveries, &before.deliveries, sizeof(after.deliveries));
	assert_int_equal(after.accepted, before.accepted);
	assert_int_equal(after.delivered, before.delivered);
	assert_int_equal(after.bytes, before.bytes);
	spool_close(&spool);
}

static void an_outcome_whose_byte_was_lost_is_remembered(void **state)
{
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1], path[600];

	(void)state;
	put(spool, three, 3, id);
	assert_int_equal(end_as(spool, "DRR"), 3);
	spool_close(&spool);
	path_of(path, "queue/new", id);
	flip(path, ENVELOPE_STATUS_OFFSET, STATUS_QUEUED);
	(void)rebuild();
	spool = open_spool();
	assert_int_equal(state_of(spool, id, 0), STATE_DELIVERED);
	spool_close(&spool);
}

static void claims_of_the_old_index_are_nobodys(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	struct work *works[1];
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, one, 1, id);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	spool_work_free(&works[0]);
	spool_agent_close(&agent);
	spool_close(&spool);
	(void)rebuild();
	spool = open_spool();
	agent = open_agent(spool, &policy);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	assert_int_equal(works[0]->attempt, 2);
	spool_work_free(&works[0]);
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void lost_messages_stay_in_sight(void **state)
{
	struct spool *spool = open_spool();
	char lost[ID_TEXT + 1], removed[ID_TEXT + 1], bad[ID_TEXT + 1];
	struct rebuild_report report;
	char path[600];

	(void)state;
	put(spool, one, 1, removed);
	assert_int_equal(end_as(spool, "X"), 1);
	put(spool, three, 3, lost);
	put(spool, one, 1, bad);
	spool_close(&spool);
	path_of(path, "dead/new", removed);
	assert_int_equal(unlink(path), 0);
	path_of(path, "queue/new", lost);
	assert_int_equal(unlink(path), 0);
	path_of(path, "queue/new", bad);
	assert_int_equal(truncate(path, 100), 0);
	report = rebuild();
	assert_int_equal(report.found[FINDING_LOST], 1);
	assert_int_equal(report.found[FINDING_REMOVED], 1);
	assert_int_equal(report.found[FINDING_DAMAGED], 1);
	spool = open_spool();
	assert_int_equal(state_of(spool, lost, 2), STATE_DEAD);
	assert_string_equal(row_of(spool, lost, 2).reason, "lost");
	assert_string_equal(row_of(spool, bad, 0).reason, "damaged");
	assert_int_equal(state_of(spool, removed, 0), STATE_COUNT);
	assert_int_equal(end_as(spool, ""), 0);
	spool_close(&spool);
	/* And again. */
	report = rebuild();
	assert_int_equal(report.found[FINDING_LOST], 1);
	assert_int_equal(report.messages, 2);
}

static void a_part_of_the_old_index_is_of_use(void **state)
{
	struct spool *spool = open_spool();
	struct rebuild_report report;
	struct index_txn *txn;
	struct error err;
	struct stat st;
	char id[ID_TEXT + 1], path[600];

	(void)state;
	for (int i = 0; i < 300; i++)
		put(spool, three, 3, id);
	assert_true(spool_write_begin(spool, &txn, &err));
	meta_put(txn, "domains", "example.com", 11);
	assert_true(spool_txn_commit(spool, &txn, &err));
	spool_close(&spool);
	/* A few pages in the middle: whatever they held. */
	path_of(path, "index", "data.mdb");
	assert_int_equal(stat(path, &st), 0);
	for (long at = st.st_size / 4096 / 2 * 4096;
	     at < st.st_size / 2 + 40000; at += 3)
		flip(path, at, (char)(at * 17));
	report = rebuild();
	assert_int_equal(report.messages, 300);
	assert_int_not_equal(report.found[FINDING_INDEX], 0);
	spool = open_spool();
	expect_clean(spool);
	spool_close(&spool);
}

static void the_index_of_another_spool_is_of_none(void **state)
{
	struct spool *spool = open_spool();
	struct index_txn *txn;
	struct rebuild_report report;
	struct error err;
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, one, 1, id);
	assert_int_equal(end_as(spool, "R"), 1);
	assert_true(spool_write_begin(spool, &txn, &err));
	meta_put(txn, "uuid", "00000000-0000-0000-0000-000000000000", 36);
	assert_true(spool_txn_commit(spool, &txn, &err));
	spool_close(&spool);
	report = rebuild();
	assert_false(report.old_read);
	assert_int_equal(report.carried, 0);
	spool = open_spool();
	assert_int_equal(row_of(spool, id, 0).tries, 0);
	spool_close(&spool);
}

static void a_record_in_flight_without_its_file_is_no_loss(void **state)
{
	struct spool *spool = open_spool();
	struct rebuild_report report;
	char id[ID_TEXT + 1], path[600];
	struct index_txn *txn;
	struct error err;
	struct id binary;

	(void)state;
	put(spool, one, 1, id);
	spool_close(&spool);
	/* As a power cut leaves it that takes the file and not the record. */
	spool = open_spool();
	binary = id_of(id);
	assert_true(spool_write_begin(spool, &txn, &err));
	flight_put(txn, "00000000000000000000000000", &binary, 1);
	assert_true(spool_txn_commit(spool, &txn, &err));
	spool_close(&spool);
	path_of(path, "queue/new", id);
	assert_int_equal(unlink(path), 0);
	report = rebuild();
	assert_int_equal(report.found[FINDING_LOST], 0);
	assert_int_equal(report.messages, 0);
}

static void what_was_never_acknowledged_is_set_aside(void **state)
{
	struct spool *spool = open_spool();
	struct id binary;
	struct index_txn *txn;
	struct error err;
	struct key key;
	char id[ID_TEXT + 1], from[600], to[600];

	(void)state;
	put(spool, one, 1, id);
	binary = id_of(id);
	assert_true(spool_write_begin(spool, &txn, &err));
	key = message_key(&binary);
	index_delete(txn, TABLE_MESSAGE, key_bytes(&key));
	assert_true(spool_txn_commit(spool, &txn, &err));
	path_of(to, "queue/tmp", "00000000000000000000000000");
	assert_int_equal(mkdir(to, 0700), 0);
	path_of(from, "queue/new", id);
	(void)snprintf(to, sizeof(to), "%s/queue/tmp/%s/%s", dir,
	    "00000000000000000000000000", id);
	assert_int_equal(link(from, to), 0);
	spool_close(&spool);
	assert_int_equal(rebuild().messages, 0);
	spool = open_spool();
	expect_files("orphan/new", 1);
	expect_files("queue/new", 0);
	spool_close(&spool);
	/* Without an index that would know it, it is mail. */
	path_of(from, "orphan/new", id);
	path_of(to, "queue/new", id);
	assert_int_equal(rename(from, to), 0);
	remove_index();
	assert_int_equal(rebuild().messages, 1);
}

/* --- interrupted ------------------------------------------------------ */

static void it_wants_the_spool_for_itself(void **state)
{
	struct spool_options options = {.dir = dir, .access = SPOOL_EXCLUSIVE};
	struct spool *spool = open_spool(), *second;
	struct error err = {0};

	(void)state;
	assert_false(spool_open(&options, &second, &err));
	assert_int_equal(err.kind, ERROR_BUSY);
	spool_close(&spool);
}

static void a_failing_disk_leaves_the_old_index(void **state)
{
	static const enum os_call calls[] = {OS_FSYNC, OS_RENAME};
	struct spool *spool = open_spool();
	struct rebuild_report report;
	struct error err = {0};
	char id[ID_TEXT + 1], path[600];

	(void)state;
	put(spool, three, 3, id);
	assert_int_equal(end_as(spool, "DRR"), 3);
	spool_close(&spool);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		for (unsigned nth = 1; nth < 6; nth++) {
			bool done;

			spool = open_alone();
			os_break_for_test(calls[i], nth, EIO, false);
			done = spool_rebuild(spool, &quiet, &report, &err);
			os_break_for_test(calls[i], 0, 0, false);
			spool_close(&spool);
			path_of(path, "index.new", "");
			assert_int_not_equal(access(path, F_OK), 0);
			spool = open_spool();
			assert_int_equal(
			    state_of(spool, id, 0), STATE_DELIVERED);
			assert_int_equal(row_of(spool, id, 1).tries, 1);
			expect_clean(spool);
			spool_close(&spool);
			if (done)
				break;
		}
	}
}

static void a_full_disk_gets_the_ballast(void **state)
{
	struct spool *spool = open_spool();
	struct rebuild_report report;
	struct error err = {0};
	char id[ID_TEXT + 1], path[600];

	(void)state;
	put(spool, one, 1, id);
	spool_close(&spool);
	spool = open_alone();
	os_break_for_test(OS_FSYNC, 1, ENOSPC, false);
	assert_true(spool_rebuild(spool, &quiet, &report, &err));
	assert_int_equal(report.messages, 1);
	path_of(path, "run", "ballast");
	assert_int_not_equal(access(path, F_OK), 0);
	spool_close(&spool);
}

/* Killed at any moment: the old index or the new one, and all mail. */
static void killed_at_any_moment_nothing_is_lost(void **state)
{
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1];

	(void)state;
	for (int i = 0; i < 100; i++)
		put(spool, three, 3, id);
	spool_close(&spool);
	for (useconds_t delay = 0; delay < 60000; delay += 2500) {
		pid_t child = fork();
		int status;

		if (child == 0) {
			(void)rebuild();
			_exit(0);
		}
		(void)usleep(delay);
		(void)kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		spool = open_spool();
		expect_clean(spool);
		assert_int_equal(state_of(spool, id, 2), STATE_QUEUED);
		spool_close(&spool);
	}
	assert_int_equal(rebuild().messages, 100);
}

/* --- the decision, as a table ----------------------------------------- */

static void evidence_is_weighed(void **state)
{
	static const struct {
		char byte;
		bool in_queue, in_dead;
		int old; /* state, or -1 */
		const char *reason;
		enum delivery_state expected;
	} cases[] = {
	    {'Q', true, false, -1, "", STATE_QUEUED},
	    {'D', true, false, -1, "", STATE_DELIVERED},
	    {'C', true, false, -1, "", STATE_CANCELLED},
	    {'H', true, false, -1, "", STATE_HELD},
	    {'X', true, false, -1, "", STATE_DEAD},
	    {'X', false, true, -1, "", STATE_DEAD},
	    /* Requeued, or dying: the queue has the word. */
	    {'Q', true, true, -1, "", STATE_QUEUED},
	    /* Dead, and the byte was lost. */
	    {'Q', false, true, -1, "", STATE_DEAD},
	    {'H', false, true, -1, "", STATE_DEAD},
	    /* Delivered, but not whole. */
	    {'D', false, true, -1, "", STATE_DEAD},
	    {'D', true, false, STATE_DEAD, "content_omitted", STATE_DEAD},
	    {'D', true, false, STATE_DEAD, "expired", STATE_DELIVERED},
	    {'C', false, true, -1, "", STATE_CANCELLED},
	    /* The old index is newer than a byte that says queued ... */
	    {'Q', true, false, STATE_DELIVERED, "", STATE_DELIVERED},
	    {'Q', true, false, STATE_CANCELLED, "", STATE_CANCELLED},
	    {'Q', true, true, STATE_DEAD, "expired", STATE_DEAD},
	    /* ... but not than one that an operator wrote. */
	    {'Q', true, false, STATE_HELD, "", STATE_DEFERRED},
	    {'H', true, false, STATE_DEFERRED, "", STATE_HELD},
	    {'D', true, false, STATE_QUEUED, "", STATE_DELIVERED},
	    {'X', true, false, STATE_CLAIMED, "", STATE_DEAD},
	    {'Q', true, false, STATE_CLAIMED, "", STATE_DEFERRED},
	};
	const struct recipient to = {
	    .address = "a@example.com", .lane = LANE_WEBHOOK};
	const struct envelope envelope = {
	    .sender = "", .recipients = &to, .recipient_count = 1};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *arena = arena_new();
		struct rebuild_evidence evidence = {.status = &cases[i].byte,
		    .in_queue = cases[i].in_queue,
		    .in_dead = cases[i].in_dead};
		struct message_rows rows, old;
		unsigned unclear;

		message_rows_make(&rows, &envelope, 100, arena);
		message_rows_make(&old, &envelope, 100, arena);
		old.deliveries[0].tries = 1;
		old.deliveries[0].reason = cases[i].reason;
		if (cases[i].old >= 0) {
			old.deliveries[0].state =
			    (enum delivery_state)cases[i].old;
			evidence.old = &old;
		}
		(void)rebuild_decide(&rows, &evidence, 1000, &unclear);
		if (rows.deliveries[0].state != cases[i].expected)
			fail_msg("case %zu: %s", i,
			    delivery_state_name(rows.deliveries[0].state));
		arena_free(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_lost_index_is_made_again),
	    CASE(status_bytes_are_obeyed),
	    CASE(dead_letters_stay_dead),
	    CASE(files_are_put_where_they_belong),
	    CASE(only_sound_messages_of_ours_are_taken),
	    CASE(a_renamed_message_is_taken_by_its_own_name),
	    CASE(damaged_status_bytes_deliver_again),
	    CASE(what_files_cannot_tell_is_carried_over),
	    CASE(an_outcome_whose_byte_was_lost_is_remembered),
	    CASE(claims_of_the_old_index_are_nobodys),
	    CASE(lost_messages_stay_in_sight),
	    CASE(a_part_of_the_old_index_is_of_use),
	    CASE(the_index_of_another_spool_is_of_none),
	    CASE(a_record_in_flight_without_its_file_is_no_loss),
	    CASE(what_was_never_acknowledged_is_set_aside),
	    CASE(it_wants_the_spool_for_itself),
	    CASE(a_failing_disk_leaves_the_old_index),
	    CASE(a_full_disk_gets_the_ballast),
	    CASE(killed_at_any_moment_nothing_is_lost),
	    cmocka_unit_test(evidence_is_weighed),
	};

	log_to_fd(2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
