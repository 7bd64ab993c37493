#include "base/utf8.h"

#include <string.h>

#define HIGH_BITS 0x8080808080808080ULL

/* What the first byte says: how many bytes, and the range of the second,
 * which keeps out overlong forms, surrogates and what passes U+10FFFF. */
static int first_byte(unsigned char c, unsigned char *low, unsigned char *high)
{
	*low = 0x80;
	*high = 0xBF;
	if (c < 0x80)
		return 1;
	if (c >= 0xC2 && c <= 0xDF)
		return 2;
	if (c == 0xE0)
		*low = 0xA0;
	else if (c == 0xED)
		*high = 0x9F;
	else if (c == 0xF0)
		*low = 0x90;
	else if (c == 0xF4)
		*high = 0x8F;
	if (c >= 0xE0 && c <= 0xEF)
		return 3;
	if (c >= 0xF0 && c <= 0xF4)
		return 4;
	return 0;
}

int utf8_sequence(const char *s, size_t left, size_t *bad)
{
	unsigned char low, high, c;
	int need = first_byte((unsigned char)s[0], &low, &high);

	*bad = 1;
	if (need <= 1)
		return need;
	for (int i = 1; i < need; i++) {
		*bad = (size_t)i;
		if ((size_t)i >= left)
			return -1;
		c = (unsigned char)s[i];
		if (c < low || c > high)
			return 0;
		low = 0x80;
		high = 0xBF;
	}
	return need;
}

static size_t ascii_prefix(const char *s, size_t len)
{
	size_t at = 0;
	uint64_t eight;

	for (; at + 8 <= len; at += 8) {
		memcpy(&eight, s + at, 8);
		if ((eight & HIGH_BITS) != 0)
			break;
	}
	while (at < len && (unsigned char)s[at] < 0x80)
		at++;
	return at;
}

size_t utf8_valid_prefix(const char *s, size_t len)
{
	size_t at = 0, bad;
	int seq;

	while (at < len) {
		if ((unsigned char)s[at] < 0x80) {
			at += ascii_prefix(s + at, len - at);
			continue;
		}
		seq = utf8_sequence(s + at, len - at, &bad);
		if (seq <= 0)
			break;
		at += (size_t)seq;
	}
	return at;
}

bool utf8_valid(const char *s, size_t len)
{
	return utf8_valid_prefix(s, len) == len;
}

bool utf8_append_clean(
    struct buf *out, const char *s, size_t len, bool last, size_t *used)
{
	size_t at = 0, good, bad;
	int seq;

	*used = 0;
	while (at < len) {
		good = utf8_valid_prefix(s + at, len - at);
		if (!buf_append(out, s + at, good))
			return false;
		at += good;
		if (at == len)
			break;
		seq = utf8_sequence(s + at, len - at, &bad);
		if (seq == -1 && !last)
			break;
		if (!buf_append(out, UTF8_REPLACEMENT, UTF8_REPLACEMENT_LEN))
			return false;
		at += bad;
	}
	*used = at;
	return true;
}

size_t utf8_encode(uint32_t character, char out[UTF8_MAX])
{
	if (character < 0x80) {
		out[0] = (char)character;
		return 1;
	}
	if (character < 0x800) {
		out[0] = (char)(0xC0 | character >> 6);
		out[1] = (char)(0x80 | (character & 0x3F));
		return 2;
	}
	if (character > 0x10FFFF ||
	    (character >= 0xD800 && character <= 0xDFFF))
		character = 0xFFFD;
	if (character < 0x10000) {
		out[0] = (char)(0xE0 | character >> 12);
		out[1] = (char)(0x80 | (character >> 6 & 0x3F));
		out[2] = (char)(0x80 | (character & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | character >> 18);
	out[1] = (char)(0x80 | (character >> 12 & 0x3F));
	out[2] = (char)(0x80 | (character >> 6 & 0x3F));
	out[3] = (char)(0x80 | (character & 0x3F));
	return 4;
}

uint32_t utf8_decode(const char *s, int len)
{
	static const unsigned char first_mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
	uint32_t character = (unsigned char)s[0] & first_mask[len];

	for (int i = 1; i < len; i++)
		character = character << 6 | ((unsigned char)s[i] & 0x3F);
	return character;
}

size_t utf8_cut(const char *s, size_t len, size_t max)
{
	if (len <= max)
		return len;
	while (max > 0 && ((unsigned char)s[max] & 0xC0) == 0x80)
		max--;
	return max;
}
