/*
 * Uses a spool without SMTP or HTTP, for the power-cut test:
 *
 *   spool_worker put DIR      stores messages for ever; prints "ack ID" when
 *                             one is durable
 *   spool_worker deliver DIR  claims what is due; prints "post ID", then
 *                             records it as delivered
 *   spool_worker check DIR    reads ids from standard input; prints "gone ID"
 *                             or "damaged ID" for those that cannot be read
 *
 * A disk that fails under it is expected: it ends quietly.
 */
#include "base/clock.h"
#include "base/log.h"
#include "spool/id.h"
#include "spool/internal.h"
#include "spool/message.h"
#include "spool/spool.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IN_FLIGHT 20

static sem_t slots;

static struct spool *open_or_exit(const char *dir)
{
	struct spool_options options = {.dir = dir,
	    .access = SPOOL_WRITE,
	    .create = true,
	    .max_message_bytes = 1 << 20,
	    .history_retention_ms = 86400000};
	struct spool *spool;
	struct error err;

	if (spool_open(&options, &spool, &err))
		return spool;
	(void)fprintf(stderr, "%s\n", err.text);
	exit(1);
}

/* One write() per line: what was printed was meant. */
static void say(const char *verb, const char *id)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "%s %s\n", verb, id);

	if (write(STDOUT_FILENO, line, (size_t)len) != len)
		exit(1);
}

static void on_committed(void *arg, const struct error *err)
{
	if (err == NULL)
		say("ack", arg);
	free(arg);
	(void)sem_post(&slots);
}

static void put_one(struct spool *spool, unsigned number)
{
	static const struct recipient to = {
	    .address = "user@example.com", .lane = LANE_WEBHOOK};
	static char body[300 * 1024];
	struct envelope envelope = {.sender = "a@example.org",
	    .recipients = &to,
	    .recipient_count = 1,
	    .received_ms = clock_wall_ms()};
	/* Now and then one that is streamed. */
	size_t size = number % 50 == 0 ? sizeof(body) : 4096;
	struct draft *draft;
	struct error err;

	memset(body, 'a' + (int)(number % 26), sizeof(body));
	if (!spool_begin(spool, &envelope, size, &draft, &err))
		exit(0);
	char *id = strdup(spool_draft_id(draft));

	if (!spool_write(draft, body, size, &err)) {
		free(id);
		spool_discard(&draft);
		(void)sem_post(&slots);
		return;
	}
	spool_commit(&draft, &envelope, "", 0, on_committed, id);
}

static void put_for_ever(struct spool *spool)
{
	(void)sem_init(&slots, 0, IN_FLIGHT);
	for (unsigned number = 0;; number++) {
		while (sem_wait(&slots) != 0)
			;
		put_one(spool, number);
	}
}

static void deliver_for_ever(struct spool *spool)
{
	static const struct lane_policy policy = {.retry_base_ms = 1000,
	    .retry_cap_ms = 60000,
	    .max_retries = -1,
	    .max_age_ms = 86400000,
	    .claim_limit_ms = 60000};
	struct outcome outcomes[10] = {0};
	struct work *works[10];
	struct agent *agent;
	struct error err;
	size_t got = 0;
	int64_t wait;

	if (!spool_agent_open(spool, LANE_WEBHOOK, &policy, &agent, &err))
		exit(1);
	for (;;) {
		if (!spool_turn(
			agent, outcomes, got, works, 10, &got, &wait, &err))
			exit(0);
		for (size_t i = 0; i < got; i++) {
			say("post", works[i]->id_text);
			outcomes[i] = (struct outcome){.id = works[i]->id,
			    .claim = works[i]->claim,
			    .kind = OUTCOME_DELIVERED,
			    .status = 200,
			    .reason = "delivered"};
			spool_work_free(&works[i]);
		}
		if (got == 0)
			(void)usleep(1000);
	}
}

static int check(struct spool *spool)
{
	char line[64];
	int bad = 0;

	while (fgets(line, sizeof(line), stdin) != NULL) {
		struct message *message;
		struct error err;
		struct id id;

		line[strcspn(line, "\n")] = '\0';
		if (!id_parse(line, &id))
			return 2;
		if (!spool_message_open(spool, &id, &message, &err)) {
			say(err.kind == ERROR_NOT_FOUND ? "gone" : "damaged",
			    line);
			bad = 1;
			continue;
		}
		if (!message_verify(message, spool->key, &err)) {
			say("damaged", line);
			bad = 1;
		}
		spool_message_close(&message);
	}
	spool_close(&spool);
	return bad;
}

int main(int argc, char **argv)
{
	struct spool *spool;

	if (argc != 3)
		return 2;
	log_to_fd(STDERR_FILENO);
	spool = open_or_exit(argv[2]);
	if (strcmp(argv[1], "put") == 0)
		put_for_ever(spool);
	if (strcmp(argv[1], "deliver") == 0)
		deliver_for_ever(spool);
	return check(spool);
}
