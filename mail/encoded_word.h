/* Encoded words in header text (RFC 2047), and text that was read with the
 * wrong charset on its way. Pure. */
#ifndef MAIL_ENCODED_WORD_H
#define MAIL_ENCODED_WORD_H

#include "base/buf.h"
#include "base/slice.h"

#include <stdbool.h>

/* Appends the text with its encoded words decoded, wherever they stand, as
 * UTF-8. Blanks between two of them go. Neighbours of one charset are decoded
 * together, so that a character may be split between them. What only looks
 * like an encoded word stays as it is; bytes around them that are not UTF-8
 * become U+FFFD. False if out's limit would be passed. */
bool encoded_words_decode(struct slice text, struct buf *out);

/* Whether the text is nothing but encoded words in base64. */
bool encoded_words_base64_only(struct slice text);

/* If UTF-8 text was certainly taken for Latin-1 or Windows-1252 upstream and
 * encoded once more ("Ã©" for "é"), appends it as it was and returns true;
 * otherwise appends nothing. */
bool encoded_twice_repair(struct slice text, struct buf *out);

#endif
