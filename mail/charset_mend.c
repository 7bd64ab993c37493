#include "mail/charset_mend.h"

#include "base/utf8.h"

#include <stdlib.h>

static int compare(const void *key, const void *row)
{
	uint32_t from = *(const uint32_t *)key;
	uint32_t other = ((const struct charset_mend *)row)->from;

	return from < other ? -1 : from > other;
}

static uint32_t find(
    const struct charset_mend *rows, size_t count, uint32_t from)
{
	const struct charset_mend *row;

	if (count == 0 || from < rows[0].from || from > rows[count - 1].from)
		return 0;
	row = bsearch(&from, rows, count, sizeof(*rows), compare);
	return row == NULL ? 0 : row->to;
}

size_t charset_mend_refused(const struct charset_mends *mends, const char *in,
    size_t left, uint32_t *character)
{
	uint32_t code = left > 0 ? (unsigned char)in[0] : 0;

	*character = find(mends->refused, mends->refused_count, code);
	if (*character != 0)
		return 1;
	if (left < 2)
		return 0;
	code = code << 8 | (unsigned char)in[1];
	*character = find(mends->refused, mends->refused_count, code);
	return *character != 0 ? 2 : 0;
}

static uint32_t meant(const struct charset_mends *mends, uint32_t character)
{
	if (mends->no_controls && character >= 0x80 && character < 0xA0)
		return 0xFFFD;
	return find(mends->read, mends->read_count, character);
}

bool charset_mend_read(const struct charset_mends *mends, const char *text,
    size_t len, struct buf *out)
{
	char character[UTF8_MAX];
	size_t start = 0, at = 0, bad;
	uint32_t to;
	int seq;

	for (; at < len; at += (size_t)seq) {
		seq = utf8_sequence(text + at, len - at, &bad);
		if (seq <= 0)
			seq = (int)bad;
		to = seq < 2 ? 0 : meant(mends, utf8_decode(text + at, seq));
		if (to == 0)
			continue;
		if (!buf_append(out, text + start, at - start) ||
		    !buf_append(out, character, utf8_encode(to, character)))
			return false;
		start = at + (size_t)seq;
	}
	return buf_append(out, text + start, at - start);
}
