#include "mail/charset_utf7.h"

#include "base/utf8.h"
#include "mail/base64.h"

static bool put(uint32_t character, struct buf *out)
{
	char text[UTF8_MAX];

	return buf_append(out, text, utf8_encode(character, text));
}

/* A high surrogate that no low one followed. */
static bool drop_half(struct utf7 *utf7, struct buf *out)
{
	bool half = utf7->high != 0;

	utf7->high = 0;
	return !half || put(0xFFFD, out);
}

/* 16 bits of UTF-16. */
static bool put_unit(struct utf7 *utf7, uint32_t unit, struct buf *out)
{
	uint32_t high = utf7->high;

	if (high != 0 && unit >= 0xDC00 && unit < 0xE000) {
		utf7->high = 0;
		return put(
		    0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00), out);
	}
	if (!drop_half(utf7, out))
		return false;
	if (unit >= 0xD800 && unit < 0xDC00) {
		utf7->high = unit;
		return true;
	}
	return put(unit, out); /* half a pair becomes U+FFFD */
}

static bool add_bits(struct utf7 *utf7, uint32_t six, struct buf *out)
{
	utf7->empty = false;
	utf7->bits = utf7->bits << 6 | six;
	utf7->count += 6;
	if (utf7->count < 16)
		return true;
	utf7->count -= 16;
	return put_unit(utf7, utf7->bits >> utf7->count & 0xFFFF, out);
}

/* Back to ASCII. A '+' before nothing is what it looks like. */
static bool unshift(struct utf7 *utf7, struct buf *out)
{
	bool fits =
	    drop_half(utf7, out) && (!utf7->empty || buf_append_char(out, '+'));

	*utf7 = (struct utf7){.shifted = false};
	return fits;
}

static bool take(struct utf7 *utf7, char c, struct buf *out)
{
	if (utf7->shifted && base64_value(c) >= 0)
		return add_bits(utf7, (uint32_t)base64_value(c), out);
	if (utf7->shifted) {
		if (!unshift(utf7, out))
			return false;
		if (c == '-')
			return true;
	}
	if (c == '+') {
		utf7->shifted = utf7->empty = true;
		return true;
	}
	return put((unsigned char)c < 0x80 ? (uint32_t)c : 0xFFFD, out);
}

bool utf7_decode(
    struct utf7 *utf7, const char *in, size_t len, bool last, struct buf *out)
{
	for (size_t i = 0; i < len; i++)
		if (!take(utf7, in[i], out))
			return false;
	return !last || !utf7->shifted || unshift(utf7, out);
}
