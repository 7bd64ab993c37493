#include "httpapi/framing.h"

#include "base/digit.h"
#include "bounds.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

void framing_open(struct framing *framing)
{
	*framing = (struct framing){.text = buf_new(LIMIT_HTTP_HEAD)};
}

void framing_close(struct framing *framing)
{
	buf_free(&framing->text);
}

void framing_next(struct framing *framing)
{
	struct buf text = framing->text;

	buf_clear(&text);
	*framing = (struct framing){.text = text};
}

bool framing_has_head(const struct framing *framing)
{
	return framing->state > FRAMING_HEAD;
}

static enum framing_result refuse(
    struct framing *framing, int status, const char *text)
{
	framing->fault = (struct fault){status, text};
	framing->state = FRAMING_BROKEN;
	return FRAMING_BAD;
}

static void pass(struct buf *out, const void *data, size_t len)
{
	bool fits = buf_append(out, data, len);

	assert(fits);
}

static enum framing_result whole(struct framing *framing)
{
	framing->state = FRAMING_WHOLE;
	return FRAMING_DONE;
}

/* --- the head --------------------------------------------------------- */

/* Cookies mean nothing to us, and the library would take each apart. */
static void pass_field(struct buf *out, struct slice line)
{
	size_t colon = slice_find(line, ':');
	struct slice value;

	if (slice_is(slice_first(line, colon), "cookie"))
		return;
	value = slice_trim(slice_from(line, colon + 1));
	pass(out, line.data, colon + 1);
	pass(out, value.data, value.len);
	pass(out, "\r\n", 2);
}

/* Without the blanks around values, which the library takes for a part of
 * them ("Content-Length: 1 "). The head is well-formed. */
static void pass_head(struct buf *out, struct slice text)
{
	struct slice line = slice_first(text, slice_find(text, '\n') + 1);

	pass(out, line.data, line.len);
	for (text = slice_from(text, line.len); text.len > 2;
	     text = slice_from(text, line.len)) {
		line = slice_first(text, slice_find(text, '\n') + 1);
		pass_field(out, line);
	}
	pass(out, "\r\n", 2);
}

static enum framing_result end_head(struct framing *framing, struct buf *out)
{
	struct slice text = {framing->text.data, framing->text.len};

	if (!head_parse(text, &framing->head, &framing->fault)) {
		framing->state = FRAMING_BROKEN;
		return FRAMING_BAD;
	}
	pass_head(out, text);
	framing->left = framing->head.length;
	if (framing->head.chunked)
		framing->state = FRAMING_CHUNK_SIZE;
	else if (framing->left > 0)
		framing->state = FRAMING_BODY;
	else
		return whole(framing);
	return FRAMING_MORE;
}

static bool ends_head(const struct buf *text)
{
	return text->len >= 4 &&
	       memcmp(text->data + text->len - 4, "\r\n\r\n", 4) == 0;
}

/* A CR and a LF stand only together. */
static bool breaks_line(char last, char c)
{
	return (c == '\n') != (last == '\r');
}

static enum framing_result read_head(
    struct framing *framing, char c, struct buf *out)
{
	char last = framing->last;

	framing->last = c;
	if (breaks_line(last, c))
		return refuse(framing, 400, "a CR or a LF stands alone");
	if (!buf_append_char(&framing->text, c))
		return refuse(framing, 431, "the header is too long");
	if (c != '\n')
		return FRAMING_MORE;
	/* RFC 9112 section 2.2: an empty line before a request is nothing. */
	if (framing->text.len == 2 && framing->state == FRAMING_FRESH) {
		buf_clear(&framing->text);
		framing->state = FRAMING_HEAD;
		return FRAMING_MORE;
	}
	if (framing->text.len == 2)
		return refuse(framing, 400, "the request line is empty");
	framing->state = FRAMING_HEAD;
	return ends_head(&framing->text) ? end_head(framing, out)
					 : FRAMING_MORE;
}

/* --- chunks (RFC 9112 section 7.1) ------------------------------------ */

static enum framing_result read_chunk_size(struct framing *framing, char c)
{
	int value = hex_digit(c);

	if (value >= 0 && framing->digits < LIMIT_HTTP_CHUNK_DIGITS) {
		framing->left = framing->left * 16 + (uint64_t)value;
		framing->digits++;
		return FRAMING_MORE;
	}
	if (framing->digits == 0 || (c != ';' && c != '\r'))
		return refuse(framing, 400, "a chunk's size is malformed");
	framing->state =
	    c == ';' ? FRAMING_CHUNK_EXTENSION : FRAMING_CHUNK_SIZE_END;
	return FRAMING_MORE;
}

/* Extensions mean nothing to us (RFC 9112 section 7.1.1) and go no further. */
static enum framing_result read_extension(struct framing *framing, char c)
{
	if (c == '\r') {
		framing->state = FRAMING_CHUNK_SIZE_END;
		return FRAMING_MORE;
	}
	if (((unsigned char)c < ' ' && c != '\t') || (unsigned char)c >= 0x7f ||
	    ++framing->extra > LIMIT_HTTP_EXTRA)
		return refuse(framing, 400, "a chunk's extension is malformed");
	return FRAMING_MORE;
}

static enum framing_result end_chunk_size(
    struct framing *framing, char c, struct buf *out)
{
	char line[32];
	int len;

	if (c != '\n')
		return refuse(framing, 400, "a CR or a LF stands alone");
	if (framing->left == 0) {
		framing->state = FRAMING_TRAILER;
		framing->line = 0;
		framing->last = '\n';
		return FRAMING_MORE;
	}
	len = snprintf(line, sizeof(line), "%" PRIx64 "\r\n", framing->left);
	pass(out, line, (size_t)len);
	framing->state = FRAMING_CHUNK_DATA;
	return FRAMING_MORE;
}

static enum framing_result end_chunk(
    struct framing *framing, char c, struct buf *out)
{
	if (c != (framing->line == 0 ? '\r' : '\n'))
		return refuse(framing, 400, "a chunk is longer than it says");
	if (framing->line++ == 0)
		return FRAMING_MORE;
	pass(out, "\r\n", 2);
	framing->state = FRAMING_CHUNK_SIZE;
	framing->digits = 0;
	framing->left = 0;
	return FRAMING_MORE;
}

static bool is_trailer_char(size_t at, char c)
{
	if (at == 0)
		return head_is_token_char(c);
	return (unsigned char)c >= ' ' || c == '\t';
}

/* Trailers are read, and go no further. */
static enum framing_result read_trailer(
    struct framing *framing, char c, struct buf *out)
{
	char last = framing->last;

	framing->last = c;
	if (breaks_line(last, c))
		return refuse(framing, 400, "a CR or a LF stands alone");
	if (++framing->extra > LIMIT_HTTP_EXTRA)
		return refuse(framing, 431, "the trailer is too long");
	if (c == '\n' && framing->line == 0) {
		pass(out, "0\r\n\r\n", 5);
		return whole(framing);
	}
	if (c == '\n')
		framing->line = 0;
	else if (c != '\r' && !is_trailer_char(framing->line++, c))
		return refuse(framing, 400, "a trailer line is malformed");
	return FRAMING_MORE;
}

/* --- all -------------------------------------------------------------- */

static enum framing_result read_data(
    struct framing *framing, struct slice *in, struct buf *out)
{
	size_t len = in->len;

	if (len > framing->left)
		len = (size_t)framing->left;
	pass(out, in->data, len);
	*in = slice_from(*in, len);
	framing->left -= len;
	framing->body += len;
	if (framing->left > 0)
		return FRAMING_MORE;
	if (framing->state == FRAMING_BODY)
		return whole(framing);
	framing->state = FRAMING_CHUNK_DATA_END;
	framing->line = 0;
	return FRAMING_MORE;
}

static enum framing_result read_byte(
    struct framing *framing, char c, struct buf *out)
{
	switch (framing->state) {
	case FRAMING_FRESH:
	case FRAMING_HEAD:
		return read_head(framing, c, out);
	case FRAMING_CHUNK_SIZE:
		return read_chunk_size(framing, c);
	case FRAMING_CHUNK_EXTENSION:
		return read_extension(framing, c);
	case FRAMING_CHUNK_SIZE_END:
		return end_chunk_size(framing, c, out);
	case FRAMING_CHUNK_DATA_END:
		return end_chunk(framing, c, out);
	case FRAMING_TRAILER:
		return read_trailer(framing, c, out);
	case FRAMING_BODY:
	case FRAMING_CHUNK_DATA:
	case FRAMING_WHOLE:
	case FRAMING_BROKEN:
		break;
	}
	assert(false); /* data is not read byte by byte */
	return FRAMING_BAD;
}

enum framing_result framing_read(
    struct framing *framing, struct slice *in, struct buf *out)
{
	enum framing_result result = FRAMING_MORE;
	char c;

	while (in->len > 0 && result == FRAMING_MORE) {
		if (framing->state == FRAMING_BODY ||
		    framing->state == FRAMING_CHUNK_DATA) {
			result = read_data(framing, in, out);
			continue;
		}
		c = in->data[0];
		*in = slice_from(*in, 1);
		result = read_byte(framing, c, out);
	}
	return result;
}
