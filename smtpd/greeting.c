#include "smtpd/greeting.h"

#include "base/proxy_header.h"
#include "bounds.h"
#include "smtpd/figures.h"
#include "smtpd/worker.h"

#include <assert.h>

/* --- the greeting ----------------------------------------------------- */

static void refuse(struct session *session, const struct verdict *verdict)
{
	log_event(LOG_INFO, "connection_rejected", SESSION_FIELDS(session),
	    LOG_TEXT("reason", verdict->reason),
	    LOG_NUMBER("code", verdict->code));
	session_end_refused(session, verdict);
}

static void on_greeting_judged(struct session *session,
    const struct command *command, const struct verdict *verdict)
{
	struct worker *worker = session->connection.worker;

	(void)command;
	if (verdict->action != VERDICT_ACCEPT) {
		refuse(session, verdict);
		return;
	}
	session_move(session, STATE_NEW);
	(void)buf_printf(&worker->out, "220 %s ESMTP elektrine-spool\r\n",
	    worker->settings->config->haraka_domain);
}

/* Once the checks are made and the time is over. */
static void greet(struct session *session)
{
	loop_timer_free(&session->greeting);
	stage_judge(session, STAGE_GREETING, NULL, on_greeting_judged);
}

static void on_connection_judged(struct session *session,
    const struct command *command, const struct verdict *verdict)
{
	(void)command;
	if (verdict->action != VERDICT_ACCEPT)
		refuse(session, verdict);
	else if (session->greeting == NULL)
		greet(session);
}

static void on_greeting_due(void *arg)
{
	struct session *session = arg;

	worker_touch(session->connection.worker);
	loop_timer_free(&session->greeting);
	/* Else the checks are still being made. */
	if (session->state != STATE_GREETING)
		return;
	greet(session);
	session_resume(session);
}

void greeting_wait(struct session *session)
{
	struct worker *worker = session->connection.worker;
	int64_t wait_ms = worker->settings->config->early_talker_ms;

	session->welcome = true;
	session_move(session, STATE_GREETING);
	if (wait_ms > 0) {
		session->greeting =
		    loop_timer_new(worker->loop, on_greeting_due, session);
		loop_timer_set(session->greeting, wait_ms);
	}
	stage_judge(session, STAGE_CONNECT, NULL, on_connection_judged);
}

bool greeting_hurry(struct session *session)
{
	int64_t waited_ms =
	    session->connection.worker->now_ms - session->since_ms;

	if (stage_waited_for(session) != STAGE_CONNECT ||
	    session->greeting != NULL || waited_ms < LIMIT_GREETING_MS)
		return false;
	stage_leave_behind(session);
	greet(session);
	session_resume(session);
	return true;
}

bool greeting_is_waited_for(const struct session *session)
{
	return session->greeting != NULL;
}

void greeting_heard(struct session *session, size_t len)
{
	stage_forget(session);
	session_move(session, STATE_GREETING);
	session->early_bytes = len;
	greet(session);
}

void greeting_forget(struct session *session)
{
	loop_timer_free(&session->greeting);
}

/* --- a proxy ---------------------------------------------------------- */

/* The limits of the client take the place of the proxy's. */
static bool admit(struct session *session, const struct ip *client)
{
	struct worker *worker = session->connection.worker;
	const struct config *config = worker->settings->config;
	struct limiter_rules rules = {
	    /* It has its place among all connections already. */
	    .per_address = config->smtp_max_connections_per_ip,
	    .rate_per_address = config->smtp_max_rate_per_ip,
	};
	enum admission admission =
	    limiter_admit(worker->limiter, &rules, client, worker->now_ms);
	enum reply reply;

	if (admission == ADMISSION_GRANTED) {
		limiter_leave(worker->limiter, &session->admitted);
		session->admitted = *client;
		return true;
	}
	reply = admission == ADMISSION_TOO_MANY ? REPLY_TOO_MANY_FROM_ADDRESS
						: REPLY_TOO_FAST_FROM_ADDRESS;
	metric_add(&figure_connections_refused, reply_reason(reply), 1);
	session_end_for_limit(session, reply);
	return false;
}

static bool become(struct session *session, const struct ip *client)
{
	char proxy[IP_TEXT];

	ip_format(&session->ip, proxy);
	session->ip = *client;
	ip_format(client, session->ip_text);
	log_event(LOG_INFO, "connection_proxied", SESSION_FIELDS(session),
	    LOG_TEXT("proxy", proxy));
	return admit(session, client);
}

static void begin(struct session *session)
{
	if (session->implicit_tls)
		session_move(session, STATE_HANDSHAKE);
	else
		greeting_wait(session);
}

/* What belongs to the header is taken, what is behind it stays: it may be the
 * client's handshake. */
void greeting_read(struct session *session)
{
	struct connection *connection = &session->connection;
	struct proxy_header header;
	size_t len, used = 0;
	char *bytes;

	switch (connection_peek(connection, &bytes, &len)) {
	case ARRIVAL_END:
		session_leave(session, "client");
		return;
	case ARRIVAL_NONE:
		return;
	case ARRIVAL_BYTES:
		break;
	}
	switch (proxy_header_parse(bytes, len, &header, &used)) {
	case PROXY_MORE:
		connection_hold(connection, len);
		return;
	case PROXY_BAD:
		log_event(LOG_WARN, "limit_exceeded", SESSION_FIELDS(session),
		    LOG_TEXT("limit", "proxy_header"));
		session_leave(session, "proxy_header");
		return;
	case PROXY_DONE:
		break;
	}
	connection_hold(connection, used);
	connection_take_unread(connection, &bytes, &len);
	if (!header.has_client || become(session, &header.client))
		begin(session);
}

void greeting_begin(struct session *session, bool tls)
{
	const struct settings *settings = session->connection.worker->settings;

	session->implicit_tls = tls;
	if (cidr_set_has(settings->proxies, &session->ip))
		session_move(session, STATE_PROXY);
	else
		begin(session);
}
