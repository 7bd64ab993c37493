/* UTF-7 (RFC 2152) to UTF-8, piece by piece: glibc's decoder makes other text
 * of the same broken bytes when they come in other pieces. Pure. For
 * charset.c. */
#ifndef MAIL_CHARSET_UTF7_H
#define MAIL_CHARSET_UTF7_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero at the start of a text; the fields are charset_utf7.c's. */
struct utf7 {
	bool shifted; /* behind a '+' ... */
	bool empty;   /* ... and nothing else */
	uint32_t bits, count;
	uint32_t high; /* half of a pair, 0 if none */
};

/* Appends what the piece decodes to; behind the `last` it is ready for
 * another text. False if out's limit would be passed. */
bool utf7_decode(
    struct utf7 *utf7, const char *in, size_t len, bool last, struct buf *out);

#endif
