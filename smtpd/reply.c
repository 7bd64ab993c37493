#include "smtpd/reply.h"

#include "bounds.h"

#include <stdarg.h>
#include <stdio.h>

struct row {
	int code;
	const char *enhanced, *reason, *text;
	const char *line; /* all of it, as it is said */
	bool is_error;
};

#define ROW(code, enhanced, reason, text, is_error)                            \
	{                                                                      \
		code, enhanced, reason, text,                                  \
		    #code " " enhanced " " text "\r\n", is_error               \
	}
#define GOOD(code, enhanced, text) ROW(code, enhanced, NULL, text, false)
#define ERROR(code, enhanced, reason, text)                                    \
	ROW(code, enhanced, reason, text, true)
#define REFUSED(code, enhanced, reason, text)                                  \
	ROW(code, enhanced, reason, text, false)

static const struct row rows[] = {
    [REPLY_OK] = GOOD(250, "2.0.0", "Ok"),
    [REPLY_SENDER_OK] = GOOD(250, "2.1.0", "Sender ok"),
    [REPLY_RECIPIENT_OK] = GOOD(250, "2.1.5", "Recipient ok"),
    /* RFC 2034 section 4: only 2xx, 4xx and 5xx have enhanced codes. */
    [REPLY_START_DATA] = {.code = 354,
	.line = "354 End data with <CR><LF>.<CR><LF>\r\n"},
    [REPLY_START_TLS] = GOOD(220, "2.0.0", "Go ahead, with TLS"),
    [REPLY_BYE] = GOOD(221, "2.0.0", "Bye"),
    [REPLY_HELP] = GOOD(214, "2.0.0",
	"EHLO HELO STARTTLS MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT: "
	"RFC 5321"),
    [REPLY_CANNOT_VERIFY] = GOOD(252, "2.5.0",
	"Cannot verify, but will take the message and try to deliver it"),
    [REPLY_UNKNOWN_COMMAND] =
	ERROR(500, "5.5.1", "unknown_command", "Command unknown"),
    [REPLY_NOT_IMPLEMENTED] =
	ERROR(502, "5.5.1", "not_implemented", "Command not implemented"),
    [REPLY_LINE_TOO_LONG] =
	ERROR(500, "5.5.2", "line_too_long", "Command line too long"),
    [REPLY_BAD_LINE] = ERROR(500, "5.5.2", "bad_line",
	"Commands are lines of text that end in <CR><LF>"),
    [REPLY_NO_ARGUMENT_ALLOWED] =
	ERROR(501, "5.5.4", "argument", "This command takes no argument"),
    [REPLY_NAME_WANTED] =
	ERROR(501, "5.5.4", "name_wanted", "Your host name is wanted"),
    [REPLY_BAD_SENDER] = ERROR(501, "5.1.7", "sender_syntax",
	"Bad sender address syntax: MAIL FROM:<local@domain>"),
    [REPLY_BAD_RECIPIENT] = ERROR(501, "5.1.3", "recipient_syntax",
	"Bad recipient address syntax: RCPT TO:<local@domain>"),
    [REPLY_BAD_PARAMETER] =
	ERROR(501, "5.5.4", "bad_parameter", "Bad parameter value"),
    [REPLY_UNKNOWN_PARAMETER] =
	ERROR(555, "5.5.4", "unknown_parameter", "Parameter not recognised"),
    [REPLY_BAD_CHUNK] = ERROR(501, "5.5.4", "bad_chunk",
	"BDAT needs a size: its data cannot be told from commands, closing"),
    [REPLY_HELLO_FIRST] =
	ERROR(503, "5.5.1", "hello_first", "EHLO or HELO first"),
    [REPLY_MAIL_FIRST] = ERROR(503, "5.5.1", "mail_first", "MAIL first"),
    [REPLY_RECIPIENT_FIRST] =
	ERROR(503, "5.5.1", "recipient_first", "RCPT first"),
    [REPLY_NESTED_MAIL] =
	ERROR(503, "5.5.1", "nested_mail", "Sender already given: RSET first"),
    [REPLY_OUT_OF_SEQUENCE] = ERROR(503, "5.5.1", "out_of_sequence",
	"Not in the middle of a message: more BDAT, or RSET"),
    [REPLY_TLS_ALREADY] =
	ERROR(503, "5.5.1", "tls_already", "TLS is on already"),
    [REPLY_NO_VALID_RECIPIENTS] =
	ERROR(554, "5.5.1", "no_valid_recipients", "No valid recipients"),
    [REPLY_NEEDS_SMTPUTF8] = ERROR(553, "5.6.7", "needs_smtputf8",
	"An address beyond ASCII needs MAIL with SMTPUTF8"),
    [REPLY_TOO_MANY_RECIPIENTS] = REFUSED(452, "4.5.3", "too_many_recipients",
	"Too many recipients, send the rest later"),
    [REPLY_TOO_BIG] = REFUSED(
	552, "5.3.4", "too_big", "Message is larger than this host accepts"),
    [REPLY_NO_ROOM] =
	REFUSED(452, "4.3.1", "no_room", "No room, try again later"),
    [REPLY_TRY_LATER] =
	REFUSED(451, "4.3.0", "spool_error", "Local problem, try again later"),
    [REPLY_TOO_MANY_ERRORS] =
	REFUSED(421, "4.7.0", "errors", "Too many errors, closing"),
    [REPLY_NOT_SMTP] =
	REFUSED(421, "4.7.0", "not_smtp", "This is SMTP, closing"),
    [REPLY_IDLE_TOO_LONG] =
	REFUSED(421, "4.4.2", "idle_timeout", "Idle for too long, closing"),
    [REPLY_TOO_SLOW] =
	REFUSED(421, "4.4.2", "data_timeout", "Data came too slowly, closing"),
    [REPLY_ENDLESS] = REFUSED(
	421, "4.7.0", "endless", "Far more than was asked for, closing"),
    [REPLY_SHUTTING_DOWN] = REFUSED(
	421, "4.3.2", "shutting_down", "Shutting down, try again later"),
    [REPLY_TOO_MANY_CONNECTIONS] = REFUSED(
	421, "4.3.2", "connections", "Too many connections, try again later"),
    [REPLY_TOO_MANY_FROM_ADDRESS] = REFUSED(421, "4.7.0", "connections_per_ip",
	"Too many connections from your address"),
    [REPLY_TOO_FAST_FROM_ADDRESS] = REFUSED(421, "4.7.0", "rate_per_ip",
	"Too many connections a minute from your address, slow down"),
};

bool reply_append(struct buf *out, enum reply reply)
{
	return buf_append_text(out, rows[reply].line);
}

static bool append_text(
    struct buf *out, int code, const char *enhanced, const char *text)
{
	return buf_printf(
	    out, "%d %s %.*s\r\n", code, enhanced, LIMIT_REPLY_LINE - 16, text);
}

bool reply_printf(
    struct buf *out, int code, const char *enhanced, const char *format, ...)
{
	char text[LIMIT_REPLY_LINE];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return append_text(out, code, enhanced, text);
}

bool reply_verdict(struct buf *out, const struct verdict *verdict)
{
	return append_text(
	    out, verdict->code, verdict->enhanced, verdict->text);
}

bool reply_is_error(enum reply reply)
{
	return rows[reply].is_error;
}

const char *reply_reason(enum reply reply)
{
	return rows[reply].reason;
}

enum reply reply_of_error(const struct error *err)
{
	return err->kind == ERROR_FULL ? REPLY_NO_ROOM : REPLY_TRY_LATER;
}

void reply_to_verdict(enum reply reply, struct verdict *verdict)
{
	const struct row *row = &rows[reply];

	*verdict = (struct verdict){
	    .action = row->code >= 500 ? VERDICT_REJECT : VERDICT_DEFER,
	    .code = row->code,
	    .enhanced = row->enhanced,
	    .reason = row->reason};
	(void)snprintf(verdict->text, sizeof(verdict->text), "%s", row->text);
}
