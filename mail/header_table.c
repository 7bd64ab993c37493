#include "mail/header_table.h"

#include "base/utf8.h"
#include "mail/header.h"

#include <ctype.h>
#include <stdint.h>

/* A hostile block of 100,000 names makes chains of 400. */
#define BUCKETS 256

static size_t bucket_of(struct slice name)
{
	uint32_t hash = 0x811C9DC5U; /* FNV-1a */

	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ (unsigned char)name.data[i]) * 0x01000193U;
	return (hash ^ hash >> 16) % BUCKETS;
}

/* Names that differ only in what cannot be shown would look the same later,
 * so they are the same. */
static struct slice clean_name(struct slice name, struct arena *arena)
{
	struct buf clean = buf_new(name.len * UTF8_REPLACEMENT_LEN);
	char *copy;
	size_t used;

	(void)utf8_append_clean(&clean, name.data, name.len, true, &used);
	copy = arena_strndup(arena, buf_text(&clean), clean.len);
	buf_free(&clean);
	return (struct slice){copy, strlen(copy)};
}

static struct slice lower_name(struct slice name, struct arena *arena)
{
	char *copy;

	if (!utf8_valid(name.data, name.len))
		name = clean_name(name, arena);
	copy = arena_strndup(arena, name.data, name.len);
	for (size_t i = 0; i < name.len; i++)
		copy[i] = (char)tolower((unsigned char)copy[i]);
	return (struct slice){copy, name.len};
}

static struct header_entry *look_up(
    const struct header_table *table, struct slice name)
{
	struct header_entry *entry = table->buckets[bucket_of(name)];

	while (entry != NULL &&
	       (entry->name.len != name.len ||
		   memcmp(entry->name.data, name.data, name.len) != 0))
		entry = entry->same_hash;
	return entry;
}

static struct header_entry *add_entry(
    struct header_table *table, struct slice name, struct arena *arena)
{
	struct header_entry *entry = arena_zalloc(arena, sizeof(*entry));
	size_t bucket = bucket_of(name);

	entry->name = name;
	entry->same_hash = table->buckets[bucket];
	table->buckets[bucket] = entry;
	if (table->last == NULL)
		table->first = entry;
	else
		table->last->next = entry;
	table->last = entry;
	return entry;
}

static void add_value(
    struct header_entry *entry, struct slice raw, struct arena *arena)
{
	struct header_value *value = arena_zalloc(arena, sizeof(*value));

	value->raw = raw;
	if (entry->last == NULL)
		entry->first = value;
	else
		entry->last->next = value;
	entry->last = value;
}

void header_table_build(
    struct header_table *table, struct slice block, struct arena *arena)
{
	struct header_entry *entry;
	struct header_field field;
	struct slice name;

	*table = (struct header_table){
	    /* NOLINTNEXTLINE(bugprone-sizeof-expression): of a pointer */
	    .buckets = arena_zalloc(arena, BUCKETS * sizeof(*table->buckets))};
	while (header_next(&block, &field)) {
		name = lower_name(field.name, arena);
		entry = look_up(table, name);
		if (entry == NULL)
			entry = add_entry(table, name, arena);
		add_value(entry, field.value, arena);
	}
}

const struct header_entry *header_table_find(
    const struct header_table *table, const char *name)
{
	return look_up(table, slice_of(name));
}

bool header_is_single(struct slice name)
{
	static const char *const names[] = {"from", "subject", "date",
	    "message-id", "sender", "reply-to", "in-reply-to", "content-type",
	    "content-transfer-encoding", "content-disposition", "content-id",
	    "content-description", "mime-version", "precedence", "priority",
	    "errors-to", "disposition-notification-to"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_equals(name, names[i]))
			return true;
	return false;
}
