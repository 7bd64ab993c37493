#include "smtpd/transaction.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "bounds.h"
#include "mail/domain.h"
#include "smtpd/services.h"
#include "smtpd/session.h"
#include "smtpd/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct transaction *transaction_new(void)
{
	struct transaction *transaction = xcalloc(1, sizeof(*transaction));

	transaction->arena = arena_new();
	return transaction;
}

void transaction_free(struct transaction **transaction)
{
	if (*transaction == NULL)
		return;
	content_free(&(*transaction)->content);
	findings_free(&(*transaction)->findings);
	arena_free(&(*transaction)->arena);
	free(*transaction);
	*transaction = NULL;
}

/* RFC 3848, RFC 6531 section 4.3. */
static const char *protocol_of(const struct session *session)
{
	bool tls = session->tls[0] != '\0';

	if (session->transaction->smtputf8)
		return tls ? "UTF8SMTPS" : "UTF8SMTP";
	if (!session->extended)
		return "SMTP";
	return tls ? "ESMTPS" : "ESMTP";
}

struct envelope transaction_envelope(const struct session *session)
{
	const struct transaction *transaction = session->transaction;

	return (struct envelope){
	    .sender = transaction->sender,
	    .recipients = transaction->recipients,
	    .recipient_count = transaction->count,
	    .received_ms = clock_wall_ms(),
	    .client_ip = session->ip_text,
	    .client_name = transaction->results.client_name,
	    .helo = session->helo,
	    .protocol = protocol_of(session),
	    .tls = session->tls[0] != '\0' ? session->tls : NULL,
	    .smtputf8 = transaction->smtputf8,
	    .eight_bit = transaction->eight_bit,
	    .checks = transaction->results.checks,
	};
}

/* --- MAIL ------------------------------------------------------------- */

static const char *keep_address(
    struct transaction *transaction, const struct address *address)
{
	char text[ADDRESS_SIZE];
	size_t len = address_format(address, text);

	return arena_strndup(transaction->arena, text, len);
}

static void begin(struct session *session, const struct command *command)
{
	struct transaction *transaction = transaction_new();

	session->transaction = transaction;
	transaction->sender = keep_address(transaction, &command->address);
	transaction->declared_size = command->size;
	transaction->eight_bit = command->eight_bit;
	transaction->smtputf8 = command->smtputf8;
}

bool transaction_check_mail(
    struct session *session, const struct command *command)
{
	struct worker *worker = session->connection.worker;
	struct error err;

	if (command->size >
	    worker->settings->config->elektrine_queue_max_raw_bytes) {
		session_refuse(session, command, REPLY_TOO_BIG);
		return false;
	}
	if (!spool_has_room(worker->spool, command->size, &err)) {
		log_event(LOG_WARN, "enqueue_failed", SESSION_FIELDS(session),
		    LOG_TEXT("error", err.text));
		session_refuse(session, command, reply_of_error(&err));
		return false;
	}
	begin(session, command);
	return true;
}

void transaction_proceed_mail(
    struct session *session, const struct command *command)
{
	(void)command;
	session_move(session, STATE_SENDER);
	session_reply(session, REPLY_SENDER_OK);
}

/* --- RCPT ------------------------------------------------------------- */

static bool same_domain(const char *a, const char *b)
{
	char ascii_a[DOMAIN_SIZE], ascii_b[DOMAIN_SIZE];

	return domain_equal(a, b) ||
	       (domain_to_ascii(slice_of(a), ascii_a) &&
		   domain_to_ascii(slice_of(b), ascii_b) &&
		   domain_equal(ascii_a, ascii_b));
}

/* The local part belongs to its host and is compared exactly, but for
 * postmaster, the domain without regard to case and as A-labels (RFC 5321
 * sections 2.4 and 4.5.1, RFC 6531 section 3.2). */
static bool same_recipient(const char *a, const char *b)
{
	struct slice local_a =
	    slice_first(slice_of(a), (size_t)(strrchr(a, '@') - a));
	struct slice local_b =
	    slice_first(slice_of(b), (size_t)(strrchr(b, '@') - b));

	if (local_a.len != local_b.len ||
	    (memcmp(local_a.data, local_b.data, local_a.len) != 0 &&
		!(slice_is(local_a, "postmaster") &&
		    slice_is(local_b, "postmaster"))))
		return false;
	return same_domain(a + local_a.len + 1, b + local_b.len + 1);
}

static bool has_recipient(
    const struct transaction *transaction, const char *address)
{
	for (size_t i = 0; i < transaction->count; i++)
		if (same_recipient(transaction->recipients[i].address, address))
			return true;
	return false;
}

static void add_recipient(struct transaction *transaction, const char *address)
{
	struct recipient *grown;

	if (transaction->count == transaction->room) {
		transaction->room =
		    transaction->room == 0 ? 4 : transaction->room * 4;
		grown = arena_alloc(
		    transaction->arena, transaction->room * sizeof(*grown));
		if (transaction->count > 0)
			memcpy(grown, transaction->recipients,
			    transaction->count * sizeof(*grown));
		transaction->recipients = grown;
	}
	transaction->recipients[transaction->count++] =
	    (struct recipient){.address = address, .lane = LANE_WEBHOOK};
}

/* The address as one string; <postmaster> gets our first domain, if there is
 * one (else it will be refused). */
static void spell_recipient(const struct worker *worker,
    const struct address *address, char *out, size_t size)
{
	char text[ADDRESS_SIZE], domain[LIMIT_DOMAIN + 1] = "";

	(void)address_format(address, text);
	if (address->domain_len > 0) {
		(void)snprintf(out, size, "%s", text);
		return;
	}
	(void)domain_list_first(
	    services_domains(worker->services), worker->settings, domain);
	(void)snprintf(out, size, "%s@%s", text, domain);
}

bool transaction_check_rcpt(
    struct session *session, const struct command *command)
{
	struct transaction *transaction = session->transaction;
	size_t most =
	    session->connection.worker->settings->config->max_recipients;
	char address[ADDRESS_SIZE + LIMIT_DOMAIN + 1];

	if (command->address.utf8 && !transaction->smtputf8) {
		transaction->any_refused = true;
		session_refuse(session, command, REPLY_NEEDS_SMTPUTF8);
		return false;
	}
	spell_recipient(session->connection.worker, &command->address, address,
	    sizeof(address));
	if (has_recipient(transaction, address)) {
		session_reply(session, REPLY_RECIPIENT_OK);
		return false;
	}
	if (transaction->count < most && transaction->count < LIMIT_RECIPIENTS)
		return true;
	/* Those who go on and on are not told of again in the log. */
	if (!transaction->full)
		session_refuse(session, command, REPLY_TOO_MANY_RECIPIENTS);
	else
		(void)reply_append(&session->connection.worker->out,
		    REPLY_TOO_MANY_RECIPIENTS);
	transaction->full = true;
	return false;
}

void transaction_proceed_rcpt(
    struct session *session, const struct command *command)
{
	struct transaction *transaction = session->transaction;
	char address[ADDRESS_SIZE + LIMIT_DOMAIN + 1];

	spell_recipient(session->connection.worker, &command->address, address,
	    sizeof(address));
	add_recipient(transaction, arena_strdup(transaction->arena, address));
	session_move(session, STATE_RECIPIENTS);
	session_reply(session, REPLY_RECIPIENT_OK);
}
