#include "deliver/payload_plan.h"

#include "base/alloc.h"
#include "base/json_text.h"
#include "base/utf8.h"
#include "bounds.h"
#include "deliver/payload_fields.h"
#include "mail/bounce.h"
#include "mail/filename.h"
#include "mail/header.h"
#include "mail/header_table.h"
#include "mail/mime_read.h"
#include "mail/raw_header.h"
#include "mail/uuencode.h"

#include <string.h>

/* Texts made of less are rendered at once. */
#define RENDER_MAX ((uint64_t)64 * 1024)
/* As much of the text, or of a part, as is searched for a bounce's signs. */
#define SAMPLE_MAX ((size_t)64 * 1024)

static struct segment *add_segment(
    struct payload *payload, enum segment_kind kind)
{
	struct segment *segment;

	if (payload->count == payload->room) {
		payload->room = payload->room == 0 ? 8 : payload->room * 2;
		payload->segments = xrealloc(payload->segments,
		    payload->room * sizeof(*payload->segments));
	}
	segment = &payload->segments[payload->count++];
	*segment = (struct segment){.kind = kind, .lead = "", .tail = ""};
	return segment;
}

/* What was appended to fixed since the last segment becomes one. */
static void close_fixed(struct payload *payload, size_t *start)
{
	struct segment *segment;

	if (payload->fixed.len == *start)
		return;
	segment = add_segment(payload, SEGMENT_FIXED);
	segment->rendered = true;
	segment->start = *start;
	segment->size = payload->fixed.len - *start;
	*start = payload->fixed.len;
}

/* A text of a small message goes into fixed, of a large one only its length
 * is found out. */
static bool plan_body(struct payload *payload, enum segment_kind kind,
    size_t *start, struct error *err)
{
	struct body *body =
	    kind == SEGMENT_TEXT ? &payload->text : &payload->html;
	struct segment segment = {.kind = kind, .lead = "\"", .tail = "\","};
	bool more = true;

	close_fixed(payload, start);
	segment.rendered = body_source_size(body) <= RENDER_MAX;
	segment.start = payload->fixed.len;
	payload_restart(payload, &segment);
	while (more) {
		buf_clear(&payload->out);
		if (!payload_step(payload, &segment, &more, err))
			return false;
		if (segment.rendered)
			(void)buf_append(&payload->fixed,
			    buf_text(&payload->out), payload->out.len);
		segment.size += payload->out.len;
	}
	*add_segment(payload, kind) = segment;
	*start = payload->fixed.len;
	return true;
}

static bool in_alternative(
    const struct mime *mime, const struct mime_part *part)
{
	size_t parent = part->parent;

	while (parent != MIME_ROOT) {
		part = &mime->parts[parent];
		if (mime_is_type(part, "multipart/alternative"))
			return true;
		parent = part->parent;
	}
	return false;
}

static bool is_html(const struct mime_part *part)
{
	return mime_is_type(part, "text/html");
}

/* A part that is shown: in the body of its kind, and unless an alternative
 * stands for it there, in the other one too. */
static void add_shown(struct payload *payload, const struct mime_part *part,
    bool any_text, bool any_html)
{
	bool both = !in_alternative(&payload->mime, part);

	if (is_html(part)) {
		body_add(&payload->html, BODY_TEXT, part);
		if (both || !any_text)
			body_add(&payload->text, BODY_HTML_TEXT, part);
		return;
	}
	body_add(&payload->text, BODY_TEXT, part);
	if (both && any_html)
		body_add(&payload->html, BODY_TEXT_HTML, part);
}

/* Which parts make text_body and html_body, in their order. Where all is
 * HTML, text is made of it. */
static void sort_texts(struct payload *payload)
{
	const struct mime *mime = &payload->mime;
	bool any_text = false, any_html = false;

	for (size_t i = 0; i < mime->count; i++) {
		if (!mime_is_shown(&mime->parts[i]))
			continue;
		any_html |= is_html(&mime->parts[i]);
		any_text |= !is_html(&mime->parts[i]);
	}
	for (size_t i = 0; i < mime->count; i++) {
		const struct mime_part *part = &mime->parts[i];

		if (mime_is_shown(part))
			add_shown(payload, part, any_text, any_html);
		else if (mime_is_type(part, "text/rfc822-headers"))
			body_add(&payload->text, BODY_TEXT, part);
	}
}

/* How long the content is. What is not encoded as it says is taken as it
 * stands. */
static bool measure(struct payload *payload, const struct mime_part **part,
    uint64_t *size, struct error *err)
{
	struct mime_part *plain;

	if (!mime_measure(&payload->window, *part, size, err))
		return false;
	if (*size > 0 || (*part)->encoding != TRANSFER_UUENCODE)
		return true;
	plain = arena_alloc(payload->arena, sizeof(*plain));
	*plain = **part;
	plain->encoding = TRANSFER_IDENTITY;
	*part = plain;
	return mime_measure(&payload->window, plain, size, err);
}

static bool plan_attachment(struct payload *payload,
    const struct mime_part *part, size_t index, bool include, size_t *start,
    struct error *err)
{
	struct buf *fixed = &payload->fixed;
	struct segment *segment;
	uint64_t size;

	if (!measure(payload, &part, &size, err))
		return false;
	if (index > 0)
		(void)buf_append_char(fixed, ',');
	(void)buf_append_char(fixed, '{');
	if (part->filename != NULL) {
		field_text(fixed, "filename", part->filename);
	} else {
		field_name(fixed, "filename");
		(void)buf_printf(fixed, "\"attachment_%zu\",", index);
	}
	field_text(fixed, "content_type", mime_media_type(part));
	field_number(fixed, "size", size);
	field_text(fixed, "content_id", part->content_id);
	field_name(fixed, "content");
	if (include) {
		close_fixed(payload, start);
		segment = add_segment(payload, SEGMENT_CONTENT);
		segment->lead = "\"";
		segment->tail = "\",";
		segment->size = transfer_encoded_size(size);
		segment->part = part;
	} else {
		(void)buf_append_text(fixed, "null,");
	}
	field_text(fixed, "encoding", "base64");
	field_number(fixed, "index", index);
	fixed->data[fixed->len - 1] = '}'; /* was a comma */
	return true;
}

/* The files in uuencode that a text has among its lines. They stay there too,
 * as they always have. */
static bool plan_uuencoded(struct payload *payload,
    const struct mime_part *text, bool include, size_t *index, size_t *start,
    struct error *err)
{
	struct mime_part *files;
	size_t count;

	if (!mime_find_files(
		&payload->window, text, payload->arena, &files, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!plan_attachment(
			payload, &files[i], (*index)++, include, start, err))
			return false;
	return true;
}

static bool plan_attachments(
    struct payload *payload, bool include, size_t *start, struct error *err)
{
	struct buf *fixed = &payload->fixed;
	const struct mime *mime = &payload->mime;
	size_t count = 0;
	bool done = true;

	field_name(fixed, "attachments");
	(void)buf_append_char(fixed, '[');
	for (size_t i = 0; i < mime->count && done; i++) {
		const struct mime_part *part = &mime->parts[i];

		if (mime_may_hold_files(part))
			done = plan_uuencoded(
			    payload, part, include, &count, start, err);
		else if (mime_is_attachment(part))
			done = plan_attachment(
			    payload, part, count++, include, start, err);
	}
	(void)buf_append(fixed, "],", 2);
	field_number(fixed, "attachment_count", count);
	field_bool(fixed, "has_attachments", count > 0);
	return done;
}

/* The beginning of a part, decoded. */
static bool sample_part(struct payload *payload, const struct mime_part *part,
    struct buf *out, struct error *err)
{
	uint64_t len = part->end - part->body;
	struct transfer transfer;
	const char *data;
	size_t got, used;

	if (len > SAMPLE_MAX)
		len = SAMPLE_MAX;
	if (!window_at(
		&payload->window, part->body, (size_t)len, &data, &got, err))
		return false;
	if (got > len)
		got = (size_t)len;
	transfer_open(&transfer, part->encoding);
	(void)transfer_decode(&transfer, data, got, true, out, &used);
	return true;
}

static bool is_status(const struct mime_part *part)
{
	return !part->multipart &&
	       (mime_is_type(part, "message/delivery-status") ||
		   mime_is_type(part, "message/global-delivery-status"));
}

static bool is_returned(const struct mime_part *part)
{
	return mime_is_type(part, "message/rfc822") ||
	       mime_is_type(part, "text/rfc822-headers") ||
	       mime_is_type(part, "message/global") ||
	       mime_is_type(part, "message/global-headers");
}

/* Of a message that was returned: its header's, not its text's. */
static void read_message_id(
    struct arena *arena, struct slice message, const char **message_id)
{
	struct buf id = buf_new(SAMPLE_MAX * UTF8_MAX);
	struct header_field field;
	size_t len, skip;

	if (raw_header_end(message, &len, &skip))
		message = slice_first(message, len);
	if (header_first(message, "message-id", &field) &&
	    header_unfold(field.value, &id))
		*message_id = arena_strndup(arena, buf_text(&id), id.len);
	buf_free(&id);
}

static bool read_status(struct payload *payload, struct bounce_status *status,
    const char **message_id, struct error *err)
{
	const struct mime *mime = &payload->mime;
	struct buf sample = buf_new(SAMPLE_MAX + TRANSFER_CUT);
	bool done = true;

	for (size_t i = 0; i < mime->count && done; i++) {
		const struct mime_part *part = &mime->parts[i];
		bool report = is_status(part) && !status->well_formed;

		if (!report && !(is_returned(part) && status->well_formed &&
				   *message_id == NULL))
			continue;
		buf_clear(&sample);
		done = sample_part(payload, part, &sample, err);
		struct slice text = {buf_text(&sample), sample.len};
		if (report)
			bounce_read_status(text, payload->arena, status);
		else
			read_message_id(payload->arena, text, message_id);
	}
	buf_free(&sample);
	return done;
}

/* The beginning of the text, as far as it matters for a bounce. */
static bool sample_text(
    struct payload *payload, struct buf *sample, struct error *err)
{
	bool more = true;

	body_rewind(&payload->text);
	while (more && sample->len < SAMPLE_MAX)
		if (!body_next(&payload->text, sample, &more, err))
			return false;
	return true;
}

/* A receipt for reading and a complaint are reports too, and no bounces. */
static bool is_delivery_report(const struct mime_part *root)
{
	const char *type = root->report_type;

	return mime_is_type(root, "multipart/report") &&
	       (type == NULL ||
		   (strcmp(type, "disposition-notification") != 0 &&
		       strcmp(type, "feedback-report") != 0));
}

static bool plan_bounce(struct payload *payload,
    const struct field_texts *texts, const struct envelope *envelope,
    struct error *err)
{
	const struct mime_part *root = &payload->mime.parts[0];
	struct buf sample = buf_new(SIZE_MAX / 2);
	struct bounce_status status = {0};
	struct bounce_signs signs = {.from = texts->from,
	    .subject = texts->subject,
	    .null_sender = envelope->sender[0] == '\0'};
	const char *message_id = NULL;
	bool done = read_status(payload, &status, &message_id, err);

	if (done && signs.null_sender && !status.well_formed)
		done = sample_text(payload, &sample, err);
	signs.text = (struct slice){buf_text(&sample), sample.len};
	signs.status_part = status.well_formed;
	signs.report = is_delivery_report(root);
	payload->bounce = bounce_is(&signs);
	field_bool(&payload->fixed, "is_bounce", payload->bounce);
	fields_bounce(
	    &payload->fixed, status.well_formed ? &status : NULL, message_id);
	buf_free(&sample);
	return done;
}

/* Whether the source is UTF-8, and how long it is as JSON text. */
static bool measure_raw(
    struct payload *payload, bool *valid, uint64_t *size, struct error *err)
{
	struct segment segment = {.kind = SEGMENT_RAW};
	bool more = true;

	*valid = true;
	*size = 0;
	payload_restart(payload, &segment);
	while (more && *valid) {
		const char *data;
		uint64_t at = payload->raw_at;
		size_t got;

		buf_clear(&payload->out);
		if (!payload_step(payload, &segment, &more, err))
			return false;
		if (!window_at(&payload->window, at,
			(size_t)(payload->raw_at - at), &data, &got, err))
			return false;
		*valid = utf8_valid(data, (size_t)(payload->raw_at - at));
		*size += payload->out.len;
	}
	return true;
}

static bool plan_raw(struct payload *payload, size_t *start, struct error *err)
{
	struct segment *segment;
	uint64_t size;
	bool valid;

	if (!measure_raw(payload, &valid, &size, err))
		return false;
	if (!valid)
		return true;
	close_fixed(payload, start);
	segment = add_segment(payload, SEGMENT_RAW);
	segment->lead = ",\"raw\":\"";
	segment->tail = "\"";
	segment->size = size;
	return true;
}

/* The header block of the message; it stays while the window moves. */
static bool read_block(
    struct payload *payload, struct slice *block, struct error *err)
{
	const struct mime_part *root = &payload->mime.parts[0];
	size_t len = root->body < LIMIT_HEADER_BLOCK ? (size_t)root->body
						     : LIMIT_HEADER_BLOCK;
	const char *data;
	size_t got;

	if (!window_at(&payload->window, 0, len, &data, &got, err))
		return false;
	*block = (struct slice){data, got < len ? got : len};
	if (payload->window.source.size > payload->window.capacity)
		block->data = arena_strndup(payload->arena, data, block->len);
	return true;
}

bool payload_plan(struct payload *payload, const struct envelope *envelope,
    const char *recipient, const struct payload_options *options,
    struct error *err)
{
	struct buf *fixed = &payload->fixed;
	struct header_table table;
	struct field_texts texts;
	struct slice block;
	size_t start = 0;

	if (!mime_parse(&payload->window, options->max_parts, payload->arena,
		&payload->mime, err) ||
	    !read_block(payload, &block, err))
		return false;
	header_table_build(&table, block, payload->arena);
	texts = fields_decode(&table, envelope, recipient, payload->arena);
	(void)buf_append_char(fixed, '{');
	fields_addresses(fixed, &texts, envelope, recipient);
	sort_texts(payload);
	if (options->include_body) {
		field_name(fixed, "text_body");
		if (!plan_body(payload, SEGMENT_TEXT, &start, err))
			return false;
		field_name(fixed, "html_body");
		if (!plan_body(payload, SEGMENT_HTML, &start, err))
			return false;
	} else {
		field_text(fixed, "text_body", "");
		field_text(fixed, "html_body", "");
	}
	fields_headers(fixed, &table, options->include_headers);
	if (!plan_attachments(
		payload, options->include_attachments, &start, err))
		return false;
	field_number(fixed, "size", payload->window.source.size);
	fields_spam(fixed, &table, envelope, options->trust_spam_headers);
	if (!plan_bounce(payload, &texts, envelope, err))
		return false;
	fields_checks(fixed, envelope);
	if (options->include_raw && !plan_raw(payload, &start, err))
		return false;
	(void)buf_append_char(fixed, '}');
	close_fixed(payload, &start);
	return true;
}
