#include "mail/canonical.h"

#include <ctype.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* --- header fields ---------------------------------------------------- */

/* The field without its last line end. */
static struct slice without_end(struct slice field)
{
	if (field.len > 0 && field.data[field.len - 1] == '\n') {
		field.len--;
		if (field.len > 0 && field.data[field.len - 1] == '\r')
			field.len--;
	}
	return field;
}

static bool simple_field(struct slice field, struct buf *out)
{
	size_t line, text;

	for (field = without_end(field);; field = slice_from(field, line + 1)) {
		line = slice_find(field, '\n');
		if (line == field.len)
			break;
		text =
		    line > 0 && field.data[line - 1] == '\r' ? line - 1 : line;
		if (!buf_append(out, field.data, text) ||
		    !buf_append(out, "\r\n", 2))
			return false;
	}
	return buf_append(out, field.data, field.len) &&
	       buf_append(out, "\r\n", 2);
}

/* Copies the text with its folds undone and each run of blanks as one. Returns
 * the length, which is never more than before. */
static size_t squeeze(struct slice text, char *to)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c == '\n' ||
		    (c == '\r' && i + 1 < text.len && text.data[i + 1] == '\n'))
			continue;
		if (!is_blank(c))
			to[len++] = c;
		else if (len > 0 && to[len - 1] != ' ')
			to[len++] = ' ';
	}
	return len > 0 && to[len - 1] == ' ' ? len - 1 : len;
}

static bool relaxed_field(struct slice field, struct buf *out)
{
	size_t colon = slice_find(field, ':');
	char *room = buf_room(out, field.len + 3);
	size_t len = 0;

	if (room == NULL)
		return false;
	len = squeeze(slice_first(field, colon), room);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)room[i] < 0x80)
			room[i] = (char)tolower((unsigned char)room[i]);
	if (colon < field.len) {
		room[len++] = ':';
		len += squeeze(slice_from(field, colon + 1), room + len);
	}
	memcpy(room + len, "\r\n", 2);
	buf_added(out, len + 2);
	return true;
}

bool canonical_field(enum canonical kind, struct slice field, struct buf *out)
{
	return kind == CANONICAL_SIMPLE ? simple_field(field, out)
					: relaxed_field(field, out);
}

/* --- the body --------------------------------------------------------- */

static void flush(struct canonical_body *body)
{
	if (body->len > 0)
		body->sink(body->arg, body->room, body->len);
	body->len = 0;
}

static void put(struct canonical_body *body, const char *bytes, size_t len)
{
	if (len > CANONICAL_ROOM - body->len)
		flush(body);
	if (len > CANONICAL_ROOM) {
		body->sink(body->arg, bytes, len);
		return;
	}
	memcpy(body->room + body->len, bytes, len);
	body->len += len;
}

/* A character of the line is about to go out: what was held back counts. */
static void release(struct canonical_body *body)
{
	for (; body->empty_lines > 0; body->empty_lines--)
		put(body, "\r\n", 2);
	if (body->blank)
		put(body, " ", 1);
	body->blank = false;
	body->in_line = body->any = true;
}

static void end_line(struct canonical_body *body)
{
	body->blank = false;
	if (body->in_line)
		put(body, "\r\n", 2);
	else
		body->empty_lines++;
	body->in_line = false;
}

/* How many characters at the front need no thought. */
static size_t plain(const struct canonical_body *body, struct slice text)
{
	size_t len = 0;

	if (body->kind == CANONICAL_SIMPLE) {
		text.len = slice_find(text, '\n');
		return slice_find(text, '\r');
	}
	while (len < text.len && (unsigned char)text.data[len] > ' ')
		len++;
	return len;
}

static void put_special(struct canonical_body *body, char c)
{
	if (c == '\r') {
		body->cr = true;
	} else if (body->kind == CANONICAL_RELAXED && is_blank(c)) {
		body->blank = true;
	} else {
		release(body);
		put(body, &c, 1);
	}
}

static void put_cr(struct canonical_body *body)
{
	body->cr = false;
	release(body);
	put(body, "\r", 1);
}

void canonical_body_begin(struct canonical_body *body, enum canonical kind,
    canonical_sink_fn *sink, void *arg)
{
	body->kind = kind;
	body->sink = sink;
	body->arg = arg;
	body->empty_lines = 0;
	body->blank = body->cr = body->in_line = body->any = false;
	body->len = 0;
}

void canonical_body_write(
    struct canonical_body *body, const char *bytes, size_t len)
{
	struct slice rest = {bytes, len};

	while (rest.len > 0) {
		size_t step = plain(body, rest);

		if (body->cr && rest.data[0] != '\n')
			put_cr(body);
		if (step > 0) {
			release(body);
			put(body, rest.data, step);
			rest = slice_from(rest, step);
			continue;
		}
		if (rest.data[0] == '\n') {
			body->cr = false;
			end_line(body);
		} else {
			put_special(body, rest.data[0]);
		}
		rest = slice_from(rest, 1);
	}
}

void canonical_body_end(struct canonical_body *body)
{
	if (body->cr)
		put_cr(body);
	if (body->in_line)
		end_line(body);
	/* RFC 6376 sections 3.4.3 and 3.4.4: of nothing, simple makes one line
	 * end, and relaxed nothing. */
	if (!body->any && body->kind == CANONICAL_SIMPLE)
		put(body, "\r\n", 2);
	flush(body);
}
