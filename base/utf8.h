/* UTF-8 (RFC 3629): what is well-formed, and what stands for the rest. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */
#define UTF8_REPLACEMENT_LEN ((size_t)3)
#define UTF8_MAX ((size_t)4) /* bytes of one character */

/* How many bytes the sequence at the start of s takes. If it is none, 0, and
 * *bad says how many bytes one U+FFFD should stand for (a maximal subpart,
 * Unicode 15 section 3.9). If the end cuts what could begin one, -1, and
 * *bad is `left`. At least one byte. */
int utf8_sequence(const char *s, size_t left, size_t *bad);

/* Length of the longest well-formed beginning. */
size_t utf8_valid_prefix(const char *s, size_t len);
bool utf8_valid(const char *s, size_t len);

/* Appends the text with U+FFFD for what is not well-formed. A sequence that
 * the end cuts is left unread unless `last`; *used says how much was taken.
 * False if the buf's limit would be passed. */
bool utf8_append_clean(
    struct buf *out, const char *s, size_t len, bool last, size_t *used);

/* Writes one character, and returns its length; what is no scalar value
 * becomes U+FFFD. */
size_t utf8_encode(uint32_t character, char out[UTF8_MAX]);
/* The character of a well-formed sequence of this length. */
uint32_t utf8_decode(const char *s, int len);

/* The longest prefix of at most `max` bytes that cuts no character. */
size_t utf8_cut(const char *s, size_t len, size_t max);

#endif
