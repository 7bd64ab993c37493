/*
 * What glibc's decoders do not know of the charsets that mail is really in:
 * characters of Windows (and what it took from IBM and NEC) under the labels
 * of the standards. Pure. For charset.c.
 */
#ifndef MAIL_CHARSET_MEND_H
#define MAIL_CHARSET_MEND_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct charset_mend {
	uint16_t from, to;
};

/* Both tables sorted by `from`. */
struct charset_mends {
	const char *name; /* glibc's, of the charset */
	/* Codes of one byte or two that it refuses: what they stand for. */
	const struct charset_mend *refused;
	size_t refused_count;
	/* Characters that it makes of codes which stand for another one. */
	const struct charset_mend *read;
	size_t read_count;
	/* The controls from 80 to 9F, which it reads, are none of it. */
	bool no_controls;
};

/* NULL if nothing is to be mended. */
const struct charset_mends *charset_mends_of(const char *name);

/* The character of the code at `in`, which was refused: the length of the
 * code, 0 if it is not known here either. */
size_t charset_mend_refused(const struct charset_mends *mends, const char *in,
    size_t left, uint32_t *character);

/* Appends what was decoded (well-formed UTF-8), with the characters that
 * were meant. False if out's limit would be passed. */
bool charset_mend_read(const struct charset_mends *mends, const char *text,
    size_t len, struct buf *out);

#endif
