/*
 * DKIM: messages and key records of strangers. Besides no crash: the canonical
 * form of a body is the same whole and byte by byte, and is its own canonical
 * form; no more keys are asked for than there may be signatures; each of them
 * gets a verdict; and a hash over pieces is that over all.
 */
#include "bounds.h"
#include "key_line.h"
#include "mail/dkim.h"
#include "mail/tag_list.h"

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

static void check_field(enum canonical kind, struct slice field)
{
	struct buf once = buf_new(field.len * 2 + 3);
	struct buf twice = buf_new(field.len * 2 + 3);
	bool fits = canonical_field(kind, field, &once) &&
		    canonical_field(kind,
			(struct slice){buf_text(&once), once.len}, &twice);

	assert(fits);
	check_same(&once, &twice);
	buf_free(&once);
	buf_free(&twice);
}

static void check_tags(struct slice text, struct arena *arena)
{
	struct tag_list list;
	uint8_t *bytes;
	size_t len;

	if (tag_list_parse(text, &list) != NULL)
		return;
	assert(list.count > 0 && list.count <= LIMIT_TAGS);
	for (size_t i = 0; i < list.count; i++) {
		const struct tag *tag = &list.tags[i];

		assert(
		    tag->value.data >= text.data &&
		    tag->value.data + tag->value.len <= text.data + text.len);
		if (tag_base64(tag->value, arena, &bytes, &len))
			assert(len <= tag->value.len);
	}
}

static void check_verdict(const struct signature_verdict *one)
{
	assert(one->result == AUTH_PASS || one->result == AUTH_FAIL ||
	       one->result == AUTH_TEMPERROR || one->result == AUTH_PERMERROR);
	assert((one->why[0] == '\0') == (one->result == AUTH_PASS));
	assert(one->result != AUTH_PASS || one->key_bits >= 256);
	assert(strlen(one->signature.domain) <= LIMIT_DOMAIN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct key_line line;
	struct slice text = key_line_take(&line, data, size);
	struct lookup dns = {key_line_find, &line};
	struct key_source keys = {&dns, 1800000000};
	struct source source = source_memory(text.data, text.len);
	const struct raw_header *header;
	struct signed_mail *mail;
	struct dkim_result result;
	bool good = signed_mail_open(&source, arena, &mail, NULL) &&
		    dkim_verify(mail, &keys, &result, NULL);

	assert(good && line.questions <= LIMIT_SIGNATURES);
	for (size_t i = 0; i < result.signatures->count; i++)
		check_verdict(&result.signatures->list[i]);
	assert((result.result == AUTH_NONE) == (result.decisive == NULL));
	header = signed_mail_header(mail);
	for (size_t i = 0; i < header->count; i++) {
		check_field(CANONICAL_SIMPLE, header->fields[i].whole);
		check_field(CANONICAL_RELAXED, header->fields[i].whole);
		check_tags(header->fields[i].value, arena);
	}
	check_tags(line.records, arena);
	check_body(CANONICAL_SIMPLE, text);
	check_body(CANONICAL_RELAXED, text);
	arena_free(&arena);
	return 0;
}
