/* Damaged spools: what fsck says of them, and that its repair is enough. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "spool/internal.h"
#include "spool/message.h"
#include "spool_damage.h"
#include "spool_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- helpers ---------------------------------------------------------- */

static void drop_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	(void)fputs(text, file);
	(void)fclose(file);
}

static struct index_txn *begin(struct spool *spool)
{
	struct index_txn *txn;
	struct error err = {0};

	if (!spool_write_begin(spool, &txn, &err))
		fail_msg("%s", err.text);
	return txn;
}

static void commit(struct spool *spool, struct index_txn **txn)
{
	struct error err = {0};

	if (!spool_txn_commit(spool, txn, &err))
		fail_msg("%s", err.text);
}

static void delete_row(
    struct spool *spool, enum index_table table, struct key key)
{
	struct index_txn *txn = begin(spool);

	index_delete(txn, table, key_bytes(&key));
	commit(spool, &txn);
}

static void put_row(struct spool *spool, enum index_table table, struct key key,
    const char *value)
{
	struct index_txn *txn = begin(spool);

	index_put(
	    txn, table, key_bytes(&key), (struct bytes){value, strlen(value)});
	commit(spool, &txn);
}

static struct delivery_row row_of(
    struct spool *spool, const struct id *id, unsigned recipient)
{
	struct delivery_row row;
	struct index_txn *txn;
	struct error err;

	assert_true(spool_read_begin(spool, &txn, &err));
	assert_true(delivery_get(txn, id, recipient, &row));
	spool_txn_abort(spool, &txn);
	row.address = row.destination_name = row.reason = row.answer = "";
	return row;
}

static struct id put_id(
    struct spool *spool, const struct recipient *to, size_t count, char *text)
{
	put(spool, to, count, text);
	return id_of(text);
}

/* --- sound spools ----------------------------------------------------- */

static void a_sound_spool_is_clean(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	struct fsck_report report;
	struct outcome ends[3];
	struct work *works[4];
	char id[ID_TEXT + 1];

	(void)state;
	expect_clean(spool);
	put(spool, three, 3, id);
	put(spool, one, 1, id);
	assert_int_equal(turn(agent, NULL, 0, works, 4), 4);
	expect_clean(spool);
	ends[0] = outcome_of(&works[0], OUTCOME_DELIVERED, BLAME_MESSAGE);
	ends[1] = outcome_of(&works[1], OUTCOME_DEAD, BLAME_MESSAGE);
	ends[2] = outcome_of(&works[2], OUTCOME_DEFERRED, BLAME_MESSAGE);
	assert_int_equal(turn(agent, ends, 3, works, 0), 0);
	report = check(spool, false);
	assert_int_equal(report.found_all, 0);
	assert_int_equal(report.messages, 2);
	assert_int_equal(report.files, 3);
	assert_true(report.bytes > 0);
	spool_work_free(&works[3]);
	spool_agent_close(&agent);
	let_files_age();
	expect_clean(spool);
	spool_close(&spool);
}

static void what_is_being_written_is_left_alone(void **state)
{
	struct spool *spool = open_spool();
	char from[600], to[600], id[ID_TEXT + 1];
	struct envelope envelope = envelope_for(one, 1);
	struct draft *draft;
	static char big[200 * 1024];

	(void)state;
	let_files_age();
	/* Linked, and its commit under way. */
	draft = draft_of(spool, &envelope, big, sizeof(big));
	memcpy(id, spool_draft_id(draft), sizeof(id));
	(void)snprintf(from, sizeof(from), "%s/queue/tmp/%s/%s", dir,
	    spool->writer_name, id);
	path_of(to, "queue/new", id);
	assert_int_equal(link(from, to), 0);
	expect_clean(spool);
	assert_int_equal(check(spool, true).found_all, 0);
	assert_int_equal(access(to, F_OK), 0);
	assert_int_equal(unlink(to), 0);
	spool_discard(&draft);
	/* Young, and nobody's. */
	clock_set_for_test(-1, -1);
	path_of(to, "queue/new", "01ARZ3NDEKTSV4RRFFQ69G5FAV");
	drop_file(to, "half");
	expect_clean(spool);
	spool_close(&spool);
}

/* Takes in, delivers, buries and puts back, until it is told to stop. */
struct traffic {
	struct spool *spool;
	_Atomic bool stop;
};

static void *run_traffic(void *arg)
{
	static const enum outcome_kind kinds[] = {
	    OUTCOME_DELIVERED, OUTCOME_DEAD, OUTCOME_DEFERRED, OUTCOME_DEAD};
	struct traffic *traffic = arg;
	struct spool *spool = traffic->spool;
	struct agent *agent = open_agent(spool, &policy);
	struct outcome ends[16];
	struct work *works[16];
	char id[ID_TEXT + 1];

	for (unsigned round = 0; !traffic->stop; round++) {
		size_t got;

		put(spool, three, 3, id);
		put(spool, one, 1, id);
		got = turn(agent, NULL, 0, works, 16);
		for (size_t i = 0; i < got; i++)
			ends[i] = outcome_of(
			    &works[i], kinds[(i + round) % 4], BLAME_MESSAGE);
		(void)turn(agent, ends, got, works, 0);
		if (round % 4 == 0)
			(void)act(spool,
			    (struct operator_order){.verb = OPERATOR_REQUEUE});
	}
	spool_agent_close(&agent);
	return NULL;
}

static void traffic_is_not_mistaken_for_damage(void **state)
{
	struct traffic traffic = {.spool = open_spool()};
	pthread_t thread;

	(void)state;
	let_files_age();
	assert_int_equal(
	    pthread_create(&thread, NULL, run_traffic, &traffic), 0);
	for (int i = 0; i < 12; i++)
		assert_int_equal(check(traffic.spool, i % 2 == 1).found_all, 0);
	traffic.stop = true;
	(void)pthread_join(thread, NULL);
	expect_clean(traffic.spool);
	spool_close(&traffic.spool);
}

/* --- files ------------------------------------------------------------ */

static void a_lost_file_becomes_a_dead_letter(void **state)
{
	struct spool *spool = open_spool();
	struct fsck_report report;
	char id[ID_TEXT + 1], path[600];

	(void)state;
	put(spool, three, 3, id);
	path_of(path, "queue/new", id);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(check(spool, false).found[FINDING_LOST], 1);
	assert_int_equal(check(spool, true).repaired[FINDING_LOST], 1);
	assert_int_equal(state_of(spool, id, 2), STATE_DEAD);
	/* It stays in sight until an operator has dropped it. */
	report = check(spool, true);
	assert_int_equal(report.found[FINDING_LOST], 1);
	assert_int_equal(report.repaired_all, 0);
	assert_int_equal(report.found_all, 1);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 0);
	spool_close(&spool);
}

static void a_letter_removed_by_hand_was_discarded(void **state)
{
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1], path[600];

	(void)state;
	put(spool, one, 1, id);
	(void)end_all(spool, OUTCOME_DEAD);
	path_of(path, "dead/new", id);
	assert_int_equal(unlink(path), 0);
	expect_repair(spool, FINDING_REMOVED);
	assert_int_equal(state_of(spool, id, 0), STATE_COUNT);
	spool_close(&spool);
}

static void a_damaged_file_is_not_delivered(void **state)
{
	static const struct {
		long offset, size;
	} damages[] = {
	    {-1, 0},   /* content */
	    {60, 0},   /* hash in the first line */
	    {170, 0},  /* envelope */
	    {0, 0},    /* name of the header */
	    {-1, 400}, /* cut short */
	    {-1, 10},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct spool *spool = open_spool();
		struct fsck_report report;
		char id[ID_TEXT + 1], path[600];

		put(spool, one, 1, id);
		path_of(path, "queue/new", id);
		if (damages[i].size > 0)
			assert_int_equal(truncate(path, damages[i].size), 0);
		else
			flip(path, damages[i].offset, '#');
		assert_int_equal(check(spool, false).found[FINDING_DAMAGED], 1);
		assert_int_equal(
		    check(spool, true).repaired[FINDING_DAMAGED], 1);
		assert_int_equal(state_of(spool, id, 0), STATE_DEAD);
		assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 0);
		path_of(path, "dead/new", id);
		assert_int_equal(access(path, F_OK), 0);
		report = check(spool, true);
		assert_int_equal(report.found_all, 1);
		assert_int_equal(report.repaired_all, 0);
		spool_close(&spool);
		fixture_teardown(NULL);
		fixture_setup(NULL);
	}
}

/* Wherever it is: in the header, the trace or the body. Only the byte that
 * says what became of the recipient lies outside the hash. */
static void each_byte_is_covered(void **state)
{
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1], path[600], whole[4096];
	size_t size;
	FILE *file;

	(void)state;
	put(spool, one, 1, id);
	path_of(path, "queue/new", id);
	file = fopen(path, "rb");
	assert_non_null(file);
	size = fread(whole, 1, sizeof(whole), file);
	(void)fclose(file);
	assert_in_range(size, 300, sizeof(whole) - 1);
	for (size_t i = 0; i < size; i++) {
		if (i == ENVELOPE_STATUS_OFFSET)
			continue;
		flip(path, (long)i, (char)(whole[i] ^ 1));
		if (check(spool, false).found[FINDING_DAMAGED] != 1)
			fail_msg("byte %zu of %zu", i, size);
		flip(path, (long)i, whole[i]);
	}
	assert_int_equal(check(spool, false).found_all, 0);
	spool_close(&spool);
}

static void another_messages_file_is_damage(void **state)
{
	struct spool *spool = open_spool();
	char first[ID_TEXT + 1], second[ID_TEXT + 1], from[600], to[600];

	(void)state;
	put(spool, one, 1, first);
	put(spool, one, 1, second);
	path_of(from, "queue/new", first);
	path_of(to, "queue/new", second);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(check(spool, true).found[FINDING_DAMAGED], 1);
	assert_int_equal(state_of(spool, second, 0), STATE_DEAD);
	spool_close(&spool);
}

static void names_follow_the_record(void **state)
{
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1], from[600], to[600];

	(void)state;
	put(spool, one, 1, id);
	path_of(from, "queue/new", id);
	path_of(to, "dead/new", id);
	/* One too many. */
	assert_int_equal(link(from, to), 0);
	expect_repair(spool, FINDING_NAME);
	expect_files("dead/new", 0);
	/* The wrong one: as a crash between two names leaves it. */
	assert_int_equal(rename(from, to), 0);
	expect_repair(spool, FINDING_NAME);
	expect_files("dead/new", 0);
	expect_files("queue/new", 1);
	/* None among the dead while others live. */
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 1);
	spool_close(&spool);
}

static void files_without_a_record_are_set_aside(void **state)
{
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1], path[600];
	struct index_txn *txn;
	struct id binary;
	struct key key;

	(void)state;
	binary = put_id(spool, one, 1, id);
	txn = begin(spool);
	key = message_key(&binary);
	index_delete(txn, TABLE_MESSAGE, key_bytes(&key));
	key = delivery_key(&binary, 0);
	index_delete(txn, TABLE_DELIVERY, key_bytes(&key));
	commit(spool, &txn);
	path_of(path, "dead/new", "01ARZ3NDEKTSV4RRFFQ69G5FAV");
	drop_file(path, "not ours, under a name of ours");
	let_files_age();
	assert_int_equal(check(spool, false).found[FINDING_ORPHAN], 2);
	assert_int_equal(check(spool, true).repaired[FINDING_ORPHAN], 2);
	expect_files("orphan/new", 2);
	expect_files("queue/new", 0);
	expect_files("dead/new", 0);
	expect_clean(spool);
	spool_close(&spool);
}

static void foreign_files_are_reported_and_left(void **state)
{
	struct spool *spool = open_spool();
	struct fsck_report report;
	char path[600];

	(void)state;
	path_of(path, "queue/new", "1700000000.M1P1.host");
	drop_file(path, "From: someone\n\nhello\n");
	let_files_age();
	report = check(spool, true);
	assert_int_equal(report.found[FINDING_FOREIGN], 1);
	assert_int_equal(report.repaired_all, 0);
	assert_int_equal(access(path, F_OK), 0);
	spool_close(&spool);
}

static void a_renamed_message_gets_its_name_back(void **state)
{
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1], from[600], to[600];

	(void)state;
	put(spool, one, 1, id);
	path_of(from, "queue/new", id);
	path_of(to, "queue/new", "renamed-by-hand");
	assert_int_equal(rename(from, to), 0);
	expect_repair(spool, FINDING_MISNAMED);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 1);
	spool_close(&spool);
}

static void what_a_dead_program_left_is_tidied(void **state)
{
	struct spool *spool = open_spool();
	char from[600], to[600], id[ID_TEXT + 1];

	(void)state;
	put(spool, one, 1, id);
	(void)snprintf(to, sizeof(to), "%s/queue/tmp/%s", dir,
	    "00000000000000000000000000");
	assert_int_equal(mkdir(to, 0700), 0);
	path_of(from, "queue/new", id);
	(void)snprintf(to, sizeof(to), "%s/queue/tmp/%s/%s", dir,
	    "00000000000000000000000000", id);
	assert_int_equal(link(from, to), 0);
	assert_int_equal(check(spool, true).repaired[FINDING_LEFTOVER], 1);
	expect_clean(spool);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 1);
	spool_close(&spool);
}

/* --- rows ------------------------------------------------------------- */

static void a_missing_record_is_made_again(void **state)
{
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1];
	struct id binary;

	(void)state;
	binary = put_id(spool, three, 3, id);
	delete_row(spool, TABLE_MESSAGE, message_key(&binary));
	let_files_age();
	/* The files say what the message was. */
	assert_int_not_equal(check(spool, true).repaired[FINDING_ROWS], 0);
	clock_set_for_test(-1, -1);
	(void)check(spool, true);
	expect_clean(spool);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 3);
	spool_close(&spool);
}

static void missing_deliveries_are_made_again(void **state)
{
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1], path[600];
	struct id binary;

	(void)state;
	binary = put_id(spool, three, 3, id);
	/* One of them has been delivered, says the file. */
	path_of(path, "queue/new", id);
	flip(path, ENVELOPE_STATUS_OFFSET + 1, STATUS_DELIVERED);
	for (unsigned i = 0; i < 3; i++)
		delete_row(spool, TABLE_DELIVERY, delivery_key(&binary, i));
	assert_int_not_equal(check(spool, true).repaired[FINDING_ROWS], 0);
	assert_int_equal(state_of(spool, id, 0), STATE_QUEUED);
	assert_int_equal(state_of(spool, id, 1), STATE_DELIVERED);
	(void)check(spool, true);
	expect_clean(spool);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 2);
	spool_close(&spool);
}

static void sets_agree_with_the_deliveries(void **state)
{
	struct spool *spool = open_spool();
	struct delivery_row row;
	char id[ID_TEXT + 1];
	struct id binary;

	(void)state;
	binary = put_id(spool, one, 1, id);
	row = row_of(spool, &binary, 0);
	/* Missing, and stray in each of the three. */
	delete_row(spool, TABLE_DUE,
	    due_key(row.lane, row.destination, row.due_ms, &binary, 0));
	expect_repair(spool, FINDING_SET);
	put_row(spool, TABLE_DUE,
	    due_key(row.lane, row.destination, row.due_ms + 1, &binary, 0), "");
	expect_repair(spool, FINDING_SET);
	put_row(spool, TABLE_CLAIM, claim_key(77, &binary, 0), "");
	expect_repair(spool, FINDING_SET);
	put_row(spool, TABLE_DEAD, dead_key(1, &binary, 0), "");
	expect_repair(spool, FINDING_SET);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 1);
	spool_close(&spool);
}

static void lookups_agree_with_the_messages(void **state)
{
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1];
	struct id binary;

	(void)state;
	binary = put_id(spool, one, 1, id);
	delete_row(spool, TABLE_LOOKUP,
	    lookup_key(address_hash("user@example.com"), &binary));
	expect_repair(spool, FINDING_LOOKUP);
	delete_row(spool, TABLE_LOOKUP,
	    lookup_key(text_hash("one@example.org"), &binary));
	expect_repair(spool, FINDING_LOOKUP);
	put_row(spool, TABLE_LOOKUP, lookup_key(12345, &binary), "");
	expect_repair(spool, FINDING_LOOKUP);
	spool_close(&spool);
}

static void waiting_mail_is_looked_at(void **state)
{
	struct spool *spool = open_spool();
	uint64_t webhook = text_hash("");
	struct destination_row row;
	struct index_txn *txn;
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, one, 1, id);
	txn = begin(spool);
	assert_true(destination_get(txn, LANE_WEBHOOK, webhook, &row));
	index_abort(&txn);
	(void)pthread_rwlock_unlock(&spool->index_lock);
	delete_row(spool, TABLE_WAITING,
	    waiting_key(LANE_WEBHOOK, row.next_ms, webhook));
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 0);
	expect_repair(spool, FINDING_DESTINATION);
	delete_row(
	    spool, TABLE_DESTINATION, destination_key(LANE_WEBHOOK, webhook));
	expect_repair(spool, FINDING_DESTINATION);
	put_row(spool, TABLE_WAITING, waiting_key(LANE_SMTP, 5, 99), "");
	expect_repair(spool, FINDING_DESTINATION);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 1);
	spool_close(&spool);
}

static void strays_are_removed(void **state)
{
	struct spool *spool = open_spool();
	struct key event = {.len = ID_BYTES + 4};
	char id[ID_TEXT + 1];
	struct id binary;

	(void)state;
	put_row(spool, TABLE_EVENT, event, "{\"event\":\"test\"}");
	expect_repair(spool, FINDING_EVENT);
	binary = put_id(spool, one, 1, id);
	put_row(spool, TABLE_DOOMED, doomed_key(&binary), "\1");
	expect_repair(spool, FINDING_DOOMED);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 1);
	spool_close(&spool);
}

static void counters_are_right(void **state)
{
	struct spool *spool = open_spool();
	struct counters counters;
	struct index_txn *txn;
	struct operator_status status;
	struct error err;
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, three, 3, id);
	txn = begin(spool);
	counters_get(txn, &counters);
	counters.bytes += 5;
	counters.deliveries[LANE_WEBHOOK][STATE_DEAD] = 1;
	counters_put(txn, &counters);
	commit(spool, &txn);
	expect_repair(spool, FINDING_COUNTERS);
	assert_true(operator_status(spool, &status, &err));
	assert_int_equal(operator_dead(&status), 0);
	assert_int_equal(status.accepted, 1);
	spool_close(&spool);
}

static void status_bytes_are_right(void **state)
{
	struct spool *spool = open_spool();
	char id[ID_TEXT + 1], path[600];

	(void)state;
	put(spool, three, 3, id);
	path_of(path, "queue/new", id);
	/* A rebuild would not send it. */
	flip(path, ENVELOPE_STATUS_OFFSET, STATUS_DELIVERED);
	flip(path, ENVELOPE_STATUS_OFFSET + 2, '?');
	expect_repair(spool, FINDING_STATUS);
	assert_int_equal(end_all(spool, OUTCOME_DELIVERED), 3);
	spool_close(&spool);
}

/* --- the index itself ------------------------------------------------- */

static void a_damaged_index_is_told(void **state)
{
	struct spool_options options = {
	    .dir = dir, .access = SPOOL_OPERATE, .verify_index = true};
	struct spool *spool = open_spool();
	struct error err = {0};
	char id[ID_TEXT + 1], path[600];
	struct stat st;

	(void)state;
	for (int i = 0; i < 200; i++)
		put(spool, three, 3, id);
	spool_close(&spool);
	assert_true(spool_open(&options, &spool, &err));
	expect_clean(spool);
	spool_close(&spool);
	(void)snprintf(path, sizeof(path), "%s/index/data.mdb", dir);
	assert_int_equal(stat(path, &st), 0);
	/* All but the two pages from which everything hangs. */
	for (long at = 8192; at < st.st_size; at += 7)
		flip(path, at, (char)(at * 31));
	assert_false(spool_open(&options, &spool, &err));
	assert_int_equal(err.kind, ERROR_CORRUPT);
	assert_non_null(strstr(err.text, "rebuild"));
}

static int reset_clock(void **state)
{
	clock_set_for_test(-1, -1);
	return fixture_teardown(state);
}

#undef CASE
#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, reset_clock)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_sound_spool_is_clean),
	    CASE(what_is_being_written_is_left_alone),
	    CASE(traffic_is_not_mistaken_for_damage),
	    CASE(a_lost_file_becomes_a_dead_letter),
	    CASE(a_letter_removed_by_hand_was_discarded),
	    CASE(a_damaged_file_is_not_delivered),
	    CASE(each_byte_is_covered),
	    CASE(another_messages_file_is_damage),
	    CASE(names_follow_the_record),
	    CASE(files_without_a_record_are_set_aside),
	    CASE(foreign_files_are_reported_and_left),
	    CASE(a_renamed_message_gets_its_name_back),
	    CASE(what_a_dead_program_left_is_tidied),
	    CASE(a_missing_record_is_made_again),
	    CASE(missing_deliveries_are_made_again),
	    CASE(sets_agree_with_the_deliveries),
	    CASE(lookups_agree_with_the_messages),
	    CASE(waiting_mail_is_looked_at),
	    CASE(strays_are_removed),
	    CASE(counters_are_right),
	    CASE(status_bytes_are_right),
	    CASE(a_damaged_index_is_told),
	};

	log_to_fd(2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
