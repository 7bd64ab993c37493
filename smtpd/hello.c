#include "smtpd/session.h"

#include "base/alloc.h"
#include "smtpd/starttls.h"
#include "smtpd/worker.h"

#include <inttypes.h>
#include <stdlib.h>

/* RFC 5321 section 4.1.4: a new hello is a reset too. */
bool hello_check(struct session *session, const struct command *command)
{
	session_reset(session);
	free(session->helo);
	session->helo = xstrndup(command->name.data, command->name.len);
	session->extended = command->verb == VERB_EHLO;
	session_move(session, STATE_READY);
	return true;
}

void hello_forget(struct session *session)
{
	free(session->helo);
	session->helo = NULL;
	session_reset(session);
}

void hello_proceed_helo(struct session *session, const struct command *command)
{
	struct worker *worker = session->connection.worker;

	(void)command;
	(void)buf_printf(&worker->out, "250 %s\r\n",
	    worker->settings->config->haraka_domain);
}

void hello_proceed_ehlo(struct session *session, const struct command *command)
{
	struct worker *worker = session->connection.worker;
	const struct config *config = worker->settings->config;

	(void)command;
	(void)buf_printf(&worker->out,
	    "250-%s\r\n"
	    "250-PIPELINING\r\n"
	    "250-SIZE %" PRIu64 "\r\n"
	    "250-8BITMIME\r\n"
	    "250-SMTPUTF8\r\n"
	    "250-ENHANCEDSTATUSCODES\r\n"
	    "250-CHUNKING\r\n"
	    "%s"
	    "250 HELP\r\n",
	    config->haraka_domain, config->elektrine_queue_max_raw_bytes,
	    starttls_is_offered(session) ? "250-STARTTLS\r\n" : "");
}
