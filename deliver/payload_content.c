#include "deliver/payload_content.h"

#include "base/errors.h"

#include <openssl/evp.h>

/* Bytes of the message per step: whole groups of three. */
#define STEP ((size_t)48 * 1024)

/* The next bytes of a part; *last if they are its last. */
static bool see_step(struct window *window, const struct mime_part *part,
    uint64_t at, const char **data, size_t *len, bool *last, struct error *err)
{
	uint64_t left = part->end - at;
	size_t want = left < STEP ? (size_t)left : STEP, got;

	if (!window_at(window, at, want, data, &got, err))
		return false;
	if (got < want)
		return error_set(err, ERROR_CORRUPT, "a message has shrunk");
	*len = want;
	*last = want == left;
	return true;
}

static bool measure_base64(struct window *window, const struct mime_part *part,
    uint64_t *size, struct error *err)
{
	uint64_t at = part->body, characters = 0;
	bool last = false, ended = false;
	const char *data;
	size_t len = 0;

	while (!last && !ended) {
		if (!see_step(window, part, at, &data, &len, &last, err))
			return false;
		characters += transfer_count_base64(data, len, &ended);
		at += len;
	}
	*size = transfer_decoded_size(characters);
	return true;
}

static bool measure_decoded(struct window *window, const struct mime_part *part,
    uint64_t *size, struct error *err)
{
	struct buf decoded = buf_new(STEP);
	struct transfer transfer;
	uint64_t at = part->body;
	bool last = false, done = true;
	const char *data;
	size_t len = 0, used = 0;

	*size = 0;
	transfer_open(&transfer, part->encoding);
	while (!last && done) {
		done = see_step(window, part, at, &data, &len, &last, err) &&
		       transfer_decode(
			   &transfer, data, len, last, &decoded, &used);
		at += used;
		*size += decoded.len;
		buf_clear(&decoded);
	}
	buf_free(&decoded);
	return done;
}

bool content_measure(struct window *window, const struct mime_part *part,
    uint64_t *size, struct error *err)
{
	switch (part->encoding) {
	case TRANSFER_IDENTITY:
		*size = part->end - part->body;
		return true;
	case TRANSFER_BASE64:
		return measure_base64(window, part, size, err);
	case TRANSFER_QUOTED_PRINTABLE:
	case TRANSFER_UUENCODE:
		return measure_decoded(window, part, size, err);
	}
	return false;
}

void content_open(struct content *content, const struct mime_part *part)
{
	content->part = part;
	content->at = part->body;
	content->copy = (struct transfer_copy){.count = 0};
	content->decoded = buf_new(STEP + 2);
	transfer_open(&content->transfer, part->encoding);
}

void content_close(struct content *content)
{
	buf_free(&content->decoded);
	content->part = NULL;
}

static bool encode(const char *data, size_t len, struct buf *out)
{
	size_t size = (size_t)transfer_encoded_size(len);
	char *room = buf_room(out, size);

	if (room == NULL)
		return false;
	if (len > 0)
		(void)EVP_EncodeBlock((unsigned char *)room,
		    (const unsigned char *)data, (int)len);
	buf_added(out, size);
	return true;
}

/* Decodes, and encodes what makes whole groups. */
static bool encode_decoded(struct content *content, const char *data,
    size_t len, bool last, struct buf *out, size_t *used)
{
	struct buf *decoded = &content->decoded;
	size_t whole;

	if (!transfer_decode(
		&content->transfer, data, len, last, decoded, used))
		return false;
	whole = last ? decoded->len : decoded->len / 3 * 3;
	if (!encode(buf_text(decoded), whole, out))
		return false;
	buf_consume(decoded, whole);
	return true;
}

bool content_next(struct content *content, struct window *window,
    struct buf *out, bool *more, struct error *err)
{
	const struct mime_part *part = content->part;
	bool last = false, fits = false;
	const char *data;
	size_t len = 0, used = 0;

	if (!see_step(window, part, content->at, &data, &len, &last, err))
		return false;
	used = len;
	switch (part->encoding) {
	case TRANSFER_IDENTITY:
		fits = encode(data, len, out);
		break;
	case TRANSFER_BASE64:
		fits =
		    transfer_copy_base64(&content->copy, data, len, last, out);
		last |= content->copy.ended;
		break;
	case TRANSFER_QUOTED_PRINTABLE:
	case TRANSFER_UUENCODE:
		fits = encode_decoded(content, data, len, last, out, &used);
		break;
	}
	content->at += used;
	*more = !last;
	return fits ? true : error_set(err, ERROR_LIMIT, "no room for a step");
}
