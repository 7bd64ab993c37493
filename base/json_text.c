#include "base/json_text.h"

#include <stdint.h>
#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/*
 * How many bytes the UTF-8 sequence at s takes (RFC 3629 section 4): 0 if it
 * is none, -1 if the end cuts it and what is there could begin one.
 */
static int sequence_len(const unsigned char *s, size_t left)
{
	unsigned char low = 0x80, high = 0xBF;
	int need;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xC2 && s[0] <= 0xDF)
		need = 2;
	else if (s[0] >= 0xE0 && s[0] <= 0xEF)
		need = 3;
	else if (s[0] >= 0xF0 && s[0] <= 0xF4)
		need = 4;
	else
		return 0;
	if (s[0] == 0xE0)
		low = 0xA0; /* overlong */
	else if (s[0] == 0xED)
		high = 0x9F; /* surrogates */
	else if (s[0] == 0xF0)
		low = 0x90; /* overlong */
	else if (s[0] == 0xF4)
		high = 0x8F; /* past U+10FFFF */
	for (int i = 1; i < need; i++) {
		if ((size_t)i >= left)
			return -1;
		if (s[i] < low || s[i] > high)
			return 0;
		low = 0x80;
		high = 0xBF;
	}
	return need;
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
		return buf_append(buf, REPLACEMENT, 3);
	default:
		return buf_printf(buf, "\\u%04x", c);
	}
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

bool json_text_append_part(
    struct buf *buf, const char *bytes, size_t len, bool last, size_t *used)
{
	const unsigned char *s = (const unsigned char *)bytes;
	size_t at = 0, plain;
	bool fits = true;
	int seq;

	while (at < len && fits) {
		for (plain = at; plain < len && is_plain(s[plain]); plain++)
			;
		if (plain > at) {
			fits = buf_append(buf, s + at, plain - at);
			at = plain;
			continue;
		}
		seq = sequence_len(s + at, len - at);
		if (seq == -1 && !last)
			break;
		if (seq == 1)
			fits = append_escaped(buf, s[at]);
		else if (seq > 1)
			fits = buf_append(buf, s + at, (size_t)seq);
		else
			fits = buf_append(buf, REPLACEMENT, 3);
		at += seq > 0 ? (size_t)seq : 1;
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
