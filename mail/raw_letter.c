#include "mail/raw_letter.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/errors.h"
#include "mail/header.h"
#include "mail/header_write.h"
#include "mail/transfer.h"

#include <string.h>

#define PIECE ((size_t)16 * 1024)

struct raw {
	const struct raw_letter *letter;
	const struct body_sink *sink;
	struct arena *arena;
	struct raw_found *found;
	struct error *err;
	struct buf header; /* until its end was found */
	struct buf out;
	bool in_body;
	bool after_cr;
	bool line_empty; /* nothing was on this line so far */
};

/* Nothing of these goes out: the first two are for nobody else's eyes, the
 * third is written by who delivers. */
static bool is_forbidden(struct slice name)
{
	return slice_is(name, "bcc") || slice_is(name, "resent-bcc") ||
	       slice_is(name, "return-path");
}

/* --- the header ------------------------------------------------------- */

struct missing {
	bool from, date, message_id;
};

/* "<id>" without the brackets. */
static const char *bare_id(struct slice value, struct arena *arena)
{
	value = slice_trim(value);
	if (value.len < 3 || value.data[0] != '<' ||
	    value.data[value.len - 1] != '>')
		return NULL;
	return arena_strndup(arena, value.data + 1, value.len - 2);
}

static bool note_field(
    struct raw *raw, const struct header_field *field, struct missing *missing)
{
	if (slice_is(field->name, "from"))
		missing->from = false;
	if (slice_is(field->name, "date"))
		missing->date = false;
	if (slice_is(field->name, "message-id")) {
		missing->message_id = false;
		raw->found->message_id = bare_id(field->value, raw->arena);
	}
	return slice_is(field->name, "received");
}

static bool keep_field(struct raw *raw, const struct header_field *field)
{
	const char *end = field->value.data + field->value.len;

	return buf_append(&raw->out, field->name.data,
		   (size_t)(end - field->name.data)) &&
	       (end[-1] == '\n' || buf_append(&raw->out, "\r\n", 2));
}

static bool add_missing(struct raw *raw, const struct missing *missing)
{
	const struct raw_letter *letter = raw->letter;
	char date[CLOCK_MAIL_SIZE];

	clock_format_mail(letter->date_ms, date);
	if (missing->from &&
	    !buf_printf(&raw->out, "From: %s\r\n", letter->from))
		return false;
	if (missing->date && !buf_printf(&raw->out, "Date: %s\r\n", date))
		return false;
	if (!missing->message_id)
		return true;
	raw->found->message_id =
	    bare_id(slice_of(letter->message_id), raw->arena);
	return buf_printf(&raw->out, "Message-ID: %s\r\n", letter->message_id);
}

static bool write_header(struct raw *raw)
{
	struct slice block = {raw->header.data, raw->header.len};
	struct missing missing = {true, true, true};
	struct header_field field;
	unsigned fields = 0, received = 0;

	while (header_next(&block, &field)) {
		fields++;
		received += note_field(raw, &field, &missing);
		if (!is_forbidden(field.name) && !keep_field(raw, &field))
			return false;
	}
	if (fields == 0)
		return error_set(raw->err, ERROR_PERMANENT, "has no header");
	if (fields > raw->letter->max_header_lines)
		return error_set(raw->err, ERROR_LIMIT,
		    "has more than %u header lines",
		    raw->letter->max_header_lines);
	if (received > raw->letter->max_received)
		return error_set(raw->err, ERROR_PERMANENT,
		    "has more than %u Received lines: it loops",
		    raw->letter->max_received);
	return add_missing(raw, &missing) && buf_append(&raw->out, "\r\n", 2);
}

/* --- lines ------------------------------------------------------------ */

static bool end_header(struct raw *raw)
{
	raw->in_body = true;
	return write_header(raw);
}

static bool end_line(struct raw *raw)
{
	if (raw->in_body)
		return buf_append(&raw->out, "\r\n", 2);
	if (raw->line_empty)
		return end_header(raw);
	raw->line_empty = true;
	return buf_append(&raw->header, "\r\n", 2) ||
	       error_set(raw->err, ERROR_LIMIT, "has too long a header");
}

static bool put(struct raw *raw, char c)
{
	raw->found->eight_bit |= (unsigned char)c >= 0x80;
	if (raw->in_body)
		return buf_append_char(&raw->out, c);
	raw->line_empty = false;
	return buf_append_char(&raw->header, c) ||
	       error_set(raw->err, ERROR_LIMIT, "has too long a header");
}

static bool flush(struct raw *raw)
{
	bool done =
	    raw->out.len == 0 || raw->sink->write(raw->sink->arg, raw->out.data,
				     raw->out.len, raw->err);

	buf_clear(&raw->out);
	return done;
}

static bool read_piece(struct raw *raw, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = data[i];
		bool done = true;

		if (c == '\r' || (c == '\n' && !raw->after_cr))
			done = end_line(raw);
		else if (c != '\n')
			done = put(raw, c);
		raw->after_cr = c == '\r';
		if (!done)
			return false;
	}
	return flush(raw);
}

static bool finish(struct raw *raw)
{
	if (!raw->in_body) {
		if (!raw->line_empty && !end_line(raw))
			return false;
		if (!end_header(raw))
			return false;
	}
	return flush(raw);
}

/* --- all -------------------------------------------------------------- */

/* The source, decoded if need be, piece by piece. */
static bool read_source(struct raw *raw)
{
	const struct source *source = &raw->letter->source;
	struct transfer transfer;
	struct buf plain = buf_new(SIZE_MAX);
	char piece[PIECE];
	uint64_t offset = 0;
	size_t got, used;
	bool done = true;

	transfer_open(&transfer,
	    raw->letter->base64 ? TRANSFER_BASE64 : TRANSFER_IDENTITY);
	while (done && offset < source->size) {
		done = source_read(
		    source, offset, piece, sizeof(piece), &got, raw->err);
		if (!done)
			break;
		buf_clear(&plain);
		offset += got;
		done = transfer_decode(&transfer, piece, got,
			   offset == source->size, &plain, &used) &&
		       read_piece(raw, buf_text(&plain), plain.len);
		offset -= got - used;
	}
	buf_free(&plain);
	return done;
}

bool raw_letter_write(const struct raw_letter *letter,
    const struct body_sink *sink, struct arena *arena, struct raw_found *found,
    struct error *err)
{
	struct raw raw = {
	    .letter = letter,
	    .sink = sink,
	    .arena = arena,
	    .found = found,
	    .err = err,
	    .header = buf_new(letter->max_header_bytes),
	    .out = buf_new(SIZE_MAX),
	    .line_empty = true,
	};
	bool done;

	*found = (struct raw_found){0};
	done = read_source(&raw) && finish(&raw);
	buf_free(&raw.header);
	buf_free(&raw.out);
	return done;
}
