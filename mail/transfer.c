#include "mail/transfer.h"

#include "base/digit.h"

#include <string.h>

#define NOT_BASE64 64

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The six bits of each character, or NOT_BASE64. */
static const unsigned char six_bits[256] = {
#define NO4 64, 64, 64, 64
#define NO16 NO4, NO4, NO4, NO4
    NO16, NO16, NO4, NO4, 64, 64, 64, 62, 64, 64, 64, 63, /* + / */
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, NO4,  /* 0 ... 9 */
    64, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, /* A ... O */
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 64, NO4,  /* P ... Z */
    64, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
    44, 45, 46, 47, 48, 49, 50, 51, 64, NO4, /* p ... z */
    NO16, NO16, NO16, NO16, NO16, NO16, NO16, NO16
#undef NO16
#undef NO4
};

static unsigned bits_of(char c)
{
	return six_bits[(unsigned char)c];
}

/* Bodies are long, so they are looked at in blocks: of each character at once
 * whether it is in the alphabet. */
#define BLOCK ((size_t)16)
typedef unsigned char block __attribute__((vector_size(16)));

/* All ones where the character is in the alphabet. */
static block in_alphabet(const char *in)
{
	block c;

	memcpy(&c, in, BLOCK);
	return (block)(((c | 0x20) - 'a' < 26) | (c - '0' < 10) | (c == '+') |
		       (c == '/'));
}

static bool all_in_alphabet(const char *in)
{
	block found = in_alphabet(in);
	uint64_t halves[2];

	memcpy(halves, &found, BLOCK);
	return (halves[0] & halves[1]) == UINT64_MAX;
}

/* Without what does not belong there, and is seen: comments before and
 * behind the name, parameters. */
static struct slice bare_name(struct slice value)
{
	size_t end;

	value = slice_trim(value);
	while (value.len > 0 && value.data[0] == '(' &&
	       (end = slice_find(value, ')')) < value.len)
		value = slice_trim(slice_from(value, end + 1));
	value.len = slice_find(value, '(');
	value.len = slice_find(value, ';');
	return slice_trim(value);
}

enum transfer_encoding transfer_named(struct slice value)
{
	value = bare_name(value);
	if (slice_is(value, "base64"))
		return TRANSFER_BASE64;
	if (slice_is(value, "quoted-printable"))
		return TRANSFER_QUOTED_PRINTABLE;
	if (slice_is(value, "x-uuencode") || slice_is(value, "uuencode") ||
	    slice_is(value, "x-uue") || slice_is(value, "uue"))
		return TRANSFER_UUENCODE;
	return TRANSFER_IDENTITY;
}

void transfer_open(struct transfer *transfer, enum transfer_encoding encoding)
{
	*transfer = (struct transfer){.encoding = encoding};
}

/* Up to the padding, which ends it. */
static size_t before_padding(const char *in, size_t len, bool *ended)
{
	const char *padding;

	if (*ended || len == 0)
		return 0;
	padding = memchr(in, '=', len);
	*ended = padding != NULL;
	return padding == NULL ? len : (size_t)(padding - in);
}

static char *put_group(struct transfer *transfer, char *to)
{
	uint32_t bits = transfer->bits;

	for (int i = 0; i < 4 - transfer->count; i++)
		bits <<= 6;
	if (transfer->count > 1)
		*to++ = (char)(bits >> 16);
	if (transfer->count > 2)
		*to++ = (char)(bits >> 8);
	if (transfer->count > 3)
		*to++ = (char)bits;
	transfer->bits = 0;
	transfer->count = 0;
	return to;
}

static char *decode_character(struct transfer *transfer, char c, char *to)
{
	if (bits_of(c) == NOT_BASE64)
		return to;
	transfer->bits = transfer->bits << 6 | bits_of(c);
	if (++transfer->count == 4)
		to = put_group(transfer, to);
	return to;
}

static bool decode_base64(struct transfer *transfer, const char *in, size_t len,
    bool last, struct buf *out)
{
	char *room = buf_room(out, len + 3), *to = room;
	size_t end = before_padding(in, len, &transfer->ended), at = 0;
	unsigned a, b, c, d;

	if (room == NULL)
		return false;
	while (at < end) {
		while (transfer->count == 0 && at + 4 <= end) {
			a = bits_of(in[at]);
			b = bits_of(in[at + 1]);
			c = bits_of(in[at + 2]);
			d = bits_of(in[at + 3]);
			if (((a | b | c | d) & NOT_BASE64) != 0)
				break;
			*to++ = (char)(a << 2 | b >> 4);
			*to++ = (char)(b << 4 | c >> 2);
			*to++ = (char)(c << 6 | d);
			at += 4;
		}
		if (at < end)
			to = decode_character(transfer, in[at++], to);
	}
	if (last || transfer->ended)
		to = put_group(transfer, to);
	buf_added(out, (size_t)(to - room));
	return true;
}

/* A line's text without its end and without the blanks before it. */
static char *decode_escapes(const char *in, size_t len, char *to)
{
	const char *end = in + len, *escape;
	int byte;

	while (in < end) {
		escape = memchr(in, '=', (size_t)(end - in));
		len = (size_t)((escape == NULL ? end : escape) - in);
		memcpy(to, in, len);
		to += len;
		in += len;
		if (escape == NULL)
			break;
		byte = end - in > 2 ? hex_byte(in + 1) : -1;
		if (byte < 0) {
			*to++ = *in++;
			continue;
		}
		*to++ = (char)byte;
		in += 3;
	}
	return to;
}

static size_t without_blanks(const char *in, size_t len)
{
	while (len > 0 && (in[len - 1] == ' ' || in[len - 1] == '\t'))
		len--;
	return len;
}

/* The part of an unfinished line that no later byte can change: without an
 * escape that is cut, and without the blanks (and CR) at the end. */
static size_t settled(const char *in, size_t len)
{
	size_t end = len;

	if (end > 0 && in[end - 1] == '\r')
		end--;
	end = without_blanks(in, end);
	if (end > 0 && in[end - 1] == '=')
		end--;
	else if (end > 1 && end == len && in[end - 2] == '=')
		end -= 2;
	return len - end < TRANSFER_CUT ? end : len;
}

/* A whole line of `len` bytes that ends with `ending` bytes of line end. */
static char *decode_line(const char *in, size_t len, size_t ending, char *to)
{
	size_t text = without_blanks(in, len);

	if (text > 0 && in[text - 1] == '=')
		return decode_escapes(in, text - 1, to); /* soft line break */
	to = decode_escapes(in, text, to);
	memcpy(to, in + len, ending);
	return to + ending;
}

static bool decode_quoted(
    const char *in, size_t len, bool last, struct buf *out, size_t *used)
{
	char *room = buf_room(out, len), *to = room;
	const char *newline;
	size_t at = 0, line, ending;

	if (room == NULL)
		return false;
	while (at < len && (newline = memchr(in + at, '\n', len - at))) {
		line = (size_t)(newline - in) - at;
		ending = line > 0 && in[at + line - 1] == '\r' ? 2 : 1;
		to = decode_line(in + at, line + 1 - ending, ending, to);
		at += line + 1;
	}
	if (last) {
		to = decode_line(in + at, len - at, 0, to);
		at = len;
	} else {
		line = settled(in + at, len - at);
		to = decode_escapes(in + at, line, to);
		at += line;
	}
	buf_added(out, (size_t)(to - room));
	*used = at;
	return true;
}

bool transfer_decode(struct transfer *transfer, const char *in, size_t len,
    bool last, struct buf *out, size_t *used)
{
	*used = len;
	switch (transfer->encoding) {
	case TRANSFER_IDENTITY:
		return buf_append(out, in, len);
	case TRANSFER_BASE64:
		return decode_base64(transfer, in, len, last, out);
	case TRANSFER_QUOTED_PRINTABLE:
		return decode_quoted(in, len, last, out, used);
	case TRANSFER_UUENCODE:
		return uuencode_decode(
		    &transfer->uuencode, in, len, last, out, used);
	}
	return false;
}

/* The last group, made whole: bits that stand for no byte are cleared. */
static char *finish_group(struct transfer_copy *copy, char *to)
{
	unsigned mask = copy->count == 2 ? 0x30 : 0x3C;
	size_t count = copy->count;

	copy->count = 0;
	if (count < 2)
		return to;
	for (size_t i = 0; i + 1 < count; i++)
		*to++ = copy->group[i];
	*to++ = alphabet[bits_of(copy->group[count - 1]) & mask];
	for (; count < 4; count++)
		*to++ = '=';
	return to;
}

/* Copies the characters of the alphabet; there is room for all. */
static char *copy_alphabet(const char *in, size_t len, char *to)
{
	const char *end = in + len, *until;

	while (in < end) {
		while ((size_t)(end - in) >= BLOCK && all_in_alphabet(in)) {
			memcpy(to, in, BLOCK);
			to += BLOCK;
			in += BLOCK;
		}
		until = (size_t)(end - in) < BLOCK ? end : in + BLOCK;
		for (; in < until; in++) {
			*to = *in;
			to += bits_of(*in) < NOT_BASE64;
		}
	}
	return to;
}

bool transfer_copy_base64(struct transfer_copy *copy, const char *in,
    size_t len, bool last, struct buf *out)
{
	char *room = buf_room(out, len + 2 * sizeof(copy->group)), *to = room;
	size_t end = before_padding(in, len, &copy->ended);

	if (room == NULL)
		return false;
	for (size_t i = 0; i < copy->count; i++)
		*to++ = copy->group[i];
	to = copy_alphabet(in, end, to);
	copy->count = (size_t)(to - room) % sizeof(copy->group);
	to -= copy->count;
	memcpy(copy->group, to, copy->count);
	if (last || copy->ended)
		to = finish_group(copy, to);
	buf_added(out, (size_t)(to - room));
	return true;
}

/* How many of so many blocks' characters are in the alphabet: at most 255, as
 * each place in the block is counted in a byte. */
static size_t count_blocks(const char *in, size_t blocks)
{
	block counts = {0};
	size_t count = 0;

	for (size_t i = 0; i < blocks; i++)
		counts -= in_alphabet(in + i * BLOCK);
	for (size_t i = 0; i < BLOCK; i++)
		count += counts[i];
	return count;
}

size_t transfer_count_base64(const char *in, size_t len, bool *ended)
{
	size_t end = before_padding(in, len, ended), count = 0, at = 0, blocks;

	for (; end - at >= BLOCK; at += blocks * BLOCK) {
		blocks = (end - at) / BLOCK;
		if (blocks > UINT8_MAX)
			blocks = UINT8_MAX;
		count += count_blocks(in + at, blocks);
	}
	for (; at < end; at++)
		count += bits_of(in[at]) < NOT_BASE64;
	return count;
}

uint64_t transfer_decoded_size(uint64_t characters)
{
	static const uint64_t rest[4] = {0, 0, 1, 2};

	return characters / 4 * 3 + rest[characters % 4];
}

uint64_t transfer_encoded_size(uint64_t bytes)
{
	return (bytes + 2) / 3 * 4;
}
