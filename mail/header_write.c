#include "mail/header_write.h"

#include "base/utf8.h"
#include "mail/encoded_word.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* RFC 5322 section 2.1.1 wants no more in a line. */
#define COLUMNS 78
/* RFC 2047 section 2: an encoded word has 75 characters at most, and these
 * around its text. */
#define WORD_MAX ((size_t)75)
#define WORD_FRAME ((size_t)12) /* =?UTF-8?B? and ?= */
/* A word of text that is longer is encoded, so that it can be folded. */
#define PLAIN_WORD_MAX 400

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex_digits[] = "0123456789ABCDEF";

static void put(struct header_writer *writer, const char *text, size_t len)
{
	bool fits = buf_append(writer->out, text, len);

	assert(fits);
	writer->column += len;
}

static void fold(struct header_writer *writer)
{
	put(writer, "\r\n", 2);
	writer->column = 0;
}

static bool is_ascii(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] >= 0x80)
			return false;
	return true;
}

void header_write_begin(
    struct header_writer *writer, struct buf *out, const char *name)
{
	*writer = (struct header_writer){.out = out};
	put(writer, name, strlen(name));
	put(writer, ":", 1);
}

void header_write_end(struct header_writer *writer)
{
	put(writer, "\r\n", 2);
}

/* Blanks and a word behind them; the fold goes in front of the blanks. */
static void put_word(
    struct header_writer *writer, struct slice blanks, struct slice word)
{
	if (writer->column + blanks.len + word.len > COLUMNS &&
	    blanks.len > 0 && writer->column > 1)
		fold(writer);
	for (size_t i = 0; i < blanks.len; i++)
		put(writer, blanks.data[i] == '\t' ? "\t" : " ", 1);
	put(writer, word.data, word.len);
}

void header_write_word(struct header_writer *writer, struct slice word)
{
	put_word(writer, slice_of(" "), word);
}

/* --- encoded words ---------------------------------------------------- */

/* What may stand for itself in any encoded word (RFC 2047 section 5 (3)). */
static bool is_plain_in_q(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!*+-/", c) != NULL);
}

static size_t q_size(struct slice text)
{
	size_t size = 0;

	for (size_t i = 0; i < text.len; i++)
		size += text.data[i] == ' ' ||
				is_plain_in_q((unsigned char)text.data[i])
			    ? 1
			    : 3;
	return size;
}

static size_t b_size(struct slice text)
{
	return (text.len + 2) / 3 * 4;
}

static size_t write_q(char *to, struct slice text)
{
	char *at = to;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c == ' ') {
			*at++ = '_';
		} else if (is_plain_in_q(c)) {
			*at++ = (char)c;
		} else {
			*at++ = '=';
			*at++ = hex_digits[c >> 4];
			*at++ = hex_digits[c & 15];
		}
	}
	return (size_t)(at - to);
}

static size_t write_b(char *to, struct slice text)
{
	char *at = to;

	for (size_t i = 0; i < text.len; i += 3) {
		size_t left = text.len - i;
		uint32_t bits = (uint32_t)(unsigned char)text.data[i] << 16;

		if (left > 1)
			bits |= (uint32_t)(unsigned char)text.data[i + 1] << 8;
		if (left > 2)
			bits |= (unsigned char)text.data[i + 2];
		*at++ = base64_digits[bits >> 18];
		*at++ = base64_digits[bits >> 12 & 63];
		*at++ = left > 1 ? base64_digits[bits >> 6 & 63] : '=';
		*at++ = left > 2 ? base64_digits[bits & 63] : '=';
	}
	return (size_t)(at - to);
}

/* The longest beginning of whole characters whose encoding has `room`. */
static struct slice fitting(struct slice text, size_t room, bool q)
{
	struct slice taken = slice_first(text, 0), more;
	size_t bad;
	int len;

	while (taken.len < text.len) {
		len = utf8_sequence(
		    text.data + taken.len, text.len - taken.len, &bad);
		more =
		    slice_first(text, taken.len + (len > 0 ? (size_t)len : 1));
		if (taken.len > 0 && (q ? q_size(more) : b_size(more)) > room)
			break;
		taken = more;
	}
	return taken;
}

/* "=?UTF-8?...?=" of the text, as many as it takes. */
static void write_encoded(struct header_writer *writer, struct slice text)
{
	bool q = q_size(text) <= b_size(text);
	char word[WORD_MAX + 16];
	struct slice piece;
	size_t room, len;

	while (text.len > 0) {
		room = WORD_MAX - WORD_FRAME;
		/* What is left of the line, if it is worth it. */
		if (writer->column + 1 + WORD_MAX > COLUMNS) {
			if (writer->column + 33 < COLUMNS)
				room =
				    COLUMNS - writer->column - 1 - WORD_FRAME;
			else
				fold(writer);
		}
		piece = fitting(text, room, q);
		len = (size_t)snprintf(
		    word, sizeof(word), " =?UTF-8?%c?", q ? 'Q' : 'B');
		len +=
		    q ? write_q(word + len, piece) : write_b(word + len, piece);
		put(writer, word, len);
		put(writer, "?=", 2);
		text = slice_from(text, piece.len);
	}
}

/* --- text ------------------------------------------------------------- */

static size_t count_blanks(struct slice text)
{
	size_t len = 0;

	while (len < text.len && slice_is_space(text.data[len]))
		len++;
	return len;
}

static size_t count_word(struct slice text)
{
	size_t len = 0;

	while (len < text.len && !slice_is_space(text.data[len]))
		len++;
	return len;
}

static bool must_encode(struct slice word)
{
	return !is_ascii(word) || word.len > PLAIN_WORD_MAX;
}

static bool looks_encoded(struct slice word)
{
	return word.len > 8 && word.data[0] == '=' && word.data[1] == '?' &&
	       memcmp(word.data + word.len - 2, "?=", 2) == 0;
}

/* From the front the blanks, and the words that are encoded together. */
static struct slice take_run(struct slice text)
{
	size_t end = 0, at = 0, blanks, word;

	for (;;) {
		blanks = count_blanks(slice_from(text, at));
		word = count_word(slice_from(text, at + blanks));
		if (word == 0 ||
		    !must_encode((struct slice){text.data + at + blanks, word}))
			return slice_first(text, end);
		at += blanks + word;
		end = at;
	}
}

static void write_words(struct header_writer *writer, struct slice text)
{
	struct slice blanks, word, run;
	bool after_encoded = false;

	while (text.len > 0) {
		blanks = slice_first(text, count_blanks(text));
		word = slice_from(text, blanks.len);
		word = slice_first(word, count_word(word));
		if (!must_encode(word)) {
			put_word(writer, blanks, word);
			after_encoded = looks_encoded(word);
			text = slice_from(text, blanks.len + word.len);
			continue;
		}
		run = take_run(text);
		text = slice_from(text, run.len);
		/* Blanks between encoded words are no text (RFC 2047 section
		 * 6.2): there they are encoded with it. */
		if (!after_encoded)
			run = slice_from(run, blanks.len);
		word = slice_from(text, count_blanks(text));
		word = slice_first(word, count_word(word));
		if (looks_encoded(word))
			run.len += count_blanks(text);
		write_encoded(writer, run);
		after_encoded = false;
	}
}

/* A copy in which no control character is left, with a blank in front. */
static struct slice cleaned(struct slice text, struct buf *copy)
{
	bool fits;

	text = slice_trim(text);
	fits =
	    buf_append_char(copy, ' ') && buf_append(copy, text.data, text.len);
	assert(fits);
	for (size_t i = 0; i < copy->len; i++) {
		unsigned char c = (unsigned char)copy->data[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			copy->data[i] = ' ';
	}
	return (struct slice){copy->data, copy->len};
}

void header_write_text(struct buf *out, const char *name, struct slice text)
{
	struct header_writer writer;
	struct buf copy = buf_new(SIZE_MAX);

	text = cleaned(text, &copy);
	header_write_begin(&writer, out, name);
	write_words(&writer, text);
	header_write_end(&writer);
	buf_free(&copy);
}

/* --- addresses -------------------------------------------------------- */

static bool is_atom(struct slice word)
{
	for (size_t i = 0; i < word.len; i++) {
		char c = word.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') ||
			strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL))
			return false;
	}
	return word.len > 0;
}

static void write_quoted(struct header_writer *writer, struct slice text)
{
	struct buf quoted = buf_new(SIZE_MAX);
	bool fits = buf_append_char(&quoted, '"');

	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '"' || text.data[i] == '\\')
			fits = fits && buf_append_char(&quoted, '\\');
		fits = fits && buf_append_char(&quoted, text.data[i]);
	}
	fits = fits && buf_append_char(&quoted, '"');
	assert(fits);
	header_write_word(writer, (struct slice){quoted.data, quoted.len});
	buf_free(&quoted);
}

/* Word by word, each as it must be. */
static void write_phrase_words(struct header_writer *writer, struct slice name)
{
	struct slice word;

	for (;;) {
		name = slice_from(name, count_blanks(name));
		word = slice_first(name, count_word(name));
		if (word.len == 0)
			return;
		if (looks_encoded(word) || is_atom(word))
			header_write_word(writer, word);
		else
			write_quoted(writer, word);
		name = slice_from(name, word.len);
	}
}

static bool is_atoms(struct slice name)
{
	struct slice word;

	while (name.len > 0) {
		word = slice_first(name, slice_find(name, ' '));
		if (!is_atom(word))
			return false;
		name = slice_from(name, word.len);
		if (name.len > 0)
			name = slice_from(name, 1);
	}
	return true;
}

static void write_name(
    struct header_writer *writer, const struct named_address *item)
{
	if (item->name.len == 0)
		return;
	if (!is_ascii(item->name))
		write_encoded(writer, item->name);
	else if (item->encoded || is_atoms(item->name))
		write_phrase_words(writer, item->name);
	else
		write_quoted(writer, item->name);
}

void header_write_addresses(
    struct buf *out, const char *name, const struct address_list *list)
{
	struct header_writer writer;
	struct buf path = buf_new(SIZE_MAX);
	bool fits = true;

	header_write_begin(&writer, out, name);
	for (size_t i = 0; i < list->count; i++) {
		const struct named_address *item = &list->items[i];

		write_name(&writer, item);
		buf_clear(&path);
		fits = fits &&
		       buf_printf(&path, item->name.len > 0 ? "<%s>%s" : "%s%s",
			   item->address, i + 1 < list->count ? "," : "");
		header_write_word(&writer, (struct slice){path.data, path.len});
	}
	assert(fits);
	header_write_end(&writer);
	buf_free(&path);
}

/* --- parameters ------------------------------------------------------- */

static bool fits_quoted(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.data[i] < ' ' ||
		    (unsigned char)value.data[i] >= 0x7f ||
		    value.data[i] == '"' || value.data[i] == '\\')
			return false;
	return value.len <= 60;
}

/* attr-char of RFC 2231. */
static bool is_plain_in_parameter(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$&+-.^_`{|}~", c) != NULL);
}

static size_t escape(char *to, unsigned char c)
{
	if (is_plain_in_parameter(c)) {
		to[0] = (char)c;
		return 1;
	}
	to[0] = '%';
	to[1] = hex_digits[c >> 4];
	to[2] = hex_digits[c & 15];
	return 3;
}

/* name*0*=UTF-8''...; name*1*=... (RFC 2231 sections 3 and 4) */
static void write_pieces(
    struct header_writer *writer, const char *name, struct slice value)
{
	char piece[COLUMNS + 32];
	size_t len, at = 0;

	for (int number = 0; at < value.len; number++) {
		len = (size_t)snprintf(piece, 48, "%s*%d*=%s", name, number,
		    number == 0 ? "UTF-8''" : "");
		while (at < value.len && len < COLUMNS - 6)
			len += escape(
			    piece + len, (unsigned char)value.data[at++]);
		put(writer, ";", 1);
		header_write_word(writer, (struct slice){piece, len});
	}
}

void header_write_parameter(
    struct header_writer *writer, const char *name, struct slice value)
{
	char text[128];
	int len;

	if (!fits_quoted(value)) {
		write_pieces(writer, name, value);
		return;
	}
	len = snprintf(text, sizeof(text), "%s=\"%.*s\"", name, (int)value.len,
	    value.data);
	put(writer, ";", 1);
	header_write_word(writer, (struct slice){text, (size_t)len});
}
