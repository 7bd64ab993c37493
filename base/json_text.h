/* JSON strings written straight into a buf, for those who stream. */
#ifndef BASE_JSON_TEXT_H
#define BASE_JSON_TEXT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Appends the bytes as a JSON string with its quotes (RFC 8259 section 7).
 * Bytes that are not UTF-8, and NUL, become U+FFFD, so that the result is
 * always valid. False if the buf's limit would be passed (then the buf may
 * hold a part). */
bool json_text_append(struct buf *buf, const char *bytes, size_t len);

/* The same without the quotes, for a value that comes in pieces. A UTF-8
 * sequence cut by the end of a piece is left unread unless `last`: *used
 * says how much was taken. */
bool json_text_append_part(
    struct buf *buf, const char *bytes, size_t len, bool last, size_t *used);

#endif
