/*
 * The canonical forms of DKIM and ARC. That of a body is the same whole and
 * byte by byte; and each is its own canonical form. The input is a body and a
 * field, of the kind that its length chooses.
 */
#include "mail/canonical.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void collect(void *arg, const char *bytes, size_t len)
{
	bool fits = buf_append(arg, bytes, len);

	assert(fits);
}

static struct buf canonical(
    enum canonical kind, struct slice text, size_t piece)
{
	/* A bare LF becomes two bytes. */
	struct buf out = buf_new(text.len * 2 + 2);
	struct canonical_body body;

	canonical_body_begin(&body, kind, collect, &out);
	for (size_t at = 0; at < text.len; at += piece)
		canonical_body_write(&body, text.data + at,
		    piece < text.len - at ? piece : text.len - at);
	canonical_body_end(&body);
	return out;
}

static void check_same(const struct buf *a, const struct buf *b)
{
	assert(a->len == b->len);
	assert(a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static void check_body(enum canonical kind, struct slice text)
{
	struct buf whole = canonical(kind, text, text.len + 1);
	struct buf bytes = canonical(kind, text, 1);
	struct buf again =
	    canonical(kind, (struct slice){buf_text(&whole), whole.len}, 7);

	check_same(&whole, &bytes);
	check_same(&whole, &again);
	buf_free(&whole);
	buf_free(&bytes);
	buf_free(&again);
}

static struct buf canonical_of(enum canonical kind, struct slice field)
{
	/* A bare LF becomes two bytes; and it may want room for an end. */
	struct buf out = buf_new(field.len * 2 + 3);
	bool fits = canonical_field(kind, field, &out);

	assert(fits);
	return out;
}

static void check_field(enum canonical kind, struct slice field)
{
	struct buf once = canonical_of(kind, field);
	struct buf twice =
	    canonical_of(kind, (struct slice){buf_text(&once), once.len});

	check_same(&once, &twice);
	buf_free(&once);
	buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = {(const char *)data, size};
	enum canonical kind =
	    size % 2 == 0 ? CANONICAL_SIMPLE : CANONICAL_RELAXED;

	check_body(kind, text);
	check_field(kind, text);
	return 0;
}
