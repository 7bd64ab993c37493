/* The parts of a message: each inside its parent, in order, none lost; and
 * each decodes to the same whole and in pieces, to UTF-8 where it is text. */
#include "base/utf8.h"
#include "base/window.h"
#include "bounds.h"
#include "mail/charset.h"
#include "mail/flowed.h"
#include "mail/mime.h"
#include "mail/uuencode.h"
#include "pieces.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_PARTS 100

static bool transfer_stage(void *arg, const char *in, size_t len, bool last,
    struct buf *out, size_t *used)
{
	return transfer_decode(arg, in, len, last, out, used);
}

static bool charset_stage(void *arg, const char *in, size_t len, bool last,
    struct buf *out, size_t *used)
{
	return charset_decode(arg, in, len, last, out, used);
}

static bool flowed_stage(void *arg, const char *in, size_t len, bool last,
    struct buf *out, size_t *used)
{
	return flowed_decode(arg, in, len, last, out, used);
}

static void decode_text(
    const struct mime_part *part, const struct buf *bytes, size_t step)
{
	struct buf text = buf_new(SIZE_MAX / 2), flat = buf_new(SIZE_MAX / 2);
	struct charset charset;
	struct flowed flowed;

	charset_open(&charset, slice_of(part->charset), CHARSET_BODY);
	(void)feed(
	    charset_stage, &charset, buf_text(bytes), bytes->len, step, &text);
	charset_close(&charset);
	assert(utf8_valid(buf_text(&text), text.len));
	flowed_open(&flowed, part->delsp);
	(void)feed(
	    flowed_stage, &flowed, buf_text(&text), text.len, step, &flat);
	assert(utf8_valid(buf_text(&flat), flat.len));
	buf_free(&text);
	buf_free(&flat);
}

/* The files inside a text lie in it, behind each other, and are some. */
static void check_files(
    const struct mime_part *part, struct window *window, const char *message)
{
	struct arena *arena = arena_new();
	struct uuencoded *files;
	uint64_t at = part->body;
	size_t count, used;

	assert(uuencode_find(
	    window, part->body, part->end, arena, &files, &count, NULL));
	assert(count <= LIMIT_UUENCODED);
	for (size_t i = 0; i < count; i++) {
		size_t len = (size_t)(files[i].end - files[i].start);
		struct uuencode uuencode = {.cut = false};
		struct buf out = buf_new(len);

		assert(files[i].start >= at && files[i].end <= part->end);
		assert(files[i].name[0] != '\0');
		at = files[i].end;
		assert(uuencode_decode(&uuencode, message + files[i].start, len,
		    true, &out, &used));
		assert(used == len && out.len > 0);
		buf_free(&out);
	}
	arena_free(&arena);
}

static void check_part(
    const struct mime_part *part, const char *message, size_t step)
{
	struct buf whole = buf_new(SIZE_MAX / 2), pieces = whole;
	const char *body = message + part->body;
	size_t len = (size_t)(part->end - part->body);
	struct transfer transfer;

	transfer_open(&transfer, part->encoding);
	(void)feed(transfer_stage, &transfer, body, len, len + 1, &whole);
	assert(whole.len <= len);
	/* A long run of blanks is let through in pieces only. */
	transfer_open(&transfer, part->encoding);
	(void)feed(transfer_stage, &transfer, body, len, step, &pieces);
	if (len < TRANSFER_CUT)
		same(&whole, &pieces);
	decode_text(part, &whole, step);
	buf_free(&whole);
	buf_free(&pieces);
}

static void check_place(const struct mime *mime, size_t i, size_t size)
{
	const struct mime_part *part = &mime->parts[i];

	assert(part->header <= part->body && part->body <= part->end);
	assert(part->end <= size);
	assert(part->type != NULL);
	assert((part->parent == MIME_ROOT) == (i == 0));
	assert(part->depth <= LIMIT_MIME_DEPTH);
	if (i == 0)
		return;
	assert(part->parent < i);
	assert(mime->parts[part->parent].multipart);
	assert(mime->parts[part->parent].body <= part->header);
	assert(part->end <= mime->parts[part->parent].end);
	assert(mime->parts[i - 1].header <= part->header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source source;
	struct arena *arena = arena_new();
	struct window window;
	struct mime mime;
	size_t step = 1;

	if (size > 0) {
		step = data[0] % 64 + 1;
		data++;
		size--;
	}
	source = source_memory(data, size);
	window_open(&window, &source, LIMIT_MIME_WINDOW);
	assert(mime_parse(&window, MAX_PARTS, arena, &mime, NULL));
	assert(mime.count >= 1 && mime.count <= MAX_PARTS);
	for (size_t i = 0; i < mime.count; i++) {
		check_place(&mime, i, size);
		if (mime.parts[i].multipart)
			continue;
		check_part(&mime.parts[i], (const char *)data, step);
		check_files(&mime.parts[i], &window, (const char *)data);
	}
	window_close(&window);
	arena_free(&arena);
	return 0;
}
