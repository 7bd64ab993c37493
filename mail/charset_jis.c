#include "mail/charset_jis.h"

#include <stdint.h>
#include <string.h>

/* Bytes taken at once: bounds what waits for iconv. */
#define STEP ((size_t)4096)
#define ESC '\x1B'
/* What half a character is in EUC-JP: nothing either. */
#define NOT_EUC '\xFF'

/* The sets of ISO-2022-JP (RFC 1468, RFC 2237, and half-width katakana). */
enum jis_set { JIS_ASCII, JIS_KATAKANA, JIS_X0208, JIS_X0212 };

/* An escape sequence at s: its length; 0 if it is none that we know, -1 if
 * the end cuts it. */
static int escape_len(const char *s, size_t left, enum jis_set *set)
{
	static const struct {
		const char *text;
		int len;
		enum jis_set set;
	} escapes[] = {
	    {"\x1B(B", 3, JIS_ASCII},
	    {"\x1B(J", 3, JIS_ASCII},
	    {"\x1B(H", 3, JIS_ASCII},
	    {"\x1B(I", 3, JIS_KATAKANA},
	    {"\x1B$@", 3, JIS_X0208},
	    {"\x1B$B", 3, JIS_X0208},
	    {"\x1B&@\x1B$B", 6, JIS_X0208},
	    {"\x1B$(@", 4, JIS_X0208},
	    {"\x1B$(B", 4, JIS_X0208},
	    {"\x1B$(D", 4, JIS_X0212},
	};
	bool cut = false;

	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		size_t len = (size_t)escapes[i].len;

		if (left < len) {
			cut |= memcmp(s, escapes[i].text, left) == 0;
			continue;
		}
		if (memcmp(s, escapes[i].text, len) == 0) {
			*set = escapes[i].set;
			return escapes[i].len;
		}
	}
	return cut ? -1 : 0;
}

static bool is_jis(char c)
{
	return c >= 0x21 && c <= 0x7E;
}

/* One character that is no escape, as EUC-JP. How many bytes it took: 0 if
 * the end cuts it. */
static size_t jis_to_euc(
    enum jis_set set, const char *s, size_t left, struct buf *euc)
{
	char out[3];
	size_t len = 0;

	/* A byte over 0x7F is none of these sets', nor EUC-JP. */
	if (set == JIS_ASCII || !is_jis(s[0])) {
		(void)buf_append_char(
		    euc, (unsigned char)s[0] < 0x80 ? s[0] : NOT_EUC);
		return 1;
	}
	if (set == JIS_KATAKANA) {
		out[0] = '\x8E';
		out[1] = (char)(s[0] | 0x80);
		(void)buf_append(euc, out, 2);
		return 1;
	}
	if (left < 2)
		return 0;
	if (!is_jis(s[1])) {
		(void)buf_append_char(euc, NOT_EUC);
		return 1;
	}
	if (set == JIS_X0212)
		out[len++] = '\x8F';
	out[len++] = (char)(s[0] | 0x80);
	out[len++] = (char)(s[1] | 0x80);
	(void)buf_append(euc, out, len);
	return 2;
}

/* One escape or character: how many bytes it took, 0 if the end cuts it. */
static size_t take_one(
    enum jis_set *set, const char *s, size_t left, bool last, struct buf *euc)
{
	size_t took;
	int escape;

	if (s[0] == ESC) {
		escape = escape_len(s, left, set);
		if (escape == -1 && !last)
			return 0;
		return escape > 0 ? (size_t)escape : 1;
	}
	/* RFC 1468: a line ends in ASCII, and begins so. */
	if (s[0] == '\n')
		*set = JIS_ASCII;
	took = jis_to_euc(*set, s, left, euc);
	if (took > 0 || !last)
		return took;
	(void)buf_append_char(euc, NOT_EUC);
	return 1;
}

size_t jis_unpack(
    int *chosen, const char *s, size_t len, bool last, struct buf *euc)
{
	enum jis_set set = (enum jis_set) * chosen;
	size_t at = 0, took = 1;

	while (at < len && at < STEP && took > 0) {
		took = take_one(&set, s + at, len - at, last, euc);
		at += took;
	}
	*chosen = last && at == len ? JIS_ASCII : (int)set;
	return at;
}
