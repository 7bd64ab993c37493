/*
 * A byte string that knows its limit. It learns the limit at birth and
 * refuses to pass it; appending is amortised O(1). Not shared by threads.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* len bytes, then a NUL that is not counted; NULL if
		     * nothing was ever appended */
	size_t len;
	size_t size;  /* allocated */
	size_t limit; /* len never passes it */
};

/* An empty buf of at most `limit` bytes; allocates nothing yet. */
struct buf buf_new(size_t limit);
/* Frees the bytes; the buf is empty and usable again. */
void buf_free(struct buf *buf);
/* Empties it and keeps the memory. */
void buf_clear(struct buf *buf);
/* Drops `count` bytes (at most len) from the front. */
void buf_consume(struct buf *buf, size_t count);

/* All appends return false, and append nothing, if the limit would be
 * passed. */
bool buf_append(struct buf *buf, const void *data, size_t len);
bool buf_append_text(struct buf *buf, const char *text);
bool buf_append_char(struct buf *buf, char c);
bool buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
bool buf_vprintf(struct buf *buf, const char *format, va_list args)
    PRINTF_LIKE(2, 0);

/* Room for `want` more bytes, to be filled by the caller and then counted
 * with buf_added(); NULL if the limit would be passed. */
char *buf_room(struct buf *buf, size_t want);
void buf_added(struct buf *buf, size_t count);

/* The bytes as a NUL-terminated string, never NULL. Valid until the next
 * change. */
const char *buf_text(const struct buf *buf);

#endif
