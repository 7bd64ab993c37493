/*
 * Command lines: bytes in, a verb with its arguments out (RFC 5321 section
 * 4.1, with the parameters of RFC 1870, 6152, 6531 and the verbs of 3030).
 * Pure: no socket, clock or log; nothing is allocated.
 *
 * A command is a line of text ended by CRLF. A line that ends in a bare LF, or
 * holds a bare CR, a NUL or another control character, is one bad command.
 */
#ifndef SMTPD_COMMAND_H
#define SMTPD_COMMAND_H

#include "base/slice.h"
#include "mail/address.h"
#include "smtpd/reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum parse {
	PARSE_DONE, /* a command, read and complete */
	PARSE_MORE, /* its end is not there yet */
	PARSE_BAD   /* a line that is none; reading goes on behind it */
};

enum verb {
	VERB_UNKNOWN,
	VERB_HELO,
	VERB_EHLO,
	VERB_MAIL,
	VERB_RCPT,
	VERB_DATA,
	VERB_BDAT,
	VERB_RSET,
	VERB_NOOP,
	VERB_QUIT,
	VERB_VRFY,
	VERB_HELP,
	VERB_STARTTLS,
	VERB_ABSENT, /* known, but not offered: EXPN, AUTH, ... */
	VERB_FOREIGN /* of HTTP: not a mail client at all */
};

/* All pointers go into the bytes that were parsed. */
struct command {
	enum verb verb;
	enum reply fault; /* with PARSE_BAD: what to answer */

	struct slice name; /* HELO, EHLO: who the client says it is */

	struct address address; /* MAIL, RCPT */
	uint64_t size;          /* MAIL SIZE=, 0 if not given; BDAT's chunk */
	bool last;              /* BDAT LAST */
	bool eight_bit;         /* MAIL BODY=8BITMIME */
	bool smtputf8;          /* MAIL SMTPUTF8 */
};

/* Reads the command at the front of `bytes`; *used says where the next one
 * begins (0 with PARSE_MORE). With PARSE_BAD, verb is the one that was meant,
 * if that is known. A line without an end that passes LIMIT_COMMAND_LINE is
 * PARSE_BAD with REPLY_LINE_TOO_LONG and all of it used: the rest of the line
 * is the caller's to skip. */
enum parse command_parse(
    const char *bytes, size_t len, struct command *command, size_t *used);

#endif
