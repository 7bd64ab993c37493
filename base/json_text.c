#include "base/json_text.h"

#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

#define ONES 0x0101010101010101ULL
#define HIGHS 0x8080808080808080ULL

/* What stands for itself in a JSON string. */
static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The same for eight characters at once: a byte that is not plain leaves its
 * high bit set (and what is above it may be set for nothing). */
static bool are_plain(uint64_t eight)
{
	uint64_t quote = eight ^ (ONES * '"');
	uint64_t backslash = eight ^ (ONES * '\\');
	uint64_t found = eight;

	found |= (eight - ONES * 0x20) & ~eight;
	found |= (quote - ONES) & ~quote;
	found |= (backslash - ONES) & ~backslash;
	return (found & HIGHS) == 0;
}

static bool append_escaped(struct buf *buf, unsigned char c)
{
	switch (c) {
	case '"':
		return buf_append(buf, "\\\"", 2);
	case '\\':
		return buf_append(buf, "\\\\", 2);
	case '\n':
		return buf_append(buf, "\\n", 2);
	case '\r':
		return buf_append(buf, "\\r", 2);
	case '\t':
		return buf_append(buf, "\\t", 2);
	case '\0':
		return buf_append(buf, UTF8_REPLACEMENT, UTF8_REPLACEMENT_LEN);
	default:
		return buf_printf(buf, "\\u%04x", c);
	}
}

/* Length of the beginning that can be copied as it is. */
static size_t plain_prefix(const char *s, size_t len)
{
	size_t at = 0, bad;
	uint64_t eight;
	int seq;

	for (;;) {
		for (; at + 8 <= len; at += 8) {
			memcpy(&eight, s + at, 8);
			if (!are_plain(eight))
				break;
		}
		while (at < len && is_plain((unsigned char)s[at]))
			at++;
		if (at == len || (unsigned char)s[at] < 0x80)
			return at;
		seq = utf8_sequence(s + at, len - at, &bad);
		if (seq <= 0)
			return at;
		at += (size_t)seq;
	}
}

bool json_text_append_part(
    struct buf *buf, const char *bytes, size_t len, bool last, size_t *used)
{
	size_t at = 0, plain, bad = 1;
	bool fits = true;

	while (at < len && fits) {
		plain = plain_prefix(bytes + at, len - at);
		fits = buf_append(buf, bytes + at, plain);
		at += plain;
		if (at == len || !fits)
			break;
		if ((unsigned char)bytes[at] < 0x80) {
			fits = append_escaped(buf, (unsigned char)bytes[at++]);
			continue;
		}
		if (utf8_sequence(bytes + at, len - at, &bad) == -1 && !last)
			break;
		fits = buf_append(buf, UTF8_REPLACEMENT, UTF8_REPLACEMENT_LEN);
		at += bad;
	}
	*used = at;
	return fits;
}

bool json_text_append(struct buf *buf, const char *bytes, size_t len)
{
	size_t used;

	return buf_append_char(buf, '"') &&
	       json_text_append_part(buf, bytes, len, true, &used) &&
	       buf_append_char(buf, '"');
}
