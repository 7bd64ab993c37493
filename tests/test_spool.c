/* The spool as its users see it: messages in, work out, outcomes back; and
 * what a failing disk or a dead process leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/os.h"
#include "bounds.h"
#include "scratch.h"
#include "spool/id.h"
#include "spool/internal.h"
#include "spool/message.h"
#include "spool/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct lane_policy policy = {.retry_base_ms = 1000,
    .retry_cap_ms = 900000,
    .max_retries = -1,
    .max_age_ms = 432000000,
    .claim_limit_ms = 60000};

static char *dir;

static struct spool *open_spool(void)
{
	struct spool_options options = {.dir = dir,
	    .access = SPOOL_WRITE,
	    .create = true,
	    .max_message_bytes = 1 << 20,
	    .history_retention_ms = 7 * 86400000LL};
	struct spool *spool;
	struct error err = {0};

	if (!spool_open(&options, &spool, &err))
		fail_msg("%s", err.text);
	return spool;
}

/* --- committing and waiting ------------------------------------------- */

struct wait {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	unsigned answers;
	struct error err; /* of the last answer; kind ERROR_NONE: durable */
};

static void on_committed(void *arg, const struct error *err)
{
	struct wait *wait = arg;

	(void)pthread_mutex_lock(&wait->lock);
	wait->answers++;
	wait->err = err != NULL ? *err : (struct error){0};
	(void)pthread_cond_signal(&wait->cond);
	(void)pthread_mutex_unlock(&wait->lock);
}

static const char trace[] = "Return-Path: <a@example.org>\r\n";

static struct draft *draft_of(struct spool *spool,
    const struct envelope *envelope, const char *body, size_t len)
{
	struct draft *draft;
	struct error err = {0};

	if (!spool_begin(spool, envelope, len, &draft, &err))
		fail_msg("%s", err.text);
	for (size_t at = 0; at < len;) {
		size_t piece = len - at < 3000 ? len - at : 3000;

		if (!spool_write(draft, body + at, piece, &err)) {
			spool_discard(&draft);
			return NULL;
		}
		at += piece;
	}
	return draft;
}

static struct error commit_and_wait(
    struct draft *draft, const struct envelope *envelope)
{
	struct wait wait = {
	    PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, {0}};

	spool_commit(
	    &draft, envelope, trace, strlen(trace), on_committed, &wait);
	assert_null(draft);
	(void)pthread_mutex_lock(&wait.lock);
	while (wait.answers == 0)
		(void)pthread_cond_wait(&wait.cond, &wait.lock);
	(void)pthread_mutex_unlock(&wait.lock);
	assert_int_equal(wait.answers, 1);
	return wait.err;
}

static const struct recipient one[] = {
    {.address = "User@example.com", .lane = LANE_WEBHOOK}};
static const struct recipient three[] = {
    {.address = "a@example.com", .lane = LANE_WEBHOOK},
    {.address = "b@example.com", .lane = LANE_WEBHOOK},
    {.address = "c d@example.com", .lane = LANE_WEBHOOK, .orcpt = "rfc822;c"}};

static struct envelope envelope_for(const struct recipient *to, size_t count)
{
	return (struct envelope){.sender = "sender@example.org",
	    .recipients = to,
	    .recipient_count = count,
	    .received_ms = clock_wall_ms(),
	    .client_ip = "192.0.2.1",
	    .helo = "mail.example.org",
	    .protocol = "ESMTP",
	    .message_id = "one@example.org"};
}

static void put(struct spool *spool, const struct recipient *to, size_t count,
    char id[ID_TEXT + 1])
{
	struct envelope envelope = envelope_for(to, count);
	struct draft *draft = draft_of(spool, &envelope, "hello\r\n", 7);
	struct error err;

	(void)strcpy(id, spool_draft_id(draft));
	err = commit_and_wait(draft, &envelope);
	if (err.kind != ERROR_NONE)
		fail_msg("%s", err.text);
}

/* --- delivering ------------------------------------------------------- */

static struct agent *open_agent(
    struct spool *spool, const struct lane_policy *with)
{
	struct agent *agent;
	struct error err = {0};

	if (!spool_agent_open(spool, LANE_WEBHOOK, with, &agent, &err))
		fail_msg("%s", err.text);
	return agent;
}

static size_t turn(struct agent *agent, const struct outcome *outcomes,
    size_t count, struct work **works, size_t want)
{
	struct error err = {0};
	int64_t wait;
	size_t got;

	if (!spool_turn(agent, outcomes, count, works, want, &got, &wait, &err))
		fail_msg("%s", err.text);
	return got;
}

static struct outcome outcome_of(
    struct work **work, enum outcome_kind kind, enum outcome_blame blame)
{
	struct outcome outcome = {.id = (*work)->id,
	    .recipient_number = (*work)->recipient_number,
	    .claim = (*work)->claim,
	    .kind = kind,
	    .blame = blame,
	    .status = kind == OUTCOME_DELIVERED ? 200 : 503,
	    .reason = "test"};

	spool_work_free(work);
	return outcome;
}

static size_t count_files(const char *folder)
{
	char path[512];
	struct dirent *entry;
	size_t count = 0;
	DIR *listing;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, folder);
	listing = opendir(path);
	assert_non_null(listing);
	while ((entry = readdir(listing)) != NULL)
		count += entry->d_name[0] != '.';
	(void)closedir(listing);
	return count;
}

/* The state of one delivery; STATE_COUNT if there is none. */
static enum delivery_state state_of(
    struct spool *spool, const char *text, unsigned recipient)
{
	enum delivery_state state = STATE_COUNT;
	struct delivery_row row;
	struct index_txn *txn;
	struct error err;
	struct id id;

	assert_true(id_parse(text, &id));
	assert_true(spool_read_begin(spool, &txn, &err));
	if (delivery_get(txn, &id, recipient, &row))
		state = row.state;
	spool_txn_abort(spool, &txn);
	return state;
}

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

		(void)strcpy(text, spool_draft_id(draft));
		source = spool_draft_source(draft);
		assert_int_equal(source.size, sizes[i]);
		assert_true(
		    source_read(&source, 0, read, sizes[i], &len, &err));
		assert_memory_equal(read, body, sizes[i]);
		assert_int_equal(
		    commit_and_wait(draft, &envelope).kind, ERROR_NONE);
		assert_true(id_parse(text, &id));
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

static void delivered_mail_leaves_nothing_but_its_story(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	char id[ID_TEXT + 1];
	struct work *works[4];
	struct outcome done;

	(void)state;
	put(spool, one, 1, id);
	assert_int_equal(count_files("queue/new"), 1);
	assert_int_equal(turn(agent, NULL, 0, works, 4), 1);
	assert_string_equal(works[0]->id_text, id);
	assert_string_equal(works[0]->recipient, "User@example.com");
	assert_int_equal(works[0]->attempt, 1);
	/* Claimed is claimed. */
	assert_int_equal(turn(agent, NULL, 0, works + 1, 3), 0);
	done = outcome_of(&works[0], OUTCOME_DELIVERED, BLAME_MESSAGE);
	assert_int_equal(turn(agent, &done, 1, works, 4), 0);
	assert_int_equal(count_files("queue/new"), 0);
	assert_int_equal(state_of(spool, id, 0), STATE_COUNT);
	assert_int_equal(count_files("history"), 1);
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void each_recipient_ends_for_itself(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	struct message *message;
	char text[ID_TEXT + 1];
	struct work *works[4];
	struct outcome ends[3];
	struct error err;
	struct id id;

	(void)state;
	put(spool, three, 3, text);
	assert_int_equal(turn(agent, NULL, 0, works, 4), 3);
	ends[0] = outcome_of(&works[0], OUTCOME_DELIVERED, BLAME_MESSAGE);
	ends[1] = outcome_of(&works[1], OUTCOME_DEAD, BLAME_MESSAGE);
	ends[2] = outcome_of(&works[2], OUTCOME_DEFERRED, BLAME_MESSAGE);
	assert_int_equal(turn(agent, ends, 3, works, 4), 0);
	assert_int_equal(count_files("queue/new"), 1);
	assert_int_equal(count_files("dead/new"), 1);
	assert_int_equal(state_of(spool, text, 0), STATE_DELIVERED);
	assert_int_equal(state_of(spool, text, 1), STATE_DEAD);
	assert_int_equal(state_of(spool, text, 2), STATE_DEFERRED);
	assert_true(id_parse(text, &id));
	assert_true(spool_message_open(spool, &id, &message, &err));
	assert_string_equal(message_status(message), "DXQ");
	spool_message_close(&message);
	/* The last live one ends: the file is a dead letter only. */
	clock_set_for_test(clock_wall_ms() + 2000, clock_mono_ms() + 2000);
	assert_int_equal(turn(agent, NULL, 0, works, 4), 1);
	assert_int_equal(works[0]->attempt, 2);
	ends[0] = outcome_of(&works[0], OUTCOME_DELIVERED, BLAME_MESSAGE);
	assert_int_equal(turn(agent, ends, 1, works, 4), 0);
	assert_int_equal(count_files("queue/new"), 0);
	assert_int_equal(count_files("dead/new"), 1);
	clock_set_for_test(-1, -1);
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void only_delivered_counts_of_a_superseded_claim(void **state)
{
	struct spool *spool = open_spool();
	struct agent *first = open_agent(spool, &policy), *second;
	struct outcome late, again;
	struct work *works[2];
	char id[ID_TEXT + 1];

	(void)state;
	second = open_agent(spool, &policy);
	put(spool, one, 1, id);
	assert_int_equal(turn(first, NULL, 0, works, 1), 1);
	late = outcome_of(&works[0], OUTCOME_DEAD, BLAME_MESSAGE);
	/* The first agent hangs beyond the limit: the second takes over. */
	clock_set_for_test(clock_wall_ms(), clock_mono_ms() + 61000);
	assert_int_equal(turn(second, NULL, 0, works, 1), 1);
	assert_int_equal(works[0]->attempt, 2);
	assert_int_equal(turn(first, &late, 1, works + 1, 0), 0);
	assert_int_equal(state_of(spool, id, 0), STATE_CLAIMED);
	late.kind = OUTCOME_DELIVERED;
	assert_int_equal(turn(first, &late, 1, works + 1, 0), 0);
	assert_int_equal(state_of(spool, id, 0), STATE_COUNT);
	/* And the second's own answer finds nothing left to do. */
	again = outcome_of(&works[0], OUTCOME_DEFERRED, BLAME_MESSAGE);
	assert_int_equal(turn(second, &again, 1, works, 1), 0);
	assert_int_equal(state_of(spool, id, 0), STATE_COUNT);
	clock_set_for_test(-1, -1);
	spool_agent_close(&first);
	spool_agent_close(&second);
	spool_close(&spool);
}

static void a_hard_failure_opens_the_circuit_and_probes_rotate(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	int64_t wall = clock_wall_ms(), mono = clock_mono_ms();
	char ids[4][ID_TEXT + 1], probed[3][ID_TEXT + 1];
	struct work *works[4];
	struct outcome out;

	(void)state;
	clock_set_for_test(wall, mono);
	for (int i = 0; i < 4; i++)
		put(spool, one, 1, ids[i]);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	out = outcome_of(&works[0], OUTCOME_DEFERRED, BLAME_HARD);
	assert_int_equal(turn(agent, &out, 1, works, 4), 0);
	assert_true(spool_agent_blocked(agent, ""));
	for (int i = 0; i < 3; i++) {
		wall += 10000;
		clock_set_for_test(wall, mono);
		assert_int_equal(turn(agent, NULL, 0, works, 4), 1);
		assert_int_equal(turn(agent, NULL, 0, works + 1, 3), 0);
		(void)strcpy(probed[i], works[0]->id_text);
		out = outcome_of(&works[0], OUTCOME_DEFERRED, BLAME_HARD);
		assert_int_equal(turn(agent, &out, 1, works, 0), 0);
	}
	assert_string_not_equal(probed[0], probed[1]);
	assert_string_not_equal(probed[1], probed[2]);
	assert_string_not_equal(probed[0], probed[2]);
	wall += 60000;
	clock_set_for_test(wall, mono);
	assert_int_equal(turn(agent, NULL, 0, works, 4), 1);
	out = outcome_of(&works[0], OUTCOME_DELIVERED, BLAME_MESSAGE);
	assert_int_equal(turn(agent, &out, 1, works, 4), 3);
	assert_false(spool_agent_blocked(agent, ""));
	for (int i = 0; i < 3; i++)
		spool_work_free(&works[i]);
	clock_set_for_test(-1, -1);
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void a_released_claim_is_no_attempt(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	struct work *works[1];
	struct outcome out;
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, one, 1, id);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	out = outcome_of(&works[0], OUTCOME_RELEASED, BLAME_MESSAGE);
	assert_int_equal(turn(agent, &out, 1, works, 1), 1);
	assert_int_equal(works[0]->attempt, 1);
	spool_work_free(&works[0]);
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void retries_exhausted_make_a_dead_letter(void **state)
{
	struct spool *spool = open_spool();
	struct lane_policy few = policy;
	struct agent *agent;
	struct work *works[1];
	struct outcome out;
	char id[ID_TEXT + 1];
	int64_t wall = clock_wall_ms();

	(void)state;
	few.max_retries = 2;
	agent = open_agent(spool, &few);
	put(spool, one, 1, id);
	for (unsigned i = 1; i <= 3; i++) {
		clock_set_for_test(wall, 1000);
		assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
		assert_int_equal(works[0]->attempt, i);
		out = outcome_of(&works[0], OUTCOME_DEFERRED, BLAME_MESSAGE);
		assert_int_equal(turn(agent, &out, 1, works, 0), 0);
		wall += 20000;
	}
	assert_int_equal(state_of(spool, id, 0), STATE_DEAD);
	assert_int_equal(count_files("dead/new"), 1);
	assert_int_equal(count_files("queue/new"), 0);
	clock_set_for_test(-1, -1);
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void a_jump_of_the_clock_ages_nothing_and_delays_little(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	int64_t wall = clock_wall_ms();
	struct work *works[1];
	struct outcome out;
	char id[ID_TEXT + 1];

	(void)state;
	clock_set_for_test(wall, 1000);
	put(spool, one, 1, id);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	out = outcome_of(&works[0], OUTCOME_DEFERRED, BLAME_MESSAGE);
	assert_int_equal(turn(agent, &out, 1, works, 0), 0);
	/* A year ahead: due, but not given up. */
	clock_set_for_test(wall + 365 * 86400000LL, 1000);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	out = outcome_of(&works[0], OUTCOME_DEFERRED, BLAME_MESSAGE);
	assert_int_equal(turn(agent, &out, 1, works, 0), 0);
	assert_int_equal(state_of(spool, id, 0), STATE_DEFERRED);
	/* And back: due at once instead of in a year. */
	clock_set_for_test(wall, 1000);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	spool_work_free(&works[0]);
	clock_set_for_test(-1, -1);
	spool_agent_close(&agent);
	spool_close(&spool);
}

static void the_budget_bounds_every_minute(void **state)
{
	struct spool *spool = open_spool();
	struct lane_policy slow = policy;
	struct agent *agent;
	struct work *works[100];
	size_t sent = 0;
	char id[ID_TEXT + 1];
	int64_t wall = clock_wall_ms();

	(void)state;
	slow.per_minute = 60;
	agent = open_agent(spool, &slow);
	for (int i = 0; i < 100; i++)
		put(spool, one, 1, id);
	for (int second = 0; second < 60; second++) {
		clock_set_for_test(wall + second * 1000, 5000 + second * 1000);
		size_t got = turn(agent, NULL, 0, works, 100);

		for (size_t i = 0; i < got; i++)
			spool_work_free(&works[i]);
		sent += got;
	}
	assert_in_range(sent, 60, 67);
	clock_set_for_test(-1, -1);
	spool_agent_close(&agent);
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
	os_break_for_test(OS_FDATASYNC, 1, EIO, false);
	/* The disk stays broken until we say so. */
	os_break_for_test(OS_FSYNC, 1, EIO, true);
	err = commit_and_wait(draft, &envelope);
	assert_int_equal(err.kind, ERROR_IO);
	assert_false(spool_healthy(spool, &err));
	assert_false(spool_begin(spool, &envelope, 3, &draft, &err));
	assert_int_equal(err.kind, ERROR_IO);
	assert_int_equal(count_files("queue/new"), 0);
	os_break_for_test(OS_FSYNC, 0, 0, false);
	for (int i = 0; i < 200 && !spool_healthy(spool, NULL); i++)
		(void)usleep(50000);
	assert_true(spool_healthy(spool, NULL));
	put(spool, one, 1, id);
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
	assert_int_equal(count_files("queue/new"), 0);
	put(spool, one, 1, id);
	assert_int_equal(count_files("queue/new"), 1);
	spool_close(&spool);
}

static void outcomes_wait_while_they_cannot_be_recorded(void **state)
{
	struct spool *spool = open_spool();
	struct agent *agent = open_agent(spool, &policy);
	struct work *works[1], *none[1];
	struct error err = {0};
	struct outcome out;
	char id[ID_TEXT + 1];
	int64_t wait;
	size_t got;

	(void)state;
	put(spool, one, 1, id);
	put(spool, one, 1, id);
	assert_int_equal(turn(agent, NULL, 0, works, 1), 1);
	out = outcome_of(&works[0], OUTCOME_DELIVERED, BLAME_MESSAGE);
	os_break_for_test(OS_WRITE, 1, ENOSPC, true);
	assert_false(spool_turn(agent, &out, 1, none, 1, &got, &wait, &err));
	assert_int_equal(err.kind, ERROR_FULL);
	assert_int_equal(got, 0);
	assert_int_equal(count_files("queue/new"), 2);
	os_break_for_test(OS_WRITE, 0, 0, false);
	assert_int_equal(turn(agent, &out, 1, none, 1), 1);
	assert_int_equal(count_files("queue/new"), 1);
	spool_work_free(&none[0]);
	spool_agent_close(&agent);
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
	assert_int_equal(count_files("queue/tmp"), 1);
	spool = open_spool();
	/* The dead writer's folder went, ours is there. */
	assert_int_equal(count_files("queue/tmp"), 1);
	assert_int_equal(count_files("orphan/new"), 0);
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
	assert_true(id_parse(id, &binary));
	assert_true(spool_write_begin(spool, &txn, &err));
	key = message_key(&binary);
	index_delete(txn, TABLE_MESSAGE, key_bytes(&key));
	assert_true(spool_txn_commit(spool, &txn, &err));
	(void)snprintf(from, sizeof(from), "%s/queue/new/%s", dir, id);
	(void)snprintf(to, sizeof(to), "%s/queue/tmp/%s", dir,
	    "00000000000000000000000000");
	assert_int_equal(mkdir(to, 0700), 0);
	(void)strcat(strcat(to, "/"), id);
	assert_int_equal(link(from, to), 0);
	spool_close(&spool);
	spool = open_spool();
	assert_int_equal(count_files("orphan/new"), 1);
	assert_int_equal(count_files("queue/new"), 0);
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
	assert_int_equal(count_files("queue/new"), 1);
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

static void a_group_costs_one_flush_chain(void **state)
{
	struct spool *spool = open_spool();
	uint64_t files, folders, whole;
	char id[ID_TEXT + 1];

	(void)state;
	put(spool, one, 1, id);
	files = os_count_for_test(OS_FDATASYNC);
	folders = os_count_for_test(OS_FSYNC);
	whole = os_count_for_test(OS_SYNCFS);
	put(spool, one, 1, id);
	/* One file, its folder; the index syncs itself. */
	assert_int_equal(os_count_for_test(OS_FDATASYNC) - files, 1);
	assert_int_equal(os_count_for_test(OS_FSYNC) - folders, 1);
	assert_int_equal(os_count_for_test(OS_SYNCFS) - whole, 0);
	spool_close(&spool);
}

static int setup(void **state)
{
	(void)state;
	dir = scratch_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scratch_remove(&dir);
	return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_message_comes_back_as_it_was),
	    CASE(delivered_mail_leaves_nothing_but_its_story),
	    CASE(each_recipient_ends_for_itself),
	    CASE(only_delivered_counts_of_a_superseded_claim),
	    CASE(a_hard_failure_opens_the_circuit_and_probes_rotate),
	    CASE(a_released_claim_is_no_attempt),
	    CASE(retries_exhausted_make_a_dead_letter),
	    CASE(a_jump_of_the_clock_ages_nothing_and_delays_little),
	    CASE(the_budget_bounds_every_minute),
	    CASE(a_failed_sync_refuses_the_mail_and_heals),
	    CASE(a_full_disk_refuses_mail_and_nothing_else),
	    CASE(outcomes_wait_while_they_cannot_be_recorded),
	    CASE(a_killed_process_leaves_no_claim_and_no_half_message),
	    CASE(a_file_without_a_record_is_set_aside),
	    CASE(a_missing_index_with_mail_wants_rebuild),
	    CASE(the_map_grows_by_itself),
	    CASE(a_group_costs_one_flush_chain),
	};

	log_to_fd(2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
