/*
 * One message on its way in: sender, recipients, content. A transaction is
 * everything that RSET forgets. All its strings live in its arena.
 */
#ifndef SMTPD_TRANSACTION_H
#define SMTPD_TRANSACTION_H

#include "base/arena.h"
#include "envelope.h"
#include "error.h"
#include "smtpd/check.h"
#include "smtpd/data.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;

struct transaction {
	struct arena *arena;
	const char *sender;
	uint64_t declared_size; /* SIZE=, 0 if not given */
	bool eight_bit, smtputf8;
	struct recipient *recipients;
	size_t count, room;
	bool any_refused;               /* a recipient was */
	bool full;                      /* one was too many */
	struct check_findings findings; /* of MAIL and all that follows */
	size_t recipients_said;         /* bytes of theirs, about */
	struct results results;         /* of all stages */

	struct content content;
	char id[ID_TEXT + 1]; /* once there is a draft */
	struct error error;   /* of the commit; ERROR_NONE: it is durable */
};

/* Discards the draft. Clears the pointer; NULL is fine. */
void transaction_free(struct transaction **transaction);

/* What is known of the message so far; it points into the session and the
 * transaction. */
struct envelope transaction_envelope(const struct session *session);

#endif
