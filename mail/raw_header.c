#include "mail/raw_header.h"

#include "mail/header.h"

#include <ctype.h>

static size_t line_len(struct slice text)
{
	size_t at = slice_find(text, '\n');

	return at < text.len ? at + 1 : at;
}

bool raw_header_end(struct slice text, size_t *len, size_t *skip)
{
	size_t line;

	for (*len = 0; *len < text.len; *len += line) {
		struct slice rest = slice_from(text, *len);

		line = line_len(rest);
		if (rest.data[line - 1] != '\n')
			return false;
		*skip = line;
		if (line == 1 || (line == 2 && rest.data[0] == '\r'))
			return true;
	}
	return false;
}

static bool same(struct slice a, struct slice b)
{
	return a.len == b.len && strncasecmp(a.data, b.data, a.len) == 0;
}

/* FNV-1a. */
static uint64_t hash_name(struct slice name)
{
	uint64_t hash = 0xCBF29CE484222325ULL;

	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ (unsigned)tolower((unsigned char)name.data[i])) *
		       0x100000001B3ULL;
	return hash ^ hash >> 32;
}

/* Where the table holds a name, or would. */
static size_t *place(
    const struct raw_header *header, struct slice name, uint64_t hash)
{
	for (size_t at = (size_t)hash & header->mask;;
	     at = (at + 1) & header->mask) {
		const struct raw_field *field;

		if (header->lowest[at] == RAW_NONE)
			return &header->lowest[at];
		field = &header->fields[header->lowest[at]];
		if (field->hash == hash && same(field->name, name))
			return &header->lowest[at];
	}
}

static void make_table(struct raw_header *header, struct arena *arena)
{
	size_t size = 16;

	while (size < header->count * 2)
		size *= 2;
	header->mask = size - 1;
	header->lowest = arena_alloc(arena, size * sizeof(size_t));
	for (size_t i = 0; i < size; i++)
		header->lowest[i] = RAW_NONE;
	for (size_t i = 0; i < header->count; i++) {
		struct raw_field *field = &header->fields[i];
		size_t *lowest = place(header, field->name, field->hash);

		field->above = *lowest;
		*lowest = i;
	}
}

static struct raw_field split(struct slice whole)
{
	size_t colon = slice_find(whole, ':');
	struct raw_field field = {.whole = whole,
	    .name = slice_trim(slice_first(whole, colon)),
	    .value = slice_from(whole, colon + 1)};

	if (field.value.len > 0 &&
	    field.value.data[field.value.len - 1] == '\n')
		field.value.len--;
	if (field.value.len > 0 &&
	    field.value.data[field.value.len - 1] == '\r')
		field.value.len--;
	field.hash = hash_name(field.name);
	return field;
}

static size_t count_lines(struct slice block)
{
	size_t count = 0;

	for (; block.len > 0; block = slice_from(block, line_len(block)))
		count++;
	return count;
}

/* A field with the lines that go on with it. */
static size_t field_len(struct slice block)
{
	size_t len = line_len(block);

	while (len < block.len &&
	       (block.data[len] == ' ' || block.data[len] == '\t'))
		len += line_len(slice_from(block, len));
	return len;
}

/* "From somebody Mon Nov 23 ...". But "From : somebody" is a field (RFC 5322
 * section 4.5.2). */
static bool is_mailbox_line(struct slice line)
{
	return (slice_starts(line, "From ") || slice_starts(line, ">From ")) &&
	       !header_is_field(line);
}

void raw_header_read(
    struct slice block, struct arena *arena, struct raw_header *header)
{
	size_t lines = count_lines(block);

	*header = (struct raw_header){
	    .fields =
		arena_alloc(arena, (lines + 1) * sizeof(struct raw_field))};
	if (is_mailbox_line(slice_first(block, line_len(block))))
		block = slice_from(block, line_len(block));
	while (block.len > 0) {
		size_t len = field_len(block);
		struct slice whole = slice_first(block, len);

		block = slice_from(block, len);
		if (header_is_field(whole))
			header->fields[header->count++] = split(whole);
		else
			header->malformed = true;
	}
	make_table(header, arena);
}

size_t raw_header_lowest(const struct raw_header *header, struct slice name)
{
	return *place(header, name, hash_name(name));
}
