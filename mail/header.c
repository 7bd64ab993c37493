#include "mail/header.h"

#include "base/utf8.h"
#include "mail/encoded_word.h"

#include <stdint.h>
#include <string.h>

/* Where the line ends: behind its LF, or at the end. */
static size_t line_len(struct slice text)
{
	size_t at = slice_find(text, '\n');

	return at < text.len ? at + 1 : at;
}

static bool begins_with_blank(struct slice text)
{
	return text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t');
}

/* RFC 5322 section 3.6.8: printable, without blanks. Bytes over 0x7F are let
 * through: they are wrong, and not worth losing the field. */
static bool is_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.data[i];

		if (c <= ' ' || c == 0x7F)
			return false;
	}
	return name.len > 0;
}

bool header_is_field(struct slice line)
{
	size_t colon = slice_find(line, ':');

	return colon < line.len && !begins_with_blank(line) &&
	       is_name(slice_trim(slice_first(line, colon)));
}

bool header_next(struct slice *block, struct header_field *field)
{
	struct slice line;
	size_t len, colon;

	while (block->len > 0) {
		len = line_len(*block);
		while (begins_with_blank(slice_from(*block, len)))
			len += line_len(slice_from(*block, len));
		line = slice_first(*block, len);
		*block = slice_from(*block, len);
		if (!header_is_field(line))
			continue;
		colon = slice_find(line, ':');
		field->name = slice_trim(slice_first(line, colon));
		field->value = slice_trim(slice_from(line, colon + 1));
		return true;
	}
	return false;
}

bool header_first(
    struct slice block, const char *name, struct header_field *field)
{
	while (header_next(&block, field))
		if (slice_is(field->name, name))
			return true;
	return false;
}

bool header_is_structured(struct slice name)
{
	static const char *const names[] = {"content-type",
	    "content-disposition", "content-transfer-encoding", "content-id",
	    "mime-version", "date", "resent-date", "received", "return-path",
	    "message-id", "resent-message-id", "dkim-signature",
	    "domainkey-signature", "x-google-dkim-signature",
	    "authentication-results", "received-spf", "autocrypt"};

	if (slice_starts(name, "arc-"))
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_is(name, names[i]))
			return true;
	return false;
}

/* Where the next CR or LF is. */
static size_t find_break(struct slice text)
{
	text.len = slice_find(text, '\n');
	return slice_find(text, '\r');
}

/* Past a line end of any kind and the blanks behind it. */
static struct slice skip_fold(struct slice text)
{
	if (text.len > 1 && text.data[0] == '\r' && text.data[1] == '\n')
		text = slice_from(text, 2);
	else
		text = slice_from(text, 1);
	while (begins_with_blank(text))
		text = slice_from(text, 1);
	return text;
}

bool header_unfold_bytes(struct slice value, struct buf *out)
{
	size_t len;

	value = slice_trim(value);
	for (;;) {
		len = find_break(value);
		if (!buf_append(out, value.data, len))
			return false;
		value = slice_from(value, len);
		if (value.len == 0)
			return true;
		value = skip_fold(value);
		if (!buf_append_char(out, ' '))
			return false;
	}
}

/* Replaces what was appended since `start` by what `decode` makes of it. */
static bool redo(struct buf *out, size_t start,
    bool (*decode)(struct slice text, struct buf *out))
{
	struct buf copy = buf_new(SIZE_MAX / 2);
	bool done;

	(void)buf_append(&copy, out->data + start, out->len - start);
	out->len = start;
	done = decode((struct slice){copy.data, copy.len}, out);
	buf_free(&copy);
	return done;
}

static bool clean(struct slice text, struct buf *out)
{
	size_t used;

	return utf8_append_clean(out, text.data, text.len, true, &used);
}

bool header_unfold(struct slice value, struct buf *out)
{
	size_t start = out->len;

	if (!header_unfold_bytes(value, out))
		return false;
	if (utf8_valid(buf_text(out) + start, out->len - start))
		return true;
	return redo(out, start, clean);
}

bool header_decode(struct slice value, struct buf *out)
{
	size_t start = out->len;

	if (!header_unfold_bytes(value, out))
		return false;
	if (memmem(buf_text(out) + start, out->len - start, "=?", 2) != NULL)
		return redo(out, start, encoded_words_decode);
	if (utf8_valid(buf_text(out) + start, out->len - start))
		return true;
	return redo(out, start, clean);
}
