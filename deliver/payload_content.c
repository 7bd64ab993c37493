#include "deliver/payload_content.h"

#include "base/errors.h"
#include "mail/mime_read.h"

#include <openssl/evp.h>

void content_open(struct content *content, const struct mime_part *part)
{
	content->part = part;
	content->at = part->body;
	content->copy = (struct transfer_copy){.count = 0};
	content->decoded = buf_new(MIME_STEP + 2);
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

	if (!mime_see(window, part, content->at, &data, &len, &last, err))
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
