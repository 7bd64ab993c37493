#include "deliver/payload.h"

#include "base/alloc.h"
#include "base/errors.h"
#include "base/json_text.h"
#include "bounds.h"
#include "deliver/payload_plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NO_LIMIT (SIZE_MAX / 2)
/* Bytes of the source that are escaped for `raw` at once. */
#define RAW_STEP ((size_t)48 * 1024)
/* A text that was refused though it fitted is halved, down to this. */
#define TEXT_LEAST 64
#define TEXT_CUT_TAIL "\",\"body_truncated\":true,"

bool payload_new(const struct source *source, const struct envelope *envelope,
    unsigned recipient_number, const struct payload_options *options,
    struct payload **payload, struct error *err)
{
	struct payload *new = xcalloc(1, sizeof(*new));

	assert(recipient_number < envelope->recipient_count);
	new->arena = arena_new();
	new->fixed = buf_new(NO_LIMIT);
	new->scratch = buf_new(NO_LIMIT);
	new->out = buf_new(NO_LIMIT);
	window_open(&new->window, source, LIMIT_MIME_WINDOW);
	body_open(&new->text, &new->window, "\n");
	body_open(&new->html, &new->window, "<br/>\n");
	if (!payload_plan(new, envelope,
		envelope->recipients[recipient_number].address, options, err)) {
		payload_free(&new);
		return false;
	}
	payload_rewind(new);
	new->max_bytes = options->max_bytes;
	while (new->max_bytes > 0 && payload_size(new) > new->max_bytes &&
	       payload_reduce(new))
		;
	*payload = new;
	return true;
}

void payload_free(struct payload **payload)
{
	struct payload *old = *payload;

	if (old == NULL)
		return;
	body_close(&old->text);
	body_close(&old->html);
	content_close(&old->content);
	window_close(&old->window);
	free(old->segments);
	buf_free(&old->fixed);
	buf_free(&old->scratch);
	buf_free(&old->out);
	arena_free(&old->arena);
	free(old);
	*payload = NULL;
}

static uint64_t segment_size(const struct segment *segment)
{
	return strlen(segment->lead) + segment->size + strlen(segment->tail);
}

uint64_t payload_size(const struct payload *payload)
{
	uint64_t size = 0;

	for (size_t i = 0; i < payload->count; i++)
		size += segment_size(&payload->segments[i]);
	return size;
}

bool payload_is_bounce(const struct payload *payload)
{
	return payload->bounce;
}

bool payload_is_reduced(const struct payload *payload)
{
	for (size_t i = 0; i < payload->count; i++)
		if (payload->segments[i].reduced)
			return true;
	return false;
}

void payload_rewind(struct payload *payload)
{
	payload->current = 0;
	payload->phase = PHASE_LEAD;
	payload->piece_len = 0;
}

static bool leave_out(struct segment *segment, const char *tail)
{
	segment->lead = "";
	segment->tail = tail;
	segment->size = 0;
	segment->reduced = true;
	return true;
}

static struct segment *find_whole(
    struct payload *payload, enum segment_kind kind)
{
	struct segment *largest = NULL;

	for (size_t i = 0; i < payload->count; i++) {
		struct segment *segment = &payload->segments[i];

		if (segment->kind == kind && !segment->reduced &&
		    (largest == NULL || segment->size > largest->size))
			largest = segment;
	}
	return largest;
}

/* How much of a text is at most `max` bytes; the whole if it cannot be read
 * (then reading it fails later, with the reason). */
static uint64_t measure_cut(
    struct payload *payload, const struct segment *segment, uint64_t max)
{
	uint64_t size = 0;
	bool more = true;
	size_t left;

	if (segment->rendered)
		return payload_cut(payload->fixed.data + segment->start,
		    (size_t)segment->size, (size_t)max);
	payload_restart(payload, segment);
	while (more) {
		buf_clear(&payload->out);
		if (!payload_step(payload, segment, &more, NULL))
			return segment->size;
		left = (size_t)(max - size);
		if (payload->out.len > left)
			return size + payload_cut(payload->out.data,
					  payload->out.len, left);
		size += payload->out.len;
	}
	return size;
}

/* Cuts the text so that the payload fits, or, if it does already and was
 * still too large for somebody, by half. */
static bool cut_text(struct payload *payload, struct segment *segment)
{
	uint64_t size = payload_size(payload), max = segment->size / 2, over;

	if (payload->max_bytes > 0 && size > payload->max_bytes) {
		over = size - payload->max_bytes + strlen(TEXT_CUT_TAIL) -
		       strlen(segment->tail);
		max = over < segment->size ? segment->size - over : 0;
	} else if (segment->size < TEXT_LEAST) {
		max = 0;
	}
	segment->size = measure_cut(payload, segment, max);
	segment->tail = TEXT_CUT_TAIL;
	segment->reduced = true;
	return true;
}

static struct segment *find_text(struct payload *payload)
{
	for (size_t i = 0; i < payload->count; i++)
		if (payload->segments[i].kind == SEGMENT_TEXT &&
		    payload->segments[i].size > 0)
			return &payload->segments[i];
	return NULL;
}

static bool reduce(struct payload *payload)
{
	struct segment *segment = find_whole(payload, SEGMENT_RAW);

	if (segment != NULL)
		return leave_out(segment, "");
	segment = find_whole(payload, SEGMENT_CONTENT);
	if (segment != NULL)
		return leave_out(segment, "null,\"content_omitted\":true,");
	segment = find_whole(payload, SEGMENT_HTML);
	if (segment != NULL && segment->size > 0)
		return leave_out(segment, "\"\",\"html_omitted\":true,");
	segment = find_text(payload);
	return segment != NULL && cut_text(payload, segment);
}

bool payload_reduce(struct payload *payload)
{
	bool reduced = reduce(payload);

	payload_rewind(payload);
	return reduced;
}

void payload_restart(struct payload *payload, const struct segment *segment)
{
	payload->produced = 0;
	switch (segment->kind) {
	case SEGMENT_FIXED:
		break;
	case SEGMENT_TEXT:
		body_rewind(&payload->text);
		break;
	case SEGMENT_HTML:
		body_rewind(&payload->html);
		break;
	case SEGMENT_CONTENT:
		content_close(&payload->content);
		content_open(&payload->content, segment->part);
		break;
	case SEGMENT_RAW:
		payload->raw_at = 0;
		break;
	}
}

static bool text_step(
    struct payload *payload, struct body *body, bool *more, struct error *err)
{
	size_t used;

	buf_clear(&payload->scratch);
	return body_next(body, &payload->scratch, more, err) &&
	       json_text_append_part(&payload->out, buf_text(&payload->scratch),
		   payload->scratch.len, true, &used);
}

static bool raw_step(struct payload *payload, bool *more, struct error *err)
{
	uint64_t left = payload->window.source.size - payload->raw_at;
	size_t want = left < RAW_STEP ? (size_t)left : RAW_STEP, got, used;
	const char *data;

	if (!window_at(
		&payload->window, payload->raw_at, want, &data, &got, err))
		return false;
	if (got > want)
		got = want;
	*more = want < left;
	if (!json_text_append_part(&payload->out, data, got, !*more, &used))
		return false;
	payload->raw_at += used;
	return true;
}

bool payload_step(struct payload *payload, const struct segment *segment,
    bool *more, struct error *err)
{
	switch (segment->kind) {
	case SEGMENT_FIXED:
		break;
	case SEGMENT_TEXT:
		return text_step(payload, &payload->text, more, err);
	case SEGMENT_HTML:
		return text_step(payload, &payload->html, more, err);
	case SEGMENT_CONTENT:
		return content_next(&payload->content, &payload->window,
		    &payload->out, more, err);
	case SEGMENT_RAW:
		return raw_step(payload, more, err);
	}
	*more = false;
	return true;
}

size_t payload_cut(const char *escaped, size_t len, size_t max)
{
	size_t at = 0, next = 0;

	if (len <= max)
		return len;
	while (next <= max) {
		at = next;
		if (escaped[at] == '\\')
			next += escaped[at + 1] == 'u' ? 6 : 2;
		else
			for (next++;
			     ((unsigned char)escaped[next] & 0xC0) == 0x80;
			     next++)
				;
	}
	return at;
}

/* The next piece of a body: a range of fixed, or one step. */
static bool next_of_body(
    struct payload *payload, const struct segment *segment, struct error *err)
{
	uint64_t left = segment->size - payload->produced;
	bool more = true;

	if (segment->rendered) {
		payload->piece = payload->fixed.data + segment->start;
		payload->piece_len = (size_t)left;
		payload->produced = segment->size;
		return true;
	}
	buf_clear(&payload->out);
	while (payload->out.len == 0 && more)
		if (!payload_step(payload, segment, &more, err))
			return false;
	if (payload->out.len == 0)
		return error_set(
		    err, ERROR_CORRUPT, "a message is not what it was");
	payload->piece = payload->out.data;
	payload->piece_len =
	    payload->out.len < left ? payload->out.len : (size_t)left;
	payload->produced += payload->piece_len;
	return true;
}

static void set_piece(struct payload *payload, const char *text)
{
	payload->piece = text;
	payload->piece_len = strlen(text);
}

/* Finds what comes next; at the end nothing does. */
static bool next_piece(struct payload *payload, struct error *err)
{
	while (payload->piece_len == 0 && payload->current < payload->count) {
		const struct segment *segment =
		    &payload->segments[payload->current];

		switch (payload->phase) {
		case PHASE_LEAD:
			payload_restart(payload, segment);
			set_piece(payload, segment->lead);
			payload->phase = PHASE_BODY;
			break;
		case PHASE_BODY:
			if (payload->produced == segment->size)
				payload->phase = PHASE_TAIL;
			else if (!next_of_body(payload, segment, err))
				return false;
			break;
		case PHASE_TAIL:
			set_piece(payload, segment->tail);
			payload->phase = PHASE_LEAD;
			payload->current++;
			break;
		}
	}
	return true;
}

bool payload_read(struct payload *payload, void *data, size_t len, size_t *got,
    struct error *err)
{
	char *to = data;
	size_t take;

	*got = 0;
	while (*got < len) {
		if (!next_piece(payload, err))
			return false;
		if (payload->piece_len == 0)
			break;
		take = len - *got < payload->piece_len ? len - *got
						       : payload->piece_len;
		memcpy(to + *got, payload->piece, take);
		payload->piece += take;
		payload->piece_len -= take;
		*got += take;
	}
	return true;
}
