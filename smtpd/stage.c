#include "smtpd/stage.h"

#include "base/alloc.h"
#include "smtpd/policy.h"
#include "smtpd/review.h"
#include "smtpd/session.h"
#include "smtpd/transaction.h"
#include "smtpd/worker.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What a session waits for. */
struct waiting {
	struct session *session;
	struct review *review; /* NULL: not before what was left behind */
	bool made;             /* the review has ended, and refuses */
	enum stage stage;
	enum session_state returns;
	judged_fn *judged;
	bool has_command;
	struct command command;
	struct arena *arena; /* the command's strings */
};

static const struct command *command_of(const struct waiting *waiting)
{
	return waiting->has_command ? &waiting->command : NULL;
}

/* --- what is kept ----------------------------------------------------- */

void record_free(struct record *record)
{
	findings_free(&record->findings);
	arena_free(&record->arena);
	*record = (struct record){.arena = NULL};
}

static void add(struct record *record, struct subject *subject)
{
	(void)findings_take(&record->findings, &subject->findings);
	record->results = subject->results;
	if (subject->arena == NULL)
		return;
	if (record->arena == NULL)
		record->arena = arena_new();
	arena_adopt(record->arena, &subject->arena);
}

/* About as much as an envelope or a line of the history needs for them. */
static size_t room_of(const struct check_findings *findings)
{
	size_t room = findings->count * 64;

	for (size_t i = 0; i < findings->count; i++)
		for (const char *c = findings->items[i].saw;
		     c != NULL && *c != '\0'; c++)
			room += *c > ' ' && *c <= '~' ? 1 : 3;
	return room;
}

/* The message's own must find room behind them. */
static bool takes_recipient(
    struct transaction *transaction, const struct check_findings *findings)
{
	if (transaction->findings.count >= LIMIT_RECIPIENT_FINDINGS)
		return false;
	transaction->recipients_said += room_of(findings);
	return transaction->recipients_said <= LIMIT_RECIPIENT_FINDINGS_ROOM;
}

/* A transaction gathers what several stages leave; of a recipient, of which
 * there may be many, only findings. */
static void gather(struct transaction *transaction, struct subject *subject)
{
	bool keeps;

	if (subject->stage == STAGE_RCPT &&
	    !takes_recipient(transaction, &subject->findings))
		findings_free(&subject->findings);
	keeps = findings_take(&transaction->findings, &subject->findings);
	if (subject->stage != STAGE_RCPT) {
		transaction->results = subject->results;
		keeps = true;
	}
	if (keeps && subject->arena != NULL)
		arena_adopt(transaction->arena, &subject->arena);
	arena_free(&subject->arena);
}

static void keep(struct session *session, struct subject *subject)
{
	if (subject->stage == STAGE_HELO)
		record_free(&session->greeted);
	if (subject->stage < STAGE_HELO)
		add(&session->connected, subject);
	else if (subject->stage == STAGE_HELO)
		add(&session->greeted, subject);
	else
		gather(session->transaction, subject);
}

const struct check_finding *stage_findings(
    const struct session *session, size_t *count)
{
	const struct check_findings *parts[] = {&session->connected.findings,
	    &session->greeted.findings, &session->transaction->findings};
	struct check_finding *all;

	*count = 0;
	all = arena_alloc(
	    session->transaction->arena, 3 * LIMIT_FINDINGS * sizeof(*all));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i]->count > 0)
			memcpy(all + *count, parts[i]->items,
			    parts[i]->count * sizeof(*all));
		*count += parts[i]->count;
	}
	return all;
}

/* --- what is looked at ------------------------------------------------ */

static struct results results_so_far(
    const struct session *session, enum stage stage)
{
	return stage <= STAGE_MAIL ? session->connected.results
				   : session->transaction->results;
}

static void look_at_message(
    struct subject *subject, struct transaction *transaction)
{
	subject->id = transaction->id;
	subject->recipients = transaction->recipients;
	subject->recipient_count = transaction->count;
	subject->message = spool_draft_source(transaction->content.draft);
}

static struct subject subject_of(struct session *session, enum stage stage,
    const struct command *command, struct content_facts *facts)
{
	struct worker *worker = session->connection.worker;
	struct transaction *transaction = session->transaction;
	struct subject subject = {
	    .stage = stage,
	    .settings = worker->settings,
	    .services = worker->services,
	    .deadline_ms = worker->now_ms + (stage == STAGE_MESSAGE
						    ? LIMIT_MESSAGE_STAGE_MS
						    : LIMIT_STAGE_MS),
	    .session = session->name,
	    .ip = session->ip,
	    .ip_text = session->ip_text,
	    .early_bytes = session->early_bytes,
	    .helo = session->helo,
	    .extended = session->extended,
	    .results = results_so_far(session, stage),
	};

	if (transaction != NULL)
		subject.sender = transaction->sender;
	if (stage == STAGE_RCPT)
		subject.recipient = &command->address;
	if (stage == STAGE_MESSAGE) {
		assert(transaction != NULL);
		*facts = data_facts(session);
		subject.content = facts;
		look_at_message(&subject, transaction);
	}
	return subject;
}

/* --- the stage -------------------------------------------------------- */

/* Gives the session what was left, and goes on. */
static void conclude(struct session *session, struct subject *subject,
    const struct command *command, judged_fn *judged)
{
	struct verdict verdict = subject->verdict;

	keep(session, subject);
	judged(session, command, &verdict);
}

/* In the session's place for it: it is in STATE_CHECKING from now on. */
static struct waiting *wait(struct session *session, enum stage stage,
    const struct command *command, judged_fn *judged)
{
	struct waiting *waiting = xcalloc(1, sizeof(*waiting));
	struct address *address = &waiting->command.address;

	waiting->session = session;
	waiting->stage = stage;
	waiting->returns = session->state;
	waiting->judged = judged;
	waiting->arena = arena_new();
	session->waiting = waiting;
	session_move(session, STATE_CHECKING);
	if (command == NULL)
		return waiting;
	waiting->has_command = true;
	waiting->command = *command;
	waiting->command.name.data = arena_strndup(
	    waiting->arena, command->name.data, command->name.len);
	address->local =
	    arena_strndup(waiting->arena, address->local, address->local_len);
	address->domain =
	    arena_strndup(waiting->arena, address->domain, address->domain_len);
	return waiting;
}

/* The session is where it was before. */
static struct waiting *stop_waiting(struct session *session)
{
	struct waiting *waiting = session->waiting;

	session->waiting = NULL;
	session_move(session, waiting->returns);
	return waiting;
}

static void free_waiting(struct waiting **waiting)
{
	review_forget(&(*waiting)->review);
	arena_free(&(*waiting)->arena);
	free(*waiting);
	*waiting = NULL;
}

static void go_on(struct session *session)
{
	session_stop_if_asked(session);
	session_resume(session);
}

/* The checks that were left behind have spoken: whoever waited for that may
 * begin. */
static void on_behind_reviewed(struct session *session)
{
	struct subject *subject = review_subject(session->behind->review);
	struct waiting *parked;

	keep(session, subject);
	session->behind->made = true;
	if (subject->verdict.action == VERDICT_ACCEPT)
		free_waiting(&session->behind);
	if (session->waiting == NULL || session->waiting->review != NULL)
		return;
	parked = stop_waiting(session);
	stage_judge(session, parked->stage, command_of(parked), parked->judged);
	free_waiting(&parked);
	go_on(session);
}

/* On the loop, when the checks that were waited for have spoken. */
static void on_reviewed(void *arg)
{
	struct waiting *waiting = arg;
	struct session *session = waiting->session;
	struct subject *subject = review_subject(waiting->review);

	worker_touch(session->connection.worker);
	if (waiting == session->behind) {
		on_behind_reviewed(session);
		return;
	}
	(void)stop_waiting(session);
	if (subject->stage == STAGE_MESSAGE)
		session->transaction->content.draft =
		    review_take_draft(waiting->review);
	conclude(session, subject, command_of(waiting), waiting->judged);
	free_waiting(&waiting);
	go_on(session);
}

static void make(struct session *session, enum stage stage,
    const struct command *command, judged_fn *judged)
{
	struct content_facts facts;
	struct subject subject = subject_of(session, stage, command, &facts);
	enum service service = policy_advance(&subject);
	struct draft *none = NULL, **draft = &none;
	struct waiting *waiting;

	if (service == SERVICE_NONE) {
		conclude(session, &subject, command, judged);
		return;
	}
	if (stage == STAGE_MESSAGE)
		draft = &session->transaction->content.draft;
	waiting = wait(session, stage, command, judged);
	waiting->review = review_begin(session->connection.worker->loop,
	    &subject, service, draft, on_reviewed, waiting);
	if (waiting->review == NULL) {
		(void)stop_waiting(session);
		conclude(session, &subject, command, judged);
		free_waiting(&waiting);
	}
}

void stage_judge(struct session *session, enum stage stage,
    const struct command *command, judged_fn *judged)
{
	const struct waiting *behind = session->behind;
	struct verdict verdict;

	if (stage < STAGE_MAIL || behind == NULL) {
		make(session, stage, command, judged);
	} else if (behind->made) {
		verdict = review_subject(behind->review)->verdict;
		judged(session, command, &verdict);
	} else {
		(void)wait(session, stage, command, judged);
	}
}

enum stage stage_waited_for(const struct session *session)
{
	return session->waiting->stage;
}

void stage_leave_behind(struct session *session)
{
	session->behind = stop_waiting(session);
}

void stage_check_time(struct session *session)
{
	struct worker *worker = session->connection.worker;
	struct waiting *waiting = session->waiting;
	const struct review *review =
	    waiting->review != NULL ? waiting->review : session->behind->review;
	struct subject late = {.verdict.action = VERDICT_ACCEPT};

	/* Checks that keep to their time are given that of a tick. */
	if (worker->now_ms < review_deadline_ms(review) + LIMIT_STAGE_GRACE_MS)
		return;
	(void)stop_waiting(session);
	check_refuse(&late, 451, "4.3.2", "checks_timeout",
	    "The checks took too long, try again later");
	waiting->judged(session, command_of(waiting), &late.verdict);
	free_waiting(&waiting);
	go_on(session);
}

void stage_forget(struct session *session)
{
	if (session->waiting != NULL)
		free_waiting(&session->waiting);
	if (session->behind != NULL)
		free_waiting(&session->behind);
}
