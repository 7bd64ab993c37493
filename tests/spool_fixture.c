#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spool_fixture.h"

#include "base/clock.h"
#include "scratch.h"
#include "spool/id.h"
#include "spool/internal.h"
#include "spool/message.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct lane_policy policy = {.retry_base_ms = 1000,
    .retry_cap_ms = 900000,
    .max_retries = -1,
    .max_age_ms = 432000000,
    .claim_limit_ms = 60000};

char *dir;

struct spool *open_keeping(int64_t keep_ms)
{
	struct spool_options options = {.dir = dir,
	    .access = SPOOL_WRITE,
	    .create = true,
	    .max_message_bytes = 1 << 20,
	    .history_retention_ms = 7 * 86400000LL,
	    .keep_delivered_ms = keep_ms};
	struct spool *spool;
	struct error err = {0};

	if (!spool_open(&options, &spool, &err))
		fail_msg("%s", err.text);
	return spool;
}

struct spool *open_spool(void)
{
	return open_keeping(0);
}

struct id id_of(const char *text)
{
	struct id id;

	assert_true(id_parse(text, &id));
	return id;
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

const char trace[] = "Return-Path: <a@example.org>\r\n";

struct draft *draft_of(struct spool *spool, const struct envelope *envelope,
    const char *body, size_t len)
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

struct error commit_and_wait(
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

const struct recipient one[1] = {
    {.address = "User@example.com", .lane = LANE_WEBHOOK}};
const struct recipient three[3] = {
    {.address = "a@example.com", .lane = LANE_WEBHOOK},
    {.address = "b@example.com", .lane = LANE_WEBHOOK},
    {.address = "c d@example.com", .lane = LANE_WEBHOOK, .orcpt = "rfc822;c"}};

struct envelope envelope_for(const struct recipient *to, size_t count)
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

void put(struct spool *spool, const struct recipient *to, size_t count,
    char id[ID_TEXT + 1])
{
	struct envelope envelope = envelope_for(to, count);
	struct draft *draft = draft_of(spool, &envelope, "hello\r\n", 7);
	struct error err;

	memcpy(id, spool_draft_id(draft), ID_TEXT + 1);
	err = commit_and_wait(draft, &envelope);
	if (err.kind != ERROR_NONE)
		fail_msg("%s", err.text);
}

/* --- delivering ------------------------------------------------------- */

struct agent *open_agent(struct spool *spool, const struct lane_policy *with)
{
	struct agent *agent;
	struct error err = {0};

	if (!spool_agent_open(spool, LANE_WEBHOOK, with, &agent, &err))
		fail_msg("%s", err.text);
	return agent;
}

size_t turn(struct agent *agent, const struct outcome *outcomes, size_t count,
    struct work **works, size_t want)
{
	struct error err = {0};
	int64_t wait;
	size_t got;

	if (!spool_turn(agent, outcomes, count, works, want, &got, &wait, &err))
		fail_msg("%s", err.text);
	return got;
}

struct outcome outcome_of(
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

size_t end_due(struct agent *agent, enum outcome_kind kind)
{
	struct outcome ends[64];
	struct work *works[64];
	size_t got = turn(agent, NULL, 0, works, 64);

	for (size_t i = 0; i < got; i++)
		ends[i] = outcome_of(&works[i], kind, BLAME_MESSAGE);
	(void)turn(agent, ends, got, works, 0);
	return got;
}

size_t end_all(struct spool *spool, enum outcome_kind kind)
{
	struct agent *agent = open_agent(spool, &policy);
	size_t got = end_due(agent, kind);

	spool_agent_close(&agent);
	return got;
}

/* --- operators -------------------------------------------------------- */

void on_acted(
    void *arg, const struct operator_entry *entry, enum operator_result result)
{
	struct acted *acted = arg;

	assert_int_equal(strlen(entry->id_text), ID_TEXT);
	acted->of[result]++;
}

struct acted act(struct spool *spool, struct operator_order order)
{
	struct acted acted = {{0}};
	struct error err = {0};

	order.who = "cli";
	if (!operator_act(spool, &order, on_acted, &acted, &err))
		fail_msg("%s", err.text);
	return acted;
}

struct acted act_on(
    struct spool *spool, enum operator_verb verb, const char *text)
{
	struct id id = id_of(text);

	return act(spool,
	    (struct operator_order){.verb = verb, .ids = &id, .id_count = 1});
}

struct operator_status status_of(struct spool *spool)
{
	struct operator_status status;
	struct error err = {0};

	if (!operator_status(spool, &status, &err))
		fail_msg("%s", err.text);
	return status;
}

/* --- looking ---------------------------------------------------------- */

static size_t count_once(const char *folder)
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

void expect_files(const char *folder, size_t expected)
{
	for (int i = 0; i < 1000 && count_once(folder) != expected; i++)
		(void)usleep(2000);
	assert_int_equal(count_once(folder), expected);
}

enum delivery_state state_of(
    struct spool *spool, const char *text, unsigned recipient)
{
	enum delivery_state state = STATE_COUNT;
	struct delivery_row row;
	struct index_txn *txn;
	struct error err;
	struct id id = id_of(text);

	assert_true(spool_read_begin(spool, &txn, &err));
	if (delivery_get(txn, &id, recipient, &row))
		state = row.state;
	spool_txn_abort(spool, &txn);
	return state;
}

void expect_status(struct spool *spool, const char *text, const char *expected)
{
	struct message *message;
	struct error err = {0};
	struct id id = id_of(text);

	if (!spool_message_open(spool, &id, &message, &err))
		fail_msg("%s", err.text);
	assert_string_equal(message_status(message), expected);
	spool_message_close(&message);
}

int fixture_setup(void **state)
{
	(void)state;
	dir = scratch_make();
	return 0;
}

int fixture_teardown(void **state)
{
	(void)state;
	scratch_remove(&dir);
	return 0;
}
