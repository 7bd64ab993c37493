#include "mail/mime_read.h"

#include "base/errors.h"
#include "mail/filename.h"
#include "mail/transfer.h"
#include "mail/uuencode.h"

bool mime_see(struct window *window, const struct mime_part *part, uint64_t at,
    const char **data, size_t *len, bool *last, struct error *err)
{
	uint64_t left = part->end - at;
	size_t want = left < MIME_STEP ? (size_t)left : MIME_STEP, got;

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
		if (!mime_see(window, part, at, &data, &len, &last, err))
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
	struct buf decoded = buf_new(MIME_STEP);
	struct transfer transfer;
	uint64_t at = part->body;
	bool last = false, done = true;
	const char *data;
	size_t len = 0, used = 0;

	*size = 0;
	transfer_open(&transfer, part->encoding);
	while (!last && done) {
		done = mime_see(window, part, at, &data, &len, &last, err) &&
		       transfer_decode(
			   &transfer, data, len, last, &decoded, &used);
		at += used;
		*size += decoded.len;
		buf_clear(&decoded);
	}
	buf_free(&decoded);
	return done;
}

bool mime_measure(struct window *window, const struct mime_part *part,
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

bool mime_decode(struct window *window, const struct mime_part *part,
    struct buf *out, bool *fits, struct error *err)
{
	struct transfer transfer;
	uint64_t at = part->body;
	bool last = false;
	const char *data;
	size_t len = 0, used = 0;

	*fits = true;
	transfer_open(&transfer, part->encoding);
	while (!last && *fits) {
		if (!mime_see(window, part, at, &data, &len, &last, err))
			return false;
		*fits = transfer_decode(&transfer, data, len, last, out, &used);
		at += used;
	}
	return true;
}

/* --- files in uuencode ------------------------------------------------ */

bool mime_may_hold_files(const struct mime_part *part)
{
	return mime_is_shown(part) && mime_is_type(part, "text/plain") &&
	       part->encoding == TRANSFER_IDENTITY;
}

bool mime_find_files(struct window *window, const struct mime_part *text,
    struct arena *arena, struct mime_part **files, size_t *count,
    struct error *err)
{
	struct uuencoded *found;

	if (!uuencode_find(
		window, text->body, text->end, arena, &found, count, err))
		return false;
	*files = arena_zalloc(arena, (*count + 1) * sizeof(**files));
	for (size_t i = 0; i < *count; i++)
		(*files)[i] = (struct mime_part){.parent = MIME_ROOT,
		    .body = found[i].start,
		    .end = found[i].end,
		    .encoding = TRANSFER_UUENCODE,
		    .filename = filename_clean(slice_of(found[i].name), arena),
		    .type = "application/octet-stream",
		    .disposition = MIME_ATTACHMENT};
	return true;
}
