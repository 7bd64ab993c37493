#include "mail/encoded_word.h"

#include "base/digit.h"
#include "base/utf8.h"
#include "mail/charset.h"
#include "mail/transfer.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

/* =?charset*language?encoding?text?= */
struct word {
	struct slice charset;
	char encoding; /* 'q' or 'b' */
	struct slice text;
	size_t len; /* of the whole */
};

/* Decoded bytes of neighbours that wait for more of the same charset. */
struct run {
	struct slice charset;
	struct buf bytes;
};

/* RFC 2047 section 2 allows neither '.' nor ':', and labels have them. */
static bool is_charset_char(char c)
{
	return isalnum((unsigned char)c) ||
	       (c != '\0' && strchr("-_*.:+", c) != NULL);
}

/* The word at the start of the text, which begins with "=?". */
static bool parse_word(struct slice text, struct word *word)
{
	struct slice rest = slice_from(text, 2);
	size_t len = 0;

	while (len < rest.len && is_charset_char(rest.data[len]))
		len++;
	word->charset = slice_first(rest, len);
	word->charset.len = slice_find(word->charset, '*');
	rest = slice_from(rest, len);
	if (len == 0 || rest.len < 5 || rest.data[0] != '?' ||
	    rest.data[2] != '?')
		return false;
	word->encoding = (char)tolower((unsigned char)rest.data[1]);
	if (word->encoding != 'q' && word->encoding != 'b')
		return false;
	rest = slice_from(rest, 3);
	len = slice_find(rest, '?');
	if (len + 1 >= rest.len || rest.data[len + 1] != '=')
		return false;
	word->text = slice_first(rest, len);
	word->len = (size_t)(rest.data + len + 2 - text.data);
	return true;
}

static size_t blanks(struct slice text)
{
	size_t len = 0;

	while (len < text.len && slice_is_space(text.data[len]))
		len++;
	return len;
}

static bool decode_q(struct slice text, struct buf *bytes)
{
	size_t at = 0, hex;
	int byte;
	char c;

	while (at < text.len) {
		c = text.data[at++];
		if (c == '_' || isspace((unsigned char)c))
			c = ' ';
		if (c == '=') {
			/* A blank here is a fold in the wrong place. */
			hex = at + blanks(slice_from(text, at));
			byte =
			    hex + 1 < text.len ? hex_byte(text.data + hex) : -1;
			if (byte >= 0) {
				c = (char)byte;
				at = hex + 2;
			}
		}
		if (!buf_append_char(bytes, c))
			return false;
	}
	return true;
}

/* Some join their base64 with the padding in the middle. */
static bool decode_b(struct slice text, struct buf *bytes)
{
	struct transfer transfer;
	size_t len, used;

	while (text.len > 0) {
		len = slice_find(text, '=');
		transfer_open(&transfer, TRANSFER_BASE64);
		if (!transfer_decode(
			&transfer, text.data, len, true, bytes, &used))
			return false;
		text = slice_from(text, len < text.len ? len + 1 : len);
	}
	return true;
}

static bool flush(struct run *run, struct buf *out)
{
	struct charset charset;
	size_t used;
	bool done;

	if (run->bytes.len == 0)
		return true;
	charset_open(&charset, run->charset, CHARSET_WORD);
	done = charset_decode(
	    &charset, run->bytes.data, run->bytes.len, true, out, &used);
	charset_close(&charset);
	buf_clear(&run->bytes);
	return done;
}

static bool add_word(struct run *run, const struct word *word, struct buf *out)
{
	if (run->bytes.len > 0 && !charset_same(run->charset, word->charset) &&
	    !flush(run, out))
		return false;
	run->charset = word->charset;
	return word->encoding == 'q' ? decode_q(word->text, &run->bytes)
				     : decode_b(word->text, &run->bytes);
}

/* Text between words. */
static bool add_plain(struct slice text, struct buf *out)
{
	size_t used;

	return utf8_append_clean(out, text.data, text.len, true, &used);
}

/* Up to the next word; the rest if there is none. */
static size_t find_word(struct slice text, struct word *word, bool *found)
{
	const char *at = text.data, *end = text.data + text.len;
	struct slice rest;

	while ((at = memmem(at, (size_t)(end - at), "=?", 2)) != NULL) {
		rest = (struct slice){at, (size_t)(end - at)};
		if (parse_word(rest, word)) {
			*found = true;
			return (size_t)(at - text.data);
		}
		at++;
	}
	*found = false;
	return text.len;
}

bool encoded_words_decode(struct slice text, struct buf *out)
{
	struct run run = {.bytes = buf_new(SIZE_MAX / 2)};
	bool after_word = false, found = true, done = true;
	struct word word;
	size_t plain;

	while (text.len > 0 && done) {
		plain = find_word(text, &word, &found);
		/* RFC 2047 section 6.2: blanks between two words go. */
		if (!(after_word && found && blanks(text) >= plain))
			done = flush(&run, out) &&
			       add_plain(slice_first(text, plain), out);
		text = slice_from(text, plain);
		if (found && done) {
			done = add_word(&run, &word, out);
			text = slice_from(text, word.len);
		}
		after_word = found;
	}
	done = done && flush(&run, out);
	buf_free(&run.bytes);
	return done;
}

bool encoded_words_base64_only(struct slice text)
{
	struct word word;
	bool any = false;

	while (text.len > 2 && text.data[0] == '=' && text.data[1] == '?') {
		if (!parse_word(text, &word) || word.encoding != 'b')
			return false;
		any = true;
		text = slice_from(text, word.len);
		text = slice_from(text, blanks(text));
	}
	return any && text.len == 0;
}

/* The byte that Windows-1252 (or Latin-1, where that has none) has for a
 * character; -1 if neither has it. */
static int byte_of(uint32_t character)
{
	if (character < 0x100)
		return (int)character;
	for (int i = 0; i < 32; i++)
		if (charset_1252[i] == character && character != 0xFFFD)
			return 0x80 + i;
	return -1;
}

/* Each character as the byte it would have been; false if one is none. */
static bool to_bytes(struct slice text, struct buf *bytes)
{
	size_t bad;
	int seq, byte;

	for (size_t at = 0; at < text.len; at += (size_t)seq) {
		seq = utf8_sequence(text.data + at, text.len - at, &bad);
		if (seq <= 0)
			return false;
		byte = byte_of(utf8_decode(text.data + at, seq));
		if (byte < 0 || !buf_append_char(bytes, (char)byte))
			return false;
	}
	return true;
}

/*
 * Well-formed UTF-8 by chance: "CAFÉ»" reads as one sequence too. So one
 * sequence must be of those that no words make: three bytes or more, or one
 * that begins with "Â" or "Ã" (all of Latin-1), or two that follow each
 * other (as in words of other scripts).
 */
static bool is_certain(struct slice bytes)
{
	size_t bad, before = SIZE_MAX;
	int seq;

	for (size_t at = 0; at < bytes.len; at += (size_t)seq) {
		seq = utf8_sequence(bytes.data + at, bytes.len - at, &bad);
		if (seq <= 0)
			return false;
		if (seq > 2 || bytes.data[at] == '\xC2' ||
		    bytes.data[at] == '\xC3')
			return true;
		if (seq == 2 && before + 2 == at)
			return true;
		if (seq == 2)
			before = at;
	}
	return false;
}

bool encoded_twice_repair(struct slice text, struct buf *out)
{
	struct buf bytes;
	bool repaired;

	/* Only ASCII, as nearly always. */
	if (slice_find(text, '\xC3') == text.len &&
	    slice_find(text, '\xC2') == text.len)
		return false;
	bytes = buf_new(text.len);
	repaired = to_bytes(text, &bytes) &&
		   utf8_valid(bytes.data, bytes.len) &&
		   is_certain((struct slice){bytes.data, bytes.len}) &&
		   buf_append(out, bytes.data, bytes.len);
	buf_free(&bytes);
	return repaired;
}
