/* Decoders that take a text in pieces, fed with pieces of any length: for the
 * tests of the stages between a message's bytes and its text. */
#ifndef TESTS_PIECES_H
#define TESTS_PIECES_H

#include "mail/charset.h"

#include <stdlib.h>
#include <string.h>

/* A stage that takes a text in pieces and may leave the end of one unread. */
typedef bool stage_fn(void *stage, const char *in, size_t len, bool last,
    struct buf *out, size_t *used);

/* Feeds the text in pieces of `step` bytes, each in memory of its own so that
 * sanitizers see its end; what is left unread comes first in the next. */
static inline void feed(stage_fn *stage, void *arg, const char *text,
    size_t len, size_t step, struct buf *out)
{
	size_t start = 0, end = 0, used;
	char *piece;
	bool last;

	do {
		end = len - end < step ? len : end + step;
		last = end == len;
		piece = malloc(end - start + 1);
		assert_non_null(piece);
		memcpy(piece, text + start, end - start);
		assert_true(stage(arg, piece, end - start, last, out, &used));
		assert_in_range(used, 0, end - start);
		free(piece);
		start += used;
	} while (!last);
	assert_int_equal(start, len);
}

static inline bool charset_stage(void *arg, const char *in, size_t len,
    bool last, struct buf *out, size_t *used)
{
	return charset_decode(arg, in, len, last, out, used);
}

static const size_t steps[] = {100000, 1, 2, 3, 7};

#endif
