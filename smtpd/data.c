#include "smtpd/data.h"

#include "bounds.h"
#include "mail/trace_header.h"
#include "smtpd/figures.h"
#include "smtpd/policy.h"
#include "smtpd/session.h"
#include "smtpd/transaction.h"
#include "smtpd/worker.h"

#include <assert.h>
#include <string.h>

void content_free(struct content *content)
{
	spool_discard(&content->draft);
	header_watch_free(&content->header);
}

/* --- the commit ------------------------------------------------------- */

/* On the loop, once the committer has spoken. */
static void on_commit_answered(void *arg)
{
	struct session *session = arg;
	struct transaction *transaction = session->transaction;
	struct worker *worker = session->connection.worker;

	worker_touch(worker);
	if (transaction->error.kind == ERROR_NONE) {
		session->messages++;
		metric_add(&figure_messages_accepted, NULL, 1);
		metric_add(
		    &figure_bytes_accepted, NULL, transaction->content.size);
		log_event(LOG_INFO, "message_enqueued", SESSION_FIELDS(session),
		    LOG_TEXT("id", transaction->id),
		    LOG_TEXT("from", transaction->sender),
		    LOG_NUMBER("recipients", transaction->count),
		    LOG_NUMBER("size", transaction->content.size));
		(void)reply_printf(&worker->out, 250, "2.0.0",
		    "Ok: queued as %s", transaction->id);
	} else {
		log_event(LOG_ERROR, "enqueue_failed", SESSION_FIELDS(session),
		    LOG_TEXT("id", transaction->id),
		    LOG_TEXT("error", transaction->error.text));
		metric_add(&figure_messages_failed, NULL, 1);
		session_reply(session, reply_of_error(&transaction->error));
	}
	session_reset(session);
	session_stop_if_asked(session);
	session_resume(session);
}

/* On the committer's thread. */
static void on_committed(void *arg, const struct error *err)
{
	struct session *session = arg;

	session->transaction->error =
	    err == NULL ? (struct error){.kind = ERROR_NONE} : *err;
	loop_post(session->connection.worker->loop, &session->task);
}

static void write_trace(const struct session *session,
    const struct envelope *envelope, struct buf *trace)
{
	const struct transaction *transaction = session->transaction;
	struct received received = {
	    .helo = envelope->helo,
	    .client_name = envelope->client_name,
	    .client_ip = envelope->client_ip,
	    .host = session->connection.worker->settings->config->haraka_domain,
	    .protocol = envelope->protocol,
	    .tls = envelope->tls,
	    .id = transaction->id,
	    /* One recipient must not learn of another. */
	    .recipient = transaction->count == 1
			     ? transaction->recipients[0].address
			     : NULL,
	    .when_ms = envelope->received_ms,
	};
	const struct results *results = &transaction->results;
	bool fits = trace_return_path(trace, envelope->sender) &&
		    trace_received(trace, &received) &&
		    trace_authentication(trace, received.host,
			results->authentication, results->authentication_count);

	assert(fits);
}

static void commit(struct session *session)
{
	struct content *content = &session->transaction->content;
	struct envelope envelope = transaction_envelope(session);
	struct buf trace = buf_new(LIMIT_TRACE);

	envelope.message_id = header_watch_message_id(&content->header);
	envelope.findings = stage_findings(session, &envelope.finding_count);
	write_trace(session, &envelope, &trace);
	session_move(session, STATE_COMMITTING);
	session->task =
	    (struct loop_task){.call = on_commit_answered, .arg = session};
	spool_commit(&content->draft, &envelope, trace.data, trace.len,
	    on_committed, session);
	buf_free(&trace);
}

/* --- content ---------------------------------------------------------- */

static void log_failure(struct session *session, const struct error *err)
{
	log_event(LOG_ERROR, "enqueue_failed", SESSION_FIELDS(session),
	    LOG_TEXT("from", session->transaction->sender),
	    LOG_TEXT("error", err->text));
}

/* REPLY_OK, or why there is no draft. */
static enum reply begin_content(struct session *session, bool dots)
{
	struct worker *worker = session->connection.worker;
	struct transaction *transaction = session->transaction;
	struct content *content = &transaction->content;
	struct envelope so_far = transaction_envelope(session);

	content->header = header_watch_begin();
	content->scan =
	    data_scan_begin(dots, worker->settings->config->smtp_bare_newline ==
				      BARE_NEWLINE_NORMALIZE);
	if (!spool_begin(worker->spool, &so_far, transaction->declared_size,
		&content->draft, &content->error)) {
		log_failure(session, &content->error);
		return reply_of_error(&content->error);
	}
	memcpy(transaction->id, spool_draft_id(content->draft),
	    sizeof(transaction->id));
	return REPLY_OK;
}

static void on_content(void *arg, const char *bytes, size_t len)
{
	struct session *session = arg;
	struct content *content = &session->transaction->content;

	content->size += len;
	header_watch_read(&content->header, bytes, len);
	uuencode_watch_read(&content->uuencode, bytes, len);
	if (content->draft == NULL ||
	    spool_write(content->draft, bytes, len, &content->error))
		return;
	log_failure(session, &content->error);
	reply_to_verdict(reply_of_error(&content->error), &content->verdict);
	spool_discard(&content->draft);
}

struct content_facts data_facts(const struct session *session)
{
	const struct content *content = &session->transaction->content;

	return (struct content_facts){
	    .size = content->size,
	    .bare_newline = content->scan.bare_newline,
	    .header_bytes = content->header.bytes,
	    .header_lines = content->header.lines,
	    .received = content->header.received,
	    .described = content->header.described,
	    .uuencoded = content->uuencode.seen,
	};
}

/* What is known by now may be enough to refuse it. */
static void judge_content(struct session *session)
{
	struct content *content = &session->transaction->content;
	struct content_facts facts;
	struct subject subject = {.stage = STAGE_CONTENT,
	    .settings = session->connection.worker->settings,
	    .session = session->name,
	    .ip_text = session->ip_text,
	    .id = session->transaction->id,
	    .content = &facts};

	if (content->verdict.action != VERDICT_ACCEPT)
		return;
	facts = data_facts(session);
	policy_judge(&subject);
	content->verdict = subject.verdict;
	if (content->verdict.action != VERDICT_ACCEPT)
		spool_discard(&content->draft);
	findings_free(&subject.findings);
	arena_free(&subject.arena);
}

static void log_rejected(struct session *session)
{
	struct transaction *transaction = session->transaction;
	const struct verdict *verdict = &transaction->content.verdict;

	if (transaction->content.error.kind != ERROR_NONE)
		metric_add(&figure_messages_failed, NULL, 1);
	else
		metric_add(&figure_messages_rejected, verdict->reason, 1);
	if (transaction->content.error.kind == ERROR_NONE)
		log_event(LOG_INFO, "message_rejected", SESSION_FIELDS(session),
		    LOG_TEXT("id", transaction->id),
		    LOG_TEXT("from", transaction->sender),
		    LOG_TEXT("reason", verdict->reason),
		    LOG_NUMBER("code", verdict->code),
		    LOG_NUMBER("size", transaction->content.size));
}

/* Each chunk of what is refused hears so. */
static void say_refused(struct session *session)
{
	struct content *content = &session->transaction->content;

	if (!content->told)
		log_rejected(session);
	content->told = true;
	(void)reply_verdict(
	    &session->connection.worker->out, &content->verdict);
}

static void on_message_judged(struct session *session,
    const struct command *command, const struct verdict *verdict)
{
	(void)command;
	session->transaction->content.verdict = *verdict;
	if (verdict->action == VERDICT_ACCEPT) {
		commit(session);
		return;
	}
	say_refused(session);
	session_reset(session);
}

static void end_content(struct session *session)
{
	const struct verdict *verdict = &session->transaction->content.verdict;

	judge_content(session);
	if (verdict->action == VERDICT_ACCEPT) {
		stage_judge(session, STAGE_MESSAGE, NULL, on_message_judged);
		return;
	}
	say_refused(session);
	session_reset(session);
}

/* Ends a client that sends on and on. */
static bool is_endless(struct session *session)
{
	uint64_t most = session->connection.worker->settings->config
			    ->elektrine_queue_max_raw_bytes;

	if (session->data_wire <= most + LIMIT_SWALLOW)
		return false;
	session_end(session, REPLY_ENDLESS);
	return true;
}

/* --- DATA ------------------------------------------------------------- */

static void begin_reading(struct session *session, enum session_state state)
{
	session_move(session, state);
	session->data_ms = session->since_ms;
	session->data_wire = 0;
}

void data_proceed_data(struct session *session, const struct command *command)
{
	enum reply reply = begin_content(session, true);

	(void)command;
	if (reply == REPLY_OK) {
		begin_reading(session, STATE_CONTENT);
		session_reply(session, REPLY_START_DATA);
	} else {
		session_reply(session, reply);
		session_reset(session);
	}
}

static size_t feed_data(struct session *session, const char *bytes, size_t len)
{
	size_t used;
	bool ended = data_scan_read(&session->transaction->content.scan, bytes,
	    len, &used, on_content, session);

	session->data_wire += used;
	if (ended) {
		end_content(session);
	} else if (!is_endless(session)) {
		judge_content(session);
	}
	return used;
}

/* --- BDAT ------------------------------------------------------------- */

/* Chunks behind the first may be on their way: if that one cannot be kept, none
 * of them is (RFC 3030 section 2). */
static void begin_chunks(struct session *session)
{
	enum reply reply = begin_content(session, false);

	if (reply != REPLY_OK)
		reply_to_verdict(reply, &session->transaction->content.verdict);
}

/* Why a chunk cannot be taken. It must be read all the same: its bytes are
 * no commands (RFC 3030 section 2). */
static enum reply chunk_fault(struct session *session)
{
	if (session->state == STATE_RECIPIENTS)
		begin_chunks(session);
	if (session->state == STATE_RECIPIENTS ||
	    session->state == STATE_CHUNKS)
		return REPLY_OK;
	if (session->state == STATE_NEW)
		return REPLY_HELLO_FIRST;
	if (session->state == STATE_READY)
		return REPLY_MAIL_FIRST;
	return session->transaction->any_refused ? REPLY_NO_VALID_RECIPIENTS
						 : REPLY_RECIPIENT_FIRST;
}

static void end_chunk(struct session *session)
{
	struct content *content;

	if (session->chunk_fault != REPLY_OK) {
		session_move(session, session->chunk_returns);
		session_reply(session, session->chunk_fault);
		return;
	}
	content = &session->transaction->content;
	if (session->chunk_last) {
		data_scan_finish(&content->scan, on_content, session);
		end_content(session);
		return;
	}
	session_move(session, STATE_CHUNKS);
	judge_content(session);
	if (content->verdict.action != VERDICT_ACCEPT)
		say_refused(session);
	else
		(void)reply_printf(&session->connection.worker->out, 250,
		    "2.0.0", "%zu bytes received", (size_t)session->data_wire);
}

void data_proceed_bdat(struct session *session, const struct command *command)
{
	session->chunk_fault = chunk_fault(session);
	session->chunk_returns = session->state;
	session->chunk_left = command->size;
	session->chunk_last = command->last;
	begin_reading(session, STATE_CHUNK);
	if (session->chunk_left == 0)
		end_chunk(session);
}

static size_t feed_chunk(struct session *session, const char *bytes, size_t len)
{
	size_t used;

	if (len > session->chunk_left)
		len = (size_t)session->chunk_left;
	if (session->chunk_fault == REPLY_OK)
		(void)data_scan_read(&session->transaction->content.scan, bytes,
		    len, &used, on_content, session);
	session->data_wire += len;
	session->chunk_left -= len;
	if (session->chunk_left == 0)
		end_chunk(session);
	else if (!is_endless(session) && session->chunk_fault == REPLY_OK)
		judge_content(session);
	return len;
}

/* --- both ------------------------------------------------------------- */

size_t data_feed(struct session *session, const char *bytes, size_t len)
{
	session->since_ms = session->connection.worker->now_ms;
	return session->state == STATE_CHUNK ? feed_chunk(session, bytes, len)
					     : feed_data(session, bytes, len);
}

bool data_is_too_slow(const struct session *session, int64_t now_ms)
{
	const struct config *config =
	    session->connection.worker->settings->config;
	int64_t lasted_ms = now_ms - session->data_ms;

	if (now_ms - session->since_ms >= config->smtp_data_timeout_ms)
		return true;
	return lasted_ms >= LIMIT_DATA_GRACE_MS &&
	       session->data_wire <
		   (uint64_t)lasted_ms * LIMIT_DATA_SPEED / 1000;
}
