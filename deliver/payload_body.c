#include "deliver/payload_body.h"

#include "base/alloc.h"
#include "base/errors.h"
#include "bounds.h"
#include "mail/html_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the message that go through all stages at once. */
#define STEP ((size_t)16 * 1024)
#define NO_LIMIT (SIZE_MAX / 2)

void body_open(struct body *body, struct window *window, const char *separator)
{
	*body = (struct body){.window = window,
	    .separator = separator,
	    .raw = buf_new(NO_LIMIT),
	    .text = buf_new(NO_LIMIT),
	    .flat = buf_new(NO_LIMIT)};
}

static void close_item(struct body *body)
{
	if (!body->open)
		return;
	charset_close(&body->charset);
	text_html_close(&body->text_html);
	buf_clear(&body->raw);
	buf_clear(&body->text);
	body->open = false;
}

void body_close(struct body *body)
{
	close_item(body);
	free(body->items);
	buf_free(&body->raw);
	buf_free(&body->text);
	buf_free(&body->flat);
	*body = (struct body){0};
}

void body_add(
    struct body *body, enum body_kind kind, const struct mime_part *part)
{
	if (body->count == body->size) {
		body->size = body->size == 0 ? 2 : body->size * 2;
		body->items =
		    xrealloc(body->items, body->size * sizeof(*body->items));
	}
	body->items[body->count++] =
	    (struct body_item){.kind = kind, .part = part};
}

uint64_t body_source_size(const struct body *body)
{
	uint64_t size = 0;

	for (size_t i = 0; i < body->count; i++)
		size += body->items[i].part->end - body->items[i].part->body;
	return size;
}

void body_rewind(struct body *body)
{
	close_item(body);
	body->current = 0;
	body->before = false;
}

static void open_item(struct body *body)
{
	const struct mime_part *part = body->items[body->current].part;

	transfer_open(&body->transfer, part->encoding);
	charset_open(&body->charset, slice_of(part->charset), CHARSET_BODY);
	flowed_open(&body->flowed, part->delsp);
	text_html_open(&body->text_html);
	body->at = part->body;
	body->cr = false;
	body->any = false;
	body->open = true;
}

/* Turns CRLF into LF in what was appended to the text since `start`. A CR at
 * the end waits for what follows it. */
static void unite_line_ends(struct body *body, size_t start, bool last)
{
	char *s = body->text.data, *cr;
	size_t len = body->text.len, to = start, from = start, run;

	while (from < len) {
		cr = memchr(s + from, '\r', len - from);
		run = (cr == NULL ? len : (size_t)(cr - s)) - from;
		memmove(s + to, s + from, run);
		to += run;
		from += run;
		if (cr == NULL)
			break;
		from++;
		if (from == len && !last)
			body->cr = true;
		else if (from == len || s[from] != '\n')
			s[to++] = '\r';
	}
	body->text.len = to;
	if (s != NULL)
		s[to] = '\0';
}

static bool too_long(struct error *err)
{
	return error_set(err, ERROR_LIMIT, "a text is too long");
}

/* Decodes one step of the part, behind what is left in body->text; *last is
 * set at its end. */
static bool decode_step(struct body *body, bool *last, struct error *err)
{
	const struct mime_part *part = body->items[body->current].part;
	uint64_t left = part->end - body->at;
	size_t want = left < STEP ? (size_t)left : STEP, got, used;
	size_t start = body->text.len;
	const char *data;

	if (!window_at(body->window, body->at, want, &data, &got, err))
		return false;
	if (got < want)
		return error_set(err, ERROR_CORRUPT, "a message has shrunk");
	*last = want == left;
	if (!transfer_decode(
		&body->transfer, data, want, *last, &body->raw, &used))
		return too_long(err);
	body->at += used;
	if (body->cr)
		(void)buf_append_char(&body->text, '\r');
	body->cr = false;
	if (!charset_decode(&body->charset, buf_text(&body->raw), body->raw.len,
		*last, &body->text, &used))
		return too_long(err);
	buf_consume(&body->raw, used);
	unite_line_ends(body, start, *last);
	return true;
}

/* Text comes out of this item: what stands before it. */
static bool begin_output(struct body *body, struct buf *out)
{
	bool fits = true;

	if (body->any)
		return true;
	if (body->before)
		fits = buf_append_text(out, body->separator);
	if (body->items[body->current].kind == BODY_TEXT_HTML && fits)
		fits = buf_append_text(out, "<p>");
	body->any = true;
	body->before = true;
	return fits;
}

static bool append_text(
    struct body *body, struct slice text, bool last, struct buf *out)
{
	if (text.len > 0 && !begin_output(body, out))
		return false;
	if (!body->any)
		return true;
	if (body->items[body->current].kind == BODY_TEXT_HTML)
		return text_html_write(
		    &body->text_html, text.data, text.len, last, out);
	return buf_append(out, text.data, text.len);
}

/* What was decoded, unflowed where that is asked for: *used says how much of
 * it. False if it grows too long. */
static bool unflow(
    struct body *body, bool last, struct slice *text, size_t *used)
{
	*text = (struct slice){buf_text(&body->text), body->text.len};
	*used = text->len;
	if (!body->items[body->current].part->flowed)
		return true;
	buf_clear(&body->flat);
	if (!flowed_decode(
		&body->flowed, text->data, text->len, last, &body->flat, used))
		return false;
	*text = (struct slice){buf_text(&body->flat), body->flat.len};
	return true;
}

/* The step's text. */
static bool append_step(struct body *body, bool last, struct buf *out)
{
	struct slice text;
	size_t used;

	if (!unflow(body, last, &text, &used) ||
	    !append_text(body, text, last, out))
		return false;
	buf_consume(&body->text, used);
	return true;
}

/* The whole part, as far as text is made of HTML. */
static bool append_html_text(
    struct body *body, struct buf *out, struct error *err)
{
	struct buf text = buf_new(LIMIT_HTML_TEXT);
	bool last = false, fits = true;
	struct slice html;
	size_t used;

	while (!last && body->text.len < LIMIT_HTML_INPUT)
		if (!decode_step(body, &last, err))
			return false;
	if (!unflow(body, true, &html, &used))
		return too_long(err);
	if (html.len > 0) {
		(void)html_text(html, &text);
		fits = begin_output(body, out) &&
		       buf_append(out, buf_text(&text), text.len);
	}
	buf_clear(&body->text);
	buf_free(&text);
	return fits ? true : too_long(err);
}

bool body_next(
    struct body *body, struct buf *out, bool *more, struct error *err)
{
	bool last = true;

	*more = body->current < body->count;
	if (!*more)
		return true;
	if (!body->open)
		open_item(body);
	if (body->items[body->current].kind == BODY_HTML_TEXT) {
		if (!append_html_text(body, out, err))
			return false;
	} else {
		if (!decode_step(body, &last, err))
			return false;
		if (!append_step(body, last, out))
			return too_long(err);
	}
	if (last) {
		close_item(body);
		body->current++;
	}
	*more = body->current < body->count;
	return true;
}
