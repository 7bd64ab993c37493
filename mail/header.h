/*
 * Header fields (RFC 5322 section 2.2) of a block of bytes: found, unfolded,
 * decoded. Pure; takes LF as well as CRLF, since not all mail comes from
 * SMTP.
 */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "base/buf.h"
#include "base/slice.h"

#include <stdbool.h>

struct header_field {
	struct slice name; /* as written, without the blanks before the colon */
	struct slice value; /* as written, with its folds */
};

/* Takes the next field off the front of a header block. Lines that are no
 * field are skipped, with their continuations. False at the end. */
bool header_next(struct slice *block, struct header_field *field);

/* The first field of this name; false if there is none. */
bool header_first(
    struct slice block, const char *name, struct header_field *field);

/* Whether a line (without its end) begins a field: a name, a colon. */
bool header_is_field(struct slice line);

/* Whether encoded words have no meaning in a field of this name, because its
 * value is not text: Content-Type, Date, DKIM-Signature ... */
bool header_is_structured(struct slice name);

/* Appends the value on one line: each fold is one space, and none are left
 * at the ends. Bytes that are not UTF-8 become U+FFFD. False if out's limit
 * would be passed. */
bool header_unfold(struct slice value, struct buf *out);

/* The same, but bytes that are not UTF-8 stay: an encoded word may hold
 * some. */
bool header_unfold_bytes(struct slice value, struct buf *out);

/* As header_unfold() with encoded words decoded. */
bool header_decode(struct slice value, struct buf *out);

#endif
