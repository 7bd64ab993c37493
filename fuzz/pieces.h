/* Decoders that take a text in pieces, fed with pieces of any length, each in
 * memory of its own so that sanitizers see its end. For the fuzz targets. */
#ifndef FUZZ_PIECES_H
#define FUZZ_PIECES_H

#include "base/buf.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A stage that may leave the end of a piece unread. */
typedef bool stage_fn(void *stage, const char *in, size_t len, bool last,
    struct buf *out, size_t *used);

/* Feeds the text in steps; what is left unread comes first in the next one.
 * False if the stage said that out is full. */
static inline bool feed(stage_fn *stage, void *arg, const char *text,
    size_t len, size_t step, struct buf *out)
{
	size_t start = 0, end = 0, used = 0;
	bool fits = true;
	char *piece;

	do {
		end = len - end < step ? len : end + step;
		piece = malloc(end - start + 1);
		assert(piece != NULL);
		if (end > start)
			memcpy(piece, text + start, end - start);
		fits = stage(arg, piece, end - start, end == len, out, &used);
		assert(!fits || used <= end - start);
		start += used;
		free(piece);
	} while (end < len && fits);
	assert(!fits || start == len);
	return fits;
}

static inline void same(const struct buf *a, const struct buf *b)
{
	assert(a->len == b->len);
	assert(a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

#endif
