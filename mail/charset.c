#include "mail/charset.h"

#include "base/unconst.h"
#include "base/utf8.h"
#include "mail/charset_jis.h"
#include "mail/charset_mend.h"

#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <stdlib.h>

/* The longest label in the table has 40 letters and digits. */
#define KEY_SIZE 48
/* Bytes handed to iconv at once: bounds the room that is made for them. */
#define STEP ((size_t)4096)

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
	charset->mends = charset_mends_of(name);
}

void charset_open(
    struct charset *charset, struct slice label, enum charset_place place)
{
	const char *name = charset_find(label);

	*charset = (struct charset){.kind = CHARSET_UTF8,
	    .unit = 1,
	    .euc = buf_new(SIZE_MAX / 2),
	    .plain = buf_new(SIZE_MAX / 2)};
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
	if (strcmp(name, "UTF-7") == 0) {
		charset->kind = CHARSET_UTF7;
		return;
	}
	if (strncmp(name, "UTF-16", 6) == 0 ||
	    strncmp(name, "UTF-32", 6) == 0) {
		charset->kind = CHARSET_WIDE;
		charset->unit = name[4] == '1' ? 2 : 4;
		charset->order = name[6];
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
	buf_free(&charset->plain);
	*charset = (struct charset){0};
}

static bool append_replacement(struct buf *out)
{
	return buf_append(out, UTF8_REPLACEMENT, UTF8_REPLACEMENT_LEN);
}

const uint16_t charset_1252[32] = {0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E,
    0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0xFFFD,
    0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013,
    0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178};

static bool decode_1252(const char *in, size_t len, struct buf *out)
{
	char character[UTF8_MAX];
	size_t start = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)in[i];

		if (c < 0x80)
			continue;
		if (!buf_append(out, in + start, i - start) ||
		    !buf_append(out, character,
			utf8_encode(
			    c < 0xA0 ? charset_1252[c - 0x80] : c, character)))
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

/* What iconv refused at `in`: how many bytes that are, and what stands for
 * them. */
static size_t replace_refused(struct charset *charset, const char *in,
    size_t left, struct buf *out, bool *fits)
{
	char character[UTF8_MAX];
	uint32_t meant = 0;
	size_t skip = 0;

	if (charset->mends != NULL)
		skip = charset_mend_refused(charset->mends, in, left, &meant);
	if (skip > 0) {
		*fits =
		    buf_append(out, character, utf8_encode(meant, character));
		return skip;
	}
	*fits = append_replacement(out);
	return left < charset->unit ? left : charset->unit;
}

/* One call of iconv, and what it made mended. */
static size_t call_and_mend(
    struct charset *charset, char **in, size_t *left, struct buf *out)
{
	struct buf *plain = &charset->plain;
	size_t result;
	int why;

	if (charset->mends == NULL || charset->mends->read_count == 0)
		return call_iconv(charset, in, left, out);
	buf_clear(plain);
	result = call_iconv(charset, in, left, plain);
	why = errno;
	if (!charset_mend_read(
		charset->mends, buf_text(plain), plain->len, out)) {
		errno = ENOBUFS;
		return (size_t)-1;
	}
	errno = why;
	return result;
}

/* Converts as far as it goes; *left bytes at the end are an incomplete
 * character. */
static bool convert(
    struct charset *charset, const char *in, size_t *left, struct buf *out)
{
	char *at = unconst(in);
	bool fits = true;
	size_t skip;

	while (*left > 0 && fits) {
		if (call_and_mend(charset, &at, left, out) != (size_t)-1)
			break;
		if (errno == EINVAL && *left < CHARSET_CUT)
			break;
		if (errno == ENOBUFS)
			return false;
		if (errno == E2BIG)
			continue;
		skip = replace_refused(charset, at, *left, out, &fits);
		at += skip;
		*left -= skip;
	}
	return fits;
}

/* The text ends with a character that is cut, or only seemed to be one: its
 * first byte is lost, the others may be characters of their own. */
static bool end_in_cut(
    struct charset *charset, const char *end, size_t left, struct buf *out)
{
	while (left > 0) {
		left -= left < charset->unit ? left : charset->unit;
		if (!append_replacement(out) ||
		    !convert(charset, end - left, &left, out))
			return false;
	}
	return true;
}

/* What iconv kept back comes out, and its state is the initial one again. */
static bool finish_iconv(struct charset *charset, struct buf *out)
{
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
	return end_in_cut(charset, in + len, left, out) &&
	       finish_iconv(charset, out);
}

/* Where most of the zero bytes of the first characters are says what comes
 * first in each; the low byte if it says nothing. */
static char guess_order(const char *in, size_t len, size_t unit)
{
	size_t little = 0, big = 0;

	for (size_t i = 0; i + unit <= len && i < CHARSET_CUT; i += unit) {
		big += in[i] == '\0' && in[i + unit - 1] != '\0';
		little += in[i] != '\0' && in[i + unit - 1] == '\0';
	}
	return big > little ? 'B' : 'L';
}

/* The length of the mark that the text begins with, and the order it shows:
 * it knows better than the label. */
static size_t read_mark(const char *in, size_t len, size_t unit, char *order)
{
	static const char little[] = "\xFF\xFE\0\0", big[] = "\0\0\xFE\xFF";

	if (len < unit)
		return 0;
	if (memcmp(in, little, unit) == 0)
		*order = 'L';
	else if (memcmp(in, big + sizeof(big) - 1 - unit, unit) == 0)
		*order = 'B';
	else
		return 0;
	return unit;
}

static bool open_wide(
    struct charset *charset, const char *in, size_t len, size_t *mark)
{
	char order = charset->order;
	const char *name;
	iconv_t handle;

	*mark = read_mark(in, len, charset->unit, &order);
	if (order == '\0')
		order = guess_order(in, len, charset->unit);
	if (charset->unit == 2)
		name = order == 'B' ? "UTF-16BE" : "UTF-16LE";
	else
		name = order == 'B' ? "UTF-32BE" : "UTF-32LE";
	handle = iconv_open("UTF-8", name);
	if (handle == (iconv_t)-1)
		return false;
	charset->iconv = handle;
	return true;
}

/* UTF-16 and UTF-32. The beginning is looked at before anything is decoded,
 * always as much of it, in whatever pieces it comes. */
static bool decode_wide(struct charset *charset, const char *in, size_t len,
    bool last, struct buf *out, size_t *used)
{
	size_t mark = 0;
	bool done;

	*used = 0;
	if (charset->iconv == NULL && len < CHARSET_CUT && !last)
		return true;
	if (charset->iconv == NULL && !open_wide(charset, in, len, &mark))
		return utf8_append_clean(out, in, len, last, used);
	done = decode_iconv(charset, in + mark, len - mark, last, out, used);
	*used += mark;
	if (last) {
		(void)iconv_close(charset->iconv);
		charset->iconv = NULL;
	}
	return done;
}

/* What the end of a piece cuts in two, and is no escape or pair, stays in
 * charset->euc for the next one. */
static bool decode_jis(struct charset *charset, const char *in, size_t len,
    bool last, struct buf *out, size_t *used)
{
	struct buf *euc = &charset->euc;
	size_t took, left;

	for (*used = 0; *used < len; *used += took) {
		took = jis_unpack(
		    &charset->set, in + *used, len - *used, last, euc);
		left = euc->len;
		if (!convert(charset, buf_text(euc), &left, out))
			return false;
		buf_consume(euc, euc->len - left);
		if (took == 0)
			break;
	}
	if (!last)
		return true;
	left = euc->len;
	buf_clear(euc);
	return left == 0 || append_replacement(out);
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
	case CHARSET_WIDE:
		return decode_wide(charset, in, len, last, out, used);
	case CHARSET_ICONV:
		return decode_iconv(charset, in, len, last, out, used);
	case CHARSET_UTF7:
		*used = len;
		return utf7_decode(&charset->utf7, in, len, last, out);
	case CHARSET_ISO2022JP:
		return decode_jis(charset, in, len, last, out, used);
	}
	return false;
}
