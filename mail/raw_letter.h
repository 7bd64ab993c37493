/*
 * A message that an application wrote whole, made fit to be sent: every line
 * end becomes CRLF, Bcc goes, and Date, Message-ID and From come where they are
 * missing. All else stays as it is. Streamed. Pure.
 */
#ifndef MAIL_RAW_LETTER_H
#define MAIL_RAW_LETTER_H

#include "base/arena.h"
#include "mail/body_write.h"

#include <stdint.h>

struct raw_letter {
	struct source source;
	bool base64; /* the source is, and has passed body_check_base64() */
	/* For what is missing. */
	const char *from, *message_id; /* message_id with brackets */
	int64_t date_ms;
	/* MAX_HEADER_BYTES, MAX_HEADER_LINES, MAX_RECEIVED */
	uint64_t max_header_bytes;
	unsigned max_header_lines, max_received;
};

/* What was found on the way; strings are the arena's. */
struct raw_found {
	const char *message_id; /* without brackets; NULL: none that is one */
	bool eight_bit;
};

/* Writes the message. On ERROR_PERMANENT and ERROR_LIMIT the text ends a
 * sentence that begins with the name of the field. */
MUST_CHECK bool raw_letter_write(const struct raw_letter *letter,
    const struct body_sink *sink, struct arena *arena, struct raw_found *found,
    struct error *err);

#endif
