/*
 * What we say: one table of fixed replies, and the form that all have (RFC
 * 5321 section 4.2, enhanced codes of RFC 2034). Pure.
 */
#ifndef SMTPD_REPLY_H
#define SMTPD_REPLY_H

#include "base/buf.h"
#include "error.h"
#include "verdict.h"

#include <stdbool.h>

enum reply {
	/* good news */
	REPLY_OK,
	REPLY_SENDER_OK,
	REPLY_RECIPIENT_OK,
	REPLY_START_DATA,
	REPLY_START_TLS,
	REPLY_BYE,
	REPLY_HELP,
	REPLY_CANNOT_VERIFY,
	/* a bad command: counts towards SMTP_MAX_ERRORS */
	REPLY_UNKNOWN_COMMAND,
	REPLY_NOT_IMPLEMENTED,
	REPLY_LINE_TOO_LONG,
	REPLY_BAD_LINE,
	REPLY_NO_ARGUMENT_ALLOWED,
	REPLY_NAME_WANTED,
	REPLY_BAD_SENDER,
	REPLY_BAD_RECIPIENT,
	REPLY_BAD_PARAMETER,
	REPLY_UNKNOWN_PARAMETER,
	REPLY_BAD_CHUNK,
	REPLY_HELLO_FIRST,
	REPLY_MAIL_FIRST,
	REPLY_RECIPIENT_FIRST,
	REPLY_NESTED_MAIL,
	REPLY_OUT_OF_SEQUENCE,
	REPLY_TLS_ALREADY,
	REPLY_NO_VALID_RECIPIENTS,
	REPLY_NEEDS_SMTPUTF8,
	/* refused, and nobody's mistake */
	REPLY_TOO_MANY_RECIPIENTS,
	REPLY_TOO_BIG,
	REPLY_NO_ROOM,
	REPLY_TRY_LATER,
	/* the end */
	REPLY_TOO_MANY_ERRORS,
	REPLY_NOT_SMTP,
	REPLY_IDLE_TOO_LONG,
	REPLY_TOO_SLOW,
	REPLY_ENDLESS,
	REPLY_SHUTTING_DOWN,
	REPLY_TOO_MANY_CONNECTIONS,
	REPLY_TOO_MANY_FROM_ADDRESS,
	REPLY_TOO_FAST_FROM_ADDRESS
};

/* No reply line of ours is longer than LIMIT_REPLY_LINE. All functions
 * return false, and append nothing, if the buf's limit would be passed. */
bool reply_append(struct buf *out, enum reply reply);
/* "CODE ENHANCED text" */
bool reply_printf(struct buf *out, int code, const char *enhanced,
    const char *format, ...) PRINTF_LIKE(4, 5);
/* A verdict that is not VERDICT_ACCEPT. */
bool reply_verdict(struct buf *out, const struct verdict *verdict);

/* Whether it counts towards SMTP_MAX_ERRORS. */
bool reply_is_error(enum reply reply);
/* The fixed name for logs, of those that refuse; NULL for the others. */
const char *reply_reason(enum reply reply);
/* What a failure of the spool is answered with. */
enum reply reply_of_error(const struct error *err);
/* A refusing reply as a verdict. */
void reply_to_verdict(enum reply reply, struct verdict *verdict);

#endif
