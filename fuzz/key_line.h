/* The world of fuzz_dkim and fuzz_arc: the first line of the input is the TXT
 * of every key, the rest is the message. Records are parted by "|"; an empty
 * line is a query without an answer, and "-" a name that is not there. */
#ifndef FUZZ_KEY_LINE_H
#define FUZZ_KEY_LINE_H

#include "mail/lookup.h"
#include "mail/signed_mail.h"

#include <assert.h>
#include <string.h>

struct key_line {
	struct slice records;
	unsigned questions;
};

static inline enum lookup_status key_line_find(void *arg, enum lookup_type type,
    const char *name, struct arena *arena, const struct lookup_record **records)
{
	struct key_line *line = arg;
	struct slice rest = line->records;

	line->questions++;
	assert(type == LOOKUP_TXT && strlen(name) <= 253);
	assert(strstr(name, "._domainkey.") != NULL);
	if (rest.len == 0)
		return LOOKUP_TEMPERROR;
	if (slice_equals(rest, "-"))
		return LOOKUP_NXDOMAIN;
	while (rest.len > 0) {
		struct lookup_record *record =
		    arena_zalloc(arena, sizeof(*record));
		size_t len = slice_find(rest, '|');

		record->text = slice_first(rest, len);
		record->next = *records;
		*records = record;
		rest = slice_from(rest, len < rest.len ? len + 1 : len);
	}
	return LOOKUP_FOUND;
}

/* Takes the line off; what is left is the message. */
static inline struct slice key_line_take(
    struct key_line *line, const uint8_t *data, size_t size)
{
	struct slice text = {(const char *)data, size};
	size_t len = slice_find(text, '\n');

	*line = (struct key_line){.records = slice_first(text, len)};
	return slice_from(text, len < size ? len + 1 : len);
}

/* The message, opened, with who to ask for its keys. */
struct signed_input {
	struct arena *arena;
	struct key_line line;
	struct slice text;
	struct source source;
	struct lookup dns;
	struct key_source keys;
	struct signed_mail *mail;
};

static inline void signed_input_open(
    struct signed_input *input, const uint8_t *data, size_t size)
{
	bool opened;

	input->arena = arena_new();
	input->text = key_line_take(&input->line, data, size);
	input->source = source_memory(input->text.data, input->text.len);
	input->dns = (struct lookup){key_line_find, &input->line};
	input->keys = (struct key_source){&input->dns, 1800000000};
	opened =
	    signed_mail_open(&input->source, input->arena, &input->mail, NULL);
	assert(opened);
}

#endif
