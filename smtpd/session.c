#include "smtpd/session.h"

#include "base/alloc.h"
#include "bounds.h"
#include "smtpd/data.h"
#include "smtpd/figures.h"
#include "smtpd/greeting.h"
#include "smtpd/policy.h"
#include "smtpd/starttls.h"
#include "smtpd/transaction.h"
#include "smtpd/worker.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IN_DATA (STATE_CONTENT | STATE_CHUNK)
/* Nothing can be said now, or any more. */
#define MUTE                                                                   \
	(STATE_COMMITTING | STATE_CHECKING | STATE_HANDSHAKE | STATE_CLOSING | \
	    STATE_GONE)
/* What the client says is heard later, if at all. */
#define DEAF (MUTE | STATE_GREETING)

/* --- states ----------------------------------------------------------- */

static const char *state_name(enum session_state state)
{
	switch (state) {
	case STATE_NEW:
		return "new";
	case STATE_READY:
		return "ready";
	case STATE_SENDER:
		return "sender";
	case STATE_RECIPIENTS:
		return "recipients";
	case STATE_CHUNKS:
		return "chunks";
	case STATE_CONTENT:
		return "content";
	case STATE_CHUNK:
		return "chunk";
	case STATE_COMMITTING:
		return "committing";
	case STATE_CHECKING:
		return "checking";
	case STATE_PROXY:
		return "proxy";
	case STATE_GREETING:
		return "greeting";
	case STATE_CLOSING:
		return "closing";
	case STATE_GONE:
		return "gone";
	case STATE_HANDSHAKE:
		return "handshake";
	}
	return "unknown";
}

void session_move(struct session *session, enum session_state state)
{
	if (log_would_write(LOG_DEBUG))
		log_event(LOG_DEBUG, "session_state", SESSION_FIELDS(session),
		    LOG_TEXT("from", state_name(session->state)),
		    LOG_TEXT("to", state_name(state)));
	session->state = state;
	session->since_ms = session->connection.worker->now_ms;
}

void session_reset(struct session *session)
{
	transaction_free(&session->transaction);
	session_move(session, session->helo == NULL ? STATE_NEW : STATE_READY);
}

/* --- the beginning and the end ---------------------------------------- */

static void free_session(void *arg)
{
	struct session *session = arg;
	struct worker *worker;

	*session->link = session->next;
	if (session->next != NULL)
		session->next->link = session->link;
	free(session->helo);
	record_free(&session->connected);
	record_free(&session->greeted);
	worker = session->connection.worker;
	free(session);
	worker_left(worker);
}

/* Closes the socket now, and frees the memory once nobody is using it. */
void session_leave(struct session *session, const char *reason)
{
	struct worker *worker = session->connection.worker;

	assert(session->state != STATE_COMMITTING);
	if (session->state == STATE_GONE)
		return;
	stage_forget(session);
	greeting_forget(session);
	transaction_free(&session->transaction);
	/* Who sees the end of this connection may open another one. */
	limiter_leave(worker->limiter, &session->admitted);
	connection_close(&session->connection);
	metric_move(&figure_connections, NULL, -1);
	metric_observe(&figure_session_duration, NULL,
	    (uint64_t)(worker->now_ms - session->opened_ms) * 1000);
	if (session->end_reason == NULL)
		session->end_reason = reason;
	log_event(LOG_INFO, "connection_close", SESSION_FIELDS(session),
	    LOG_TEXT("reason", session->end_reason),
	    LOG_TEXT("tls", session->tls[0] != '\0' ? session->tls : NULL),
	    LOG_NUMBER("messages", session->messages),
	    LOG_NUMBER("errors", session->errors),
	    LOG_NUMBER("duration_ms", worker->now_ms - session->opened_ms));
	session_move(session, STATE_GONE);
	session->task =
	    (struct loop_task){.call = free_session, .arg = session};
	loop_defer(worker->loop, &session->task);
}

/* The last word was said. */
static void finish(struct session *session, const char *reason)
{
	greeting_forget(session);
	transaction_free(&session->transaction);
	session->end_reason = reason;
	session->data_wire = 0;
	session_move(session, STATE_CLOSING);
}

void session_end(struct session *session, enum reply reply)
{
	const char *reason = reply_reason(reply);

	/* Whoever waits for TLS would not understand it. */
	if (session->implicit_tls && session->connection.tls == NULL) {
		session_leave(session, reason);
		return;
	}
	(void)reply_append(&session->connection.worker->out, reply);
	finish(session, reason != NULL ? reason : "quit");
}

void session_end_refused(struct session *session, const struct verdict *verdict)
{
	(void)reply_verdict(&session->connection.worker->out, verdict);
	finish(session, verdict->reason);
}

void session_stop_if_asked(struct session *session)
{
	if (session->connection.worker->stop_ms != 0 &&
	    (session->state & MUTE) == 0)
		session_end(session, REPLY_SHUTTING_DOWN);
}

void session_end_for_limit(struct session *session, enum reply reply)
{
	log_event(LOG_WARN, "limit_exceeded", SESSION_FIELDS(session),
	    LOG_TEXT("limit", reply_reason(reply)));
	session_end(session, reply);
}

/* --- replies ---------------------------------------------------------- */

static void count_error(struct session *session)
{
	unsigned most =
	    session->connection.worker->settings->config->smtp_max_errors;

	session->errors++;
	if (most != 0 && session->errors >= most)
		session_end_for_limit(session, REPLY_TOO_MANY_ERRORS);
}

static void say(struct session *session, enum reply reply)
{
	(void)reply_append(&session->connection.worker->out, reply);
	if (reply_is_error(reply))
		count_error(session);
}

/* Every refusal is in the log. */
static void log_refused(struct session *session, const struct command *command,
    const struct verdict *verdict)
{
	const struct transaction *transaction = session->transaction;
	char address[ADDRESS_SIZE] = "";

	(void)address_format(&command->address, address);
	if (command->verb == VERB_RCPT)
		log_event(LOG_INFO, "recipient_rejected",
		    SESSION_FIELDS(session),
		    LOG_TEXT("from",
			transaction == NULL ? NULL : transaction->sender),
		    LOG_TEXT("recipient", address),
		    LOG_TEXT("reason", verdict->reason),
		    LOG_NUMBER("code", verdict->code));
	else if (command->verb == VERB_MAIL)
		log_event(LOG_INFO, "sender_rejected", SESSION_FIELDS(session),
		    LOG_TEXT("from", address),
		    LOG_TEXT("reason", verdict->reason),
		    LOG_NUMBER("code", verdict->code));
	else if (command->verb == VERB_HELO || command->verb == VERB_EHLO)
		log_event(LOG_INFO, "hello_rejected", SESSION_FIELDS(session),
		    LOG_TEXT("helo", session->helo),
		    LOG_TEXT("reason", verdict->reason),
		    LOG_NUMBER("code", verdict->code));
	else
		log_event(LOG_INFO, "command_rejected", SESSION_FIELDS(session),
		    LOG_TEXT("reason", verdict->reason),
		    LOG_NUMBER("code", verdict->code));
}

void session_refuse(
    struct session *session, const struct command *command, enum reply reply)
{
	struct verdict verdict;

	reply_to_verdict(reply, &verdict);
	log_refused(session, command, &verdict);
	say(session, reply);
}

void session_reply(struct session *session, enum reply reply)
{
	static const struct command none = {.verb = VERB_UNKNOWN};

	if (reply_reason(reply) != NULL)
		session_refuse(session, &none, reply);
	else
		say(session, reply);
}

/* --- verbs ------------------------------------------------------------ */

static void proceed_reset(
    struct session *session, const struct command *command)
{
	(void)command;
	session_reset(session);
	session_reply(session, REPLY_OK);
}

static void proceed_noop(struct session *session, const struct command *command)
{
	(void)command;
	session_reply(session, REPLY_OK);
}

static void proceed_help(struct session *session, const struct command *command)
{
	(void)command;
	session_reply(session, REPLY_HELP);
}

static void proceed_vrfy(struct session *session, const struct command *command)
{
	(void)command;
	session_reply(session, REPLY_CANNOT_VERIFY);
}

static void proceed_absent(
    struct session *session, const struct command *command)
{
	(void)command;
	session_reply(session, REPLY_NOT_IMPLEMENTED);
}

static void proceed_quit(struct session *session, const struct command *command)
{
	(void)command;
	session_end(session, REPLY_BYE);
	session->closes_at_once = true;
}

/* A browser or a forged request of one (a mail can be hidden in its body). */
static void proceed_foreign(
    struct session *session, const struct command *command)
{
	(void)command;
	session_end_for_limit(session, REPLY_NOT_SMTP);
}

#define OUTSIDE_MESSAGE (STATE_READY | STATE_SENDER | STATE_RECIPIENTS)
#define ANY_COMMAND (STATE_NEW | OUTSIDE_MESSAGE | STATE_CHUNKS)

static const struct {
	unsigned allowed_in; /* states */
	check_command_fn *check;
	enum stage stage;
	proceed_fn *proceed;
} verbs[] = {
    [VERB_HELO] = {ANY_COMMAND, hello_check, STAGE_HELO, hello_proceed_helo},
    [VERB_EHLO] = {ANY_COMMAND, hello_check, STAGE_HELO, hello_proceed_ehlo},
    [VERB_STARTTLS] = {ANY_COMMAND, starttls_check, STAGE_NONE,
	starttls_proceed},
    [VERB_MAIL] = {STATE_READY, transaction_check_mail, STAGE_MAIL,
	transaction_proceed_mail},
    [VERB_RCPT] = {STATE_SENDER | STATE_RECIPIENTS, transaction_check_rcpt,
	STAGE_RCPT, transaction_proceed_rcpt},
    [VERB_DATA] = {STATE_RECIPIENTS, NULL, STAGE_NONE, data_proceed_data},
    /* What follows must be read in any state. */
    [VERB_BDAT] = {ANY_COMMAND, NULL, STAGE_NONE, data_proceed_bdat},
    [VERB_RSET] = {ANY_COMMAND, NULL, STAGE_NONE, proceed_reset},
    [VERB_NOOP] = {ANY_COMMAND, NULL, STAGE_NONE, proceed_noop},
    [VERB_QUIT] = {ANY_COMMAND, NULL, STAGE_NONE, proceed_quit},
    [VERB_VRFY] = {ANY_COMMAND, NULL, STAGE_NONE, proceed_vrfy},
    [VERB_HELP] = {ANY_COMMAND, NULL, STAGE_NONE, proceed_help},
    [VERB_ABSENT] = {ANY_COMMAND, NULL, STAGE_NONE, proceed_absent},
    [VERB_FOREIGN] = {ANY_COMMAND, NULL, STAGE_NONE, proceed_foreign},
};

/* Why the command does not fit the state. */
static enum reply out_of_order(const struct session *session, enum verb verb)
{
	if (session->state == STATE_NEW)
		return REPLY_HELLO_FIRST;
	if (session->state == STATE_CHUNKS)
		return REPLY_OUT_OF_SEQUENCE;
	if (verb == VERB_MAIL)
		return REPLY_NESTED_MAIL;
	if (session->state == STATE_READY)
		return REPLY_MAIL_FIRST;
	return session->transaction->any_refused ? REPLY_NO_VALID_RECIPIENTS
						 : REPLY_RECIPIENT_FIRST;
}

static void refuse_command(struct session *session,
    const struct command *command, const struct verdict *verdict)
{
	log_refused(session, command, verdict);
	if (verdict->code == 421) {
		session_end_refused(session, verdict);
		return;
	}
	if (command->verb == VERB_RCPT)
		session->transaction->any_refused = true;
	else if (command->verb == VERB_MAIL)
		session_reset(session);
	else
		hello_forget(session);
	(void)reply_verdict(&session->connection.worker->out, verdict);
	count_error(session);
}

static void on_command_judged(struct session *session,
    const struct command *command, const struct verdict *verdict)
{
	if (verdict->action == VERDICT_ACCEPT)
		verbs[command->verb].proceed(session, command);
	else
		refuse_command(session, command, verdict);
}

static void execute(struct session *session, const struct command *command)
{
	enum verb verb = command->verb;

	if ((verbs[verb].allowed_in & session->state) == 0)
		session_refuse(session, command, out_of_order(session, verb));
	else if (verbs[verb].check != NULL &&
		 !verbs[verb].check(session, command))
		return;
	else if (verbs[verb].stage == STAGE_NONE)
		verbs[verb].proceed(session, command);
	else
		stage_judge(
		    session, verbs[verb].stage, command, on_command_judged);
}

/* --- input ------------------------------------------------------------ */

/* Up to the end of the line; how much that was. */
static size_t skip_line(struct session *session, const char *bytes, size_t len)
{
	const char *newline = memchr(bytes, '\n', len);

	session->data_wire += len;
	if (newline == NULL) {
		if (session->data_wire > LIMIT_SKIPPED_LINE)
			session_end_for_limit(session, REPLY_ENDLESS);
		return len;
	}
	session->skipping_line = false;
	session->since_ms = session->connection.worker->now_ms;
	session_reply(session, REPLY_LINE_TOO_LONG);
	return (size_t)(newline - bytes) + 1;
}

static void reply_fault(struct session *session, const struct command *command)
{
	if (command->fault == REPLY_LINE_TOO_LONG) {
		session->skipping_line = true;
		session->data_wire = 0;
		return;
	}
	session->since_ms = session->connection.worker->now_ms;
	if (command->verb == VERB_RCPT && session->transaction != NULL)
		session->transaction->any_refused = true;
	if (command->verb == VERB_BDAT)
		session_end(session, command->fault);
	else
		session_refuse(session, command, command->fault);
}

/* Uses a command's worth of the bytes; 0 if its end is not there. */
static size_t feed_command(
    struct session *session, const char *bytes, size_t len)
{
	struct command command;
	size_t used;

	if (session->skipping_line)
		return skip_line(session, bytes, len);
	switch (command_parse(bytes, len, &command, &used)) {
	case PARSE_MORE:
		return 0;
	case PARSE_BAD:
		reply_fault(session, &command);
		break;
	case PARSE_DONE:
		session->since_ms = session->connection.worker->now_ms;
		execute(session, &command);
		break;
	}
	return used;
}

/* Sends what was said, and waits for what comes next. */
static void settle(struct session *session)
{
	struct connection *connection = &session->connection;

	if (!connection_flush(connection)) {
		if (session->state == STATE_COMMITTING)
			connection_pause(connection);
		else
			session_leave(session, "client");
		return;
	}
	if (session->state == STATE_CLOSING &&
	    !connection_is_stuck(connection)) {
		if (session->closes_at_once) {
			session_leave(session, "quit");
			return;
		}
		connection_shut(connection);
	}
	if (session->state == STATE_HANDSHAKE && connection->tls == NULL &&
	    !connection_is_stuck(connection))
		starttls_begin(session);
	connection_wait(connection);
}

/* Reads the bytes as far as the state allows, and keeps the rest. */
static void pump(struct session *session, const char *bytes, size_t len)
{
	struct connection *connection = &session->connection;
	struct worker *worker = connection->worker;
	size_t at = 0, used;

	while (at < len && (session->state & DEAF) == 0) {
		if (worker->out.len >= WORKER_OUT_HIGH ||
		    connection_is_stuck(connection)) {
			settle(session);
			if (session->state == STATE_GONE)
				return;
			if (connection_is_stuck(connection)) {
				/* Goes on when there is room again. */
				connection_keep(
				    connection, bytes + at, len - at);
				return;
			}
		}
		if ((session->state & IN_DATA) != 0)
			used = data_feed(session, bytes + at, len - at);
		else
			used = feed_command(session, bytes + at, len - at);
		if (used == 0)
			break;
		at += used;
	}
	if (session->state == STATE_GONE)
		return;
	if (session->state != STATE_CLOSING)
		connection_keep(connection, bytes + at, len - at);
	settle(session);
}

void session_resume(struct session *session)
{
	char *bytes;
	size_t len;

	connection_take_unread(&session->connection, &bytes, &len);
	pump(session, bytes, len);
}

/* After the last word: a client that is still talking would lose that word if
 * the socket were closed on it. */
static void overhear(struct session *session, size_t len)
{
	session->data_wire += len;
	if (session->data_wire > LIMIT_FAREWELL_BYTES)
		session_leave(session, "client");
}

static void hear_early(struct session *session)
{
	char *bytes;
	size_t len;

	switch (connection_read(&session->connection, &bytes, &len)) {
	case ARRIVAL_BYTES:
		greeting_heard(session, len);
		settle(session);
		break;
	case ARRIVAL_NONE:
		break;
	case ARRIVAL_END:
		session_leave(session, "client");
		break;
	}
}

/* Only after the answer. A whole message is worth its own, even if there is
 * nobody to hear it; anything before that is not. */
static void hear_later(struct session *session)
{
	struct connection *connection = &session->connection;

	if (session->state == STATE_CHECKING &&
	    stage_waited_for(session) != STAGE_MESSAGE &&
	    connection_is_abandoned(connection))
		session_leave(session, "client");
	else
		connection_pause(connection);
}

static void leave_handshake(struct session *session, const char *reason)
{
	metric_add(&figure_tls_failures, reason, 1);
	session_leave(session, reason);
}

static void go_on_with_handshake(struct session *session)
{
	if (session->connection.tls == NULL) {
		/* The last words in plain text are still on their way. */
		settle(session);
		return;
	}
	switch (starttls_go_on(session)) {
	case TLS_MORE:
		break;
	case TLS_BROKEN:
		leave_handshake(session, "tls_failed");
		break;
	case TLS_DONE:
		if (!session->welcome)
			greeting_wait(session);
		settle(session);
		break;
	}
}

static void on_session_ready(void *arg, unsigned ready)
{
	struct session *session = arg;
	struct connection *connection = &session->connection;
	char *bytes;
	size_t len;

	worker_touch(connection->worker);
	if (session->state == STATE_PROXY) {
		greeting_read(session);
		if (session->state != STATE_GONE)
			settle(session);
		return;
	}
	if (greeting_is_waited_for(session) && (ready & LOOP_READ) != 0) {
		hear_early(session);
		return;
	}
	if (session->state == STATE_COMMITTING ||
	    session->state == STATE_CHECKING) {
		hear_later(session);
		return;
	}
	if (session->state == STATE_HANDSHAKE) {
		go_on_with_handshake(session);
		return;
	}
	if ((ready & LOOP_WRITE) != 0 && connection_is_stuck(connection)) {
		settle(session);
		if ((session->state & DEAF) == 0 &&
		    !connection_is_stuck(connection))
			session_resume(session);
		return;
	}
	switch (connection_read(connection, &bytes, &len)) {
	case ARRIVAL_BYTES:
		if (session->state != STATE_CLOSING)
			pump(session, bytes, len);
		else
			overhear(session, len);
		break;
	case ARRIVAL_NONE:
		connection_wait(connection);
		break;
	case ARRIVAL_END:
		session_leave(session, "client");
		break;
	}
}

/* --- the worker's side ------------------------------------------------ */

void session_open(struct worker *worker, int fd, const struct ip *ip, bool tls)
{
	static _Atomic uint64_t numbers;
	struct session *session = xcalloc(1, sizeof(*session));
	uint64_t number = atomic_fetch_add(&numbers, 1);

	session->ip = session->admitted = *ip;
	ip_format(ip, session->ip_text);
	/* Unique on this host for as long as it matters. */
	(void)snprintf(session->name, sizeof(session->name),
	    "%08" PRIx32 "%08" PRIx32, (uint32_t)(worker->started_ms / 1000),
	    (uint32_t)number);
	session->next = worker->sessions;
	session->link = &worker->sessions;
	if (session->next != NULL)
		session->next->link = &session->next;
	worker->sessions = session;
	connection_open(
	    &session->connection, worker, fd, on_session_ready, session);
	session->opened_ms = worker->now_ms;
	metric_move(&figure_connections, NULL, 1);
	metric_add(&figure_connections_total, NULL, 1);
	log_event(LOG_INFO, "connection_open", SESSION_FIELDS(session));
	greeting_begin(session, tls);
	settle(session);
}

static int64_t idle_limit_ms(const struct worker *worker)
{
	int64_t limit = worker->settings->config->smtp_idle_timeout_ms;

	if (limit > LIMIT_CROWDED_IDLE_MS && worker_is_crowded(worker))
		return LIMIT_CROWDED_IDLE_MS;
	return limit;
}

static int64_t handshake_limit_ms(const struct worker *worker)
{
	int64_t limit = idle_limit_ms(worker);

	return limit < LIMIT_HANDSHAKE_MS ? limit : LIMIT_HANDSHAKE_MS;
}

void session_check_time(struct session *session)
{
	struct worker *worker = session->connection.worker;
	int64_t quiet_ms = worker->now_ms - session->since_ms;

	switch (session->state) {
	case STATE_COMMITTING:
	case STATE_GREETING:
	case STATE_GONE:
		return;
	case STATE_PROXY:
		if (quiet_ms >= LIMIT_PROXY_MS)
			session_leave(session, "proxy_header");
		return;
	case STATE_CHECKING:
		if (!greeting_hurry(session))
			stage_check_time(session);
		return;
	case STATE_CLOSING:
		if (quiet_ms >= LIMIT_FAREWELL_MS)
			session_leave(session, "client");
		return;
	case STATE_HANDSHAKE:
		if (quiet_ms >= handshake_limit_ms(worker))
			leave_handshake(session, "tls_timeout");
		return;
	case STATE_CONTENT:
	case STATE_CHUNK:
		if (!data_is_too_slow(session, worker->now_ms))
			return;
		session_end_for_limit(session, REPLY_TOO_SLOW);
		break;
	case STATE_NEW:
	case STATE_READY:
	case STATE_SENDER:
	case STATE_RECIPIENTS:
	case STATE_CHUNKS:
		if (quiet_ms < idle_limit_ms(worker))
			return;
		session_end(session, REPLY_IDLE_TOO_LONG);
		break;
	}
	settle(session);
}

void session_shut_down(struct session *session)
{
	if (session->state == STATE_HANDSHAKE || session->state == STATE_PROXY)
		session_leave(session, "shutting_down");
	if ((session->state & MUTE) != 0)
		return;
	session_end(session, REPLY_SHUTTING_DOWN);
	settle(session);
}

void session_cut(struct session *session)
{
	if (session->state != STATE_COMMITTING)
		session_leave(session, "shutting_down");
}
