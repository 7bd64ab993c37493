/* Header blocks: fields, encoded words, address lists, parameters, file
 * names. Whatever comes out is UTF-8, and no longer than the input allows. */
#include "base/arena.h"
#include "base/utf8.h"
#include "mail/encoded_word.h"
#include "mail/filename.h"
#include "mail/header.h"
#include "mail/header_table.h"
#include "mail/mailbox.h"
#include "mail/mime_header.h"
#include "mail/parameter.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A character of the input becomes at most one of UTF-8; ", " and quotes
 * stand between addresses. */
#define GROWTH 8

typedef bool convert_fn(struct slice text, struct buf *out);

static void check(convert_fn *convert, struct slice text)
{
	struct buf out = buf_new(text.len * GROWTH + 16);

	assert(convert(text, &out));
	assert(utf8_valid(buf_text(&out), out.len));
	buf_free(&out);
}

static void check_repair(struct slice text)
{
	struct buf clean = buf_new(text.len * GROWTH);
	struct buf out = buf_new(text.len * GROWTH);

	(void)header_decode(text, &clean);
	if (encoded_twice_repair(
		(struct slice){buf_text(&clean), clean.len}, &out))
		assert(utf8_valid(out.data, out.len) && out.len < clean.len);
	else
		assert(out.len == 0);
	buf_free(&clean);
	buf_free(&out);
}

static void check_filename(const char *name, struct arena *arena)
{
	const char *clean = filename_clean(slice_of(name), arena);

	if (clean == NULL)
		return;
	assert(utf8_valid(clean, strlen(clean)));
	assert(clean[0] != '\0' && strpbrk(clean, "/\\\r\n") == NULL);
	assert(filename_media_type(slice_of(clean)) != NULL);
}

static void check_parameters(struct slice value, struct arena *arena)
{
	static const char *const names[] = {
	    "name", "filename", "charset", "boundary"};
	struct buf text = buf_new(value.len * GROWTH);
	struct parameters parameters;

	(void)header_unfold(value, &text);
	parameters_parse(
	    (struct slice){buf_text(&text), text.len}, arena, &parameters);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *found =
		    parameters_get(&parameters, names[i], arena);

		if (found == NULL)
			continue;
		assert(utf8_valid(found, strlen(found)));
		check_filename(found, arena);
	}
	buf_free(&text);
}

static bool is_another(void *arg, const char *name)
{
	assert(utf8_valid(name, strlen(name)));
	assert(name[0] != '\0' && strpbrk(name, "/\\\r\n") == NULL);
	return strcmp(name, *(const char *const *)arg) != 0;
}

/* The name that counts is one of all names. */
static void check_names(struct slice block, struct arena *arena)
{
	struct mime_part part = {.parent = MIME_ROOT};
	struct arena *scratch = arena_new();
	const char *name;

	mime_header_read(block, arena, scratch, &part);
	name = part.filename == NULL ? "" : part.filename;
	assert(mime_header_names(block, scratch, is_another, &name) ==
	       (part.filename == NULL));
	arena_free(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice block = {(const char *)data, size}, rest = block;
	struct arena *arena = arena_new();
	struct header_table table;
	struct header_field field;
	size_t fields = 0, values = 0;

	for (; header_next(&rest, &field); fields++) {
		assert(field.name.len > 0);
		check(header_unfold, field.value);
		check(header_decode, field.value);
		check(mailbox_list_format, field.value);
		check_repair(field.value);
		check_parameters(field.value, arena);
	}
	assert(rest.len == 0);
	check_names(block, arena);
	header_table_build(&table, block, arena);
	for (const struct header_entry *entry = table.first; entry != NULL;
	     entry = entry->next)
		for (const struct header_value *value = entry->first;
		     value != NULL; value = value->next)
			values++;
	assert(values == fields);
	arena_free(&arena);
	return 0;
}
