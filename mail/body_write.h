/*
 * Bodies of a message on their way out: text in the encoding that fits it, and
 * base64 checked and wrapped anew. From a source to a sink, piece by piece.
 */
#ifndef MAIL_BODY_WRITE_H
#define MAIL_BODY_WRITE_H

#include "base/source.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>

/* Where a message goes. */
struct body_sink {
	bool (*write)(
	    void *arg, const void *data, size_t len, struct error *err);
	void *arg;
};

enum body_encoding { BODY_7BIT, BODY_QUOTED_PRINTABLE, BODY_BASE64 };

/* "7bit" */
const char *body_encoding_name(enum body_encoding encoding);

/* How a text (UTF-8, with any line ends) is best sent. */
MUST_CHECK bool body_text_encoding(
    const struct source *text, enum body_encoding *encoding, struct error *err);
/* Writes it so, with CRLF as line ends, also behind its last line. */
MUST_CHECK bool body_write_text(const struct source *text,
    enum body_encoding encoding, const struct body_sink *sink,
    struct error *err);

/* Whether the source is base64 (RFC 4648 section 4), blanks and line ends
 * aside; *size is what it stands for. ERROR_PERMANENT if it is not. */
MUST_CHECK bool body_check_base64(
    const struct source *base64, uint64_t *size, struct error *err);
/* Writes what has passed the check in lines of 76. */
MUST_CHECK bool body_write_base64(const struct source *base64,
    const struct body_sink *sink, struct error *err);

#endif
