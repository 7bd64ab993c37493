/* TLS, begun by a command (RFC 3207) or with the connection (RFC 8314). */
#include "smtpd/starttls.h"

#include "smtpd/figures.h"
#include "smtpd/session.h"
#include "smtpd/worker.h"

#include <stdio.h>
#include <string.h>

bool starttls_is_offered(const struct session *session)
{
	return session->connection.tls == NULL &&
	       tls_server_is_ready(session->connection.worker->tls);
}

bool starttls_check(struct session *session, const struct command *command)
{
	(void)command;
	if (session->connection.tls != NULL)
		session_reply(session, REPLY_TLS_ALREADY);
	else if (!starttls_is_offered(session))
		session_reply(session, REPLY_NOT_IMPLEMENTED);
	else if (session->state == STATE_NEW)
		session_reply(session, REPLY_HELLO_FIRST);
	else if (session->state != STATE_READY)
		session_reply(session, REPLY_OUT_OF_SEQUENCE);
	else
		return true;
	return false;
}

void starttls_proceed(struct session *session, const struct command *command)
{
	(void)command;
	session_reply(session, REPLY_START_TLS);
	session_move(session, STATE_HANDSHAKE);
}

void starttls_begin(struct session *session)
{
	struct connection *connection = &session->connection;

	/* Commands of someone between the client and us, perhaps. */
	if (connection->unread.len > 0)
		log_event(LOG_WARN, "plain_text_dropped",
		    SESSION_FIELDS(session),
		    LOG_NUMBER("bytes", connection->unread.len));
	connection_start_tls(connection);
}

/* Of "TLSv1.3 TLS_AES_256_GCM_SHA384". */
static void count_version(const char *description)
{
	char version[TLS_TEXT];

	(void)snprintf(version, sizeof(version), "%.*s",
	    (int)strcspn(description, " "), description);
	metric_add(&figure_tls_handshakes, version, 1);
}

enum tls_progress starttls_go_on(struct session *session)
{
	struct connection *connection = &session->connection;
	enum tls_progress progress;
	struct error err;

	progress = connection_handshake(connection, &err);
	if (progress == TLS_BROKEN)
		log_event(LOG_INFO, "tls_failed", SESSION_FIELDS(session),
		    LOG_TEXT("error", err.text));
	if (progress != TLS_DONE)
		return progress;
	tls_describe(connection->tls, session->tls);
	count_version(session->tls);
	/* RFC 3207 section 4.2: what was known of the client is forgotten. */
	hello_forget(session);
	return progress;
}
