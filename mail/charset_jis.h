/*
 * ISO-2022-JP (RFC 1468, RFC 2237, and half-width katakana) as EUC-JP: the
 * same code points behind another shell. glibc's own decoder refuses vendor
 * characters. Pure. For charset.c.
 */
#ifndef MAIL_CHARSET_JIS_H
#define MAIL_CHARSET_JIS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Appends the beginning of the text as EUC-JP; half a character becomes a
 * byte that is none there either. *chosen is the character set that an escape
 * chose, 0 at the start of a text and again behind its `last` byte. Returns
 * how many bytes were taken: 0 if the end cuts the first character. */
size_t jis_unpack(
    int *chosen, const char *s, size_t len, bool last, struct buf *euc);

#endif
