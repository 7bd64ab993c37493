#include "mail/charset.h"

#include "base/unconst.h"
#include "base/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <stdlib.h>

/* The longest label in the table has 40 letters and digits. */
#define KEY_SIZE 48
/* Bytes handed to iconv at once: bounds the room that is made for them. */
#define STEP ((size_t)4096)
#define ESC '\x1B'

/* The sets of ISO-2022-JP (RFC 1468, RFC 2237, and half-width katakana). */
enum jis_set { JIS_ASCII, JIS_KATAKANA, JIS_X0208, JIS_X0212 };

/* Letters and digits in lower case, without a year ("ISO_8859-1:1987"). */
static bool make_key(struct slice label, char key[KEY_SIZE])
{
	size_t len = 0;

	label = slice_trim(label);
	label.len = slice_find(label, ':');
	for (size_t i = 0; i < label.len; i++) {
		if (!isalnum((unsigned char)label.data[i]))
			continue;
		if (len == KEY_SIZE - 1)
			return false;
		key[len++] = (char)tolower((unsigned char)label.data[i]);
	}
	key[len] = '\0';
	return len > 0;
}

static int compare(const void *key, const void *row)
{
	return strcmp(key, ((const struct charset_name *)row)->key);
}

const char *charset_find(struct slice label)
{
	const struct charset_name *row;
	char key[KEY_SIZE];

	if (!make_key(label, key))
		return NULL;
	row = bsearch(key, charset_names, charset_name_count,
	    sizeof(charset_names[0]), compare);
	return row == NULL ? NULL : row->name;
}

bool charset_same(struct slice a, struct slice b)
{
	const char *left, *right;

	if (a.len == b.len && strncasecmp(a.data, b.data, a.len) == 0)
		return true;
	left = charset_find(a);
	right = charset_find(b);
	return left != NULL && right != NULL && strcmp(left, right) == 0;
}

static void open_iconv(struct charset *charset, const char *name)
{
	iconv_t handle = iconv_open("UTF-8", name);

	if (handle == (iconv_t)-1)
		return;
	charset->iconv = handle;
	charset->kind = CHARSET_ICONV;
	if (strncmp(name, "UTF-16", 6) == 0)
		charset->unit = 2;
	else if (strncmp(name, "UTF-32", 6) == 0)
		charset->unit = 4;
	else
		charset->gb = strcmp(name, "GB18030") == 0;
}

void charset_open(
    struct charset *charset, struct slice label, enum charset_place place)
{
	const char *name = charset_find(label);

	*charset = (struct charset){
	    .kind = CHARSET_UTF8, .unit = 1, .euc = buf_new(SIZE_MAX / 2)};
	if (name == NULL || strcmp(name, "UTF-8") == 0)
		return;
	if (strcmp(name, "ASCII") == 0) {
		if (place == CHARSET_WORD)
			charset->kind = CHARSET_1252;
		return;
	}
	if (strcmp(name, "CP1252") == 0) {
		charset->kind = CHARSET_1252;
		return;
	}
	if (strcmp(name, "ISO-2022-JP") != 0) {
		open_iconv(charset, name);
		return;
	}
	/* glibc's ISO-2022-JP refuses vendor characters, its EUC-JP-MS has
	 * them, and the same code points behind another shell. */
	open_iconv(charset, "EUC-JP-MS");
	if (charset->kind == CHARSET_ICONV)
		charset->kind = CHARSET_ISO2022JP;
}

void charset_close(struct charset *charset)
{
	if (charset->iconv != NULL)
		(void)iconv_close(charset->iconv);
	buf_free(&charset->euc);
	*charset = (struct charset){0};
}

static bool append_replacement(struct buf *out)
{
	return buf_append(out, UTF8_REPLACEMENT, UTF8_REPLACEMENT_LEN);
}

static bool decode_1252(const char *in, size_t len, struct buf *out)
{
	static const uint16_t high[32] = {0x20AC, 0xFFFD, 0x201A, 0x0192,
	    0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039,
	    0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C,
	    0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A,
	    0x0153, 0xFFFD, 0x017E, 0x0178};
	char character[UTF8_MAX];
	size_t start = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)in[i];

		if (c < 0x80)
			continue;
		if (!buf_append(out, in + start, i - start) ||
		    !buf_append(out, character,
			utf8_encode(c < 0xA0 ? high[c - 0x80] : c, character)))
			return false;
		start = i + 1;
	}
	return buf_append(out, in + start, len - start);
}

/* One call of iconv with room enough for all that it may yield. */
static size_t call_iconv(
    struct charset *charset, char **in, size_t *left, struct buf *out)
{
	size_t size = (in == NULL ? 0 : *left) * UTF8_MAX + CHARSET_CUT;
	size_t room_left = size, result;
	char *room = buf_room(out, size);

	if (room == NULL) {
		errno = ENOBUFS;
		return (size_t)-1;
	}
	result = iconv(charset->iconv, in, left, &room, &room_left);
	buf_added(out, size - room_left);
	return result;
}

/* What stands for a byte that iconv refuses. */
static bool append_unknown(
    const struct charset *charset, char byte, struct buf *out)
{
	if (charset->gb && byte == '\x80')
		return buf_append_text(out, "\u20AC");
	return append_replacement(out);
}

/* Converts as far as it goes; *left bytes at the end are an incomplete
 * character. */
static bool convert(
    struct charset *charset, const char *in, size_t *left, struct buf *out)
{
	char *at = unconst(in);
	size_t skip;

	while (*left > 0) {
		if (call_iconv(charset, &at, left, out) != (size_t)-1)
			break;
		if (errno == EINVAL && *left < CHARSET_CUT)
			break;
		if (errno == ENOBUFS)
			return false;
		if (errno == E2BIG)
			continue;
		if (!append_unknown(charset, *at, out))
			return false;
		skip = *left < charset->unit ? *left : charset->unit;
		at += skip;
		*left -= skip;
	}
	return true;
}

/* The text ends: what was cut is lost, what iconv kept back comes out, and
 * its state is the initial one again. */
static bool finish_iconv(struct charset *charset, bool cut, struct buf *out)
{
	if (cut && !append_replacement(out))
		return false;
	if (call_iconv(charset, NULL, NULL, out) == (size_t)-1 &&
	    errno == ENOBUFS)
		return false;
	(void)iconv(charset->iconv, NULL, NULL, NULL, NULL);
	return true;
}

static bool decode_iconv(struct charset *charset, const char *in, size_t len,
    bool last, struct buf *out, size_t *used)
{
	size_t take, left = 0;

	for (*used = 0; *used < len; *used += take - left) {
		take = len - *used < STEP ? len - *used : STEP;
		left = take;
		if (!convert(charset, in + *used, &left, out))
			return false;
		if (left == take)
			break;
	}
	if (!last)
		return true;
	*used = len;
	return finish_iconv(charset, left > 0, out);
}

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

	if (set == JIS_ASCII || !is_jis(s[0])) {
		/* A byte over 0x7F is none of these sets', nor EUC-JP. */
		(void)buf_append_char(
		    euc, (unsigned char)s[0] < 0x80 ? s[0] : '\xFF');
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
	if (set == JIS_X0212)
		out[len++] = '\x8F';
	out[len++] = (char)(s[0] | 0x80);
	out[len++] = is_jis(s[1]) ? (char)(s[1] | 0x80) : '\x21';
	(void)buf_append(euc, out, len);
	return is_jis(s[1]) ? 2 : 1;
}

/* Unpacks at most STEP bytes; how many were taken. */
static size_t unpack_jis(
    struct charset *charset, const char *s, size_t len, bool last)
{
	enum jis_set set = (enum jis_set)charset->set;
	size_t at = 0, took;
	int escape;

	while (at < len && at < STEP) {
		if (s[at] == ESC) {
			escape = escape_len(s + at, len - at, &set);
			if (escape == -1 && !last)
				break;
			at += escape > 0 ? (size_t)escape : 1;
			continue;
		}
		/* RFC 1468: a line ends in ASCII, and begins so. */
		if (s[at] == '\n')
			set = JIS_ASCII;
		took = jis_to_euc(set, s + at, len - at, &charset->euc);
		if (took == 0 && !last)
			break;
		if (took == 0) /* half a character: not EUC-JP either */
			(void)buf_append_char(&charset->euc, '\xFF');
		at += took > 0 ? took : 1;
	}
	charset->set = (int)set;
	return at;
}

static bool decode_jis(struct charset *charset, const char *in, size_t len,
    bool last, struct buf *out, size_t *used)
{
	size_t took, left;

	for (*used = 0; *used < len; *used += took) {
		buf_clear(&charset->euc);
		took = unpack_jis(charset, in + *used, len - *used, last);
		if (took == 0)
			break;
		left = charset->euc.len;
		if (!convert(charset, buf_text(&charset->euc), &left, out))
			return false;
		if (left > 0 && !append_replacement(out))
			return false;
	}
	if (last)
		charset->set = JIS_ASCII;
	return true;
}

bool charset_decode(struct charset *charset, const char *in, size_t len,
    bool last, struct buf *out, size_t *used)
{
	switch (charset->kind) {
	case CHARSET_UTF8:
		return utf8_append_clean(out, in, len, last, used);
	case CHARSET_1252:
		*used = len;
		return decode_1252(in, len, out);
	case CHARSET_ICONV:
		return decode_iconv(charset, in, len, last, out, used);
	case CHARSET_ISO2022JP:
		return decode_jis(charset, in, len, last, out, used);
	}
	return false;
}
