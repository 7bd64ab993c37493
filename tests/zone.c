#include "zone.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	TYPE_CNAME = LOOKUP_TXT + 1,
	TYPE_SPF, /* becomes TXT where there is none */
	TYPE_ANY  /* with TIMEOUT */
};

struct entry {
	struct entry *next;
	const char *name;
	int type;
	bool timeout;
	struct lookup_record record;
};

struct zone {
	struct arena *arena;
	struct entry *first, **link;
	unsigned questions;
};

static const struct {
	const char *name;
	int type;
} types[] = {{"A", LOOKUP_A}, {"AAAA", LOOKUP_AAAA}, {"MX", LOOKUP_MX},
    {"PTR", LOOKUP_PTR}, {"TXT", LOOKUP_TXT}, {"CNAME", TYPE_CNAME},
    {"SPF", TYPE_SPF}, {"TIMEOUT", TYPE_ANY}};

struct zone *zone_new(void)
{
	struct zone *zone = xcalloc(1, sizeof(*zone));

	zone->arena = arena_new();
	zone->link = &zone->first;
	return zone;
}

void zone_free(struct zone **zone)
{
	if (*zone == NULL)
		return;
	arena_free(&(*zone)->arena);
	free(*zone);
	*zone = NULL;
}

unsigned zone_questions(const struct zone *zone)
{
	return zone->questions;
}

/* --- filling ---------------------------------------------------------- */

static int type_of(struct slice name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (slice_is(name, types[i].name))
			return types[i].type;
	return -1;
}

static struct slice without_dot(struct slice name)
{
	if (name.len > 0 && name.data[name.len - 1] == '.')
		name.len--;
	return name;
}

static bool add(struct zone *zone, struct slice name, int type,
    struct slice data, bool timeout)
{
	struct entry *entry = arena_zalloc(zone->arena, sizeof(*entry));

	name = without_dot(name);
	entry->name = arena_strndup(zone->arena, name.data, name.len);
	entry->type = type;
	entry->timeout = timeout || type == TYPE_ANY;
	if (type == LOOKUP_A || type == LOOKUP_AAAA) {
		if (!timeout &&
		    !ip_parse(data.data, data.len, &entry->record.ip))
			return false;
	} else if (type != LOOKUP_TXT && type != TYPE_SPF) {
		data = without_dot(data);
	}
	entry->record.text =
	    (struct slice){arena_strndup(zone->arena,
			       data.len == 0 ? "" : data.data, data.len),
		data.len};
	*zone->link = entry;
	zone->link = &entry->next;
	return type >= 0;
}

/* The data behind it keeps all but one blank. */
static struct slice take_word(struct slice *line)
{
	struct slice word = slice_first(*line, slice_find(*line, ' '));

	*line =
	    slice_from(*line, word.len < line->len ? word.len + 1 : word.len);
	return word;
}

bool zone_add_text(struct zone *zone, const char *text)
{
	struct slice rest = slice_of(text), line, name, type;

	while (rest.len > 0) {
		line = slice_first(rest, slice_find(rest, '\n'));
		rest = slice_from(
		    rest, line.len < rest.len ? line.len + 1 : line.len);
		if (slice_trim(line).len == 0)
			continue;
		name = take_word(&line);
		type = take_word(&line);
		if (!add(zone, name, type_of(type), line,
			slice_equals(line, "TIMEOUT")))
			return false;
	}
	return true;
}

static struct slice slice_of_json(const json_t *text)
{
	return (struct slice){
	    json_string_value(text), json_string_length(text)};
}

/* A text, or a list: of strings to be joined, or [10, "mail.example.com"]. */
static bool add_value(
    struct zone *zone, const char *name, int type, const json_t *value)
{
	struct buf joined = buf_new(1024 * 1024);
	const json_t *part;
	size_t i;
	bool good;

	if (json_is_string(value)) {
		struct slice text = slice_of_json(value);

		if (type == LOOKUP_TXT && slice_equals(text, "NONE"))
			return add(zone, slice_of(name), TYPE_SPF, text, false);
		return add(zone, slice_of(name), type, text,
		    slice_equals(text, "TIMEOUT"));
	}
	json_array_foreach(value, i, part)
	{
		if (json_is_string(part))
			(void)buf_append(&joined, json_string_value(part),
			    json_string_length(part));
	}
	good = json_is_array(value) &&
	       add(zone, slice_of(name), type,
		   (struct slice){buf_text(&joined), joined.len}, false);
	buf_free(&joined);
	return good;
}

bool zone_add_json(struct zone *zone, const json_t *names)
{
	const char *name, *type;
	json_t *all, *entry, *value;
	size_t i;

	json_object_foreach((json_t *)(uintptr_t)names, name, all)
	{
		json_array_foreach(all, i, entry)
		{
			if (json_is_string(entry) &&
			    !add(zone, slice_of(name), TYPE_ANY, slice_of(""),
				true))
				return false;
			json_object_foreach(entry, type, value)
			{
				if (!add_value(zone, name,
					type_of(slice_of(type)), value))
					return false;
			}
		}
	}
	return json_is_object(names);
}

/* --- answering -------------------------------------------------------- */

static bool is_below(const char *name, const char *parent)
{
	size_t len = strlen(name), tail = strlen(parent);

	return len > tail && name[len - tail - 1] == '.' &&
	       strcasecmp(name + (len - tail), parent) == 0;
}

static bool has_type(const struct zone *zone, const char *name, int type)
{
	for (const struct entry *e = zone->first; e != NULL; e = e->next)
		if (e->type == type && strcasecmp(e->name, name) == 0)
			return true;
	return false;
}

static const char *alias_of(const struct zone *zone, const char *name)
{
	for (const struct entry *e = zone->first; e != NULL; e = e->next)
		if (e->type == TYPE_CNAME && strcasecmp(e->name, name) == 0)
			return e->record.text.data;
	return NULL;
}

static enum lookup_status absence(const struct zone *zone, const char *name)
{
	for (const struct entry *e = zone->first; e != NULL; e = e->next)
		if (strcasecmp(e->name, name) == 0 || is_below(e->name, name))
			return LOOKUP_NODATA;
	return LOOKUP_NXDOMAIN;
}

/* What an entry is to a question of this type: SPF stands for TXT where there
 * is none. */
static int meaning(const struct entry *entry, bool has_txt)
{
	if (entry->type != TYPE_SPF)
		return entry->type;
	return has_txt || slice_equals(entry->record.text, "NONE") ? -1
								   : LOOKUP_TXT;
}

static const char *resolve_alias(const struct zone *zone, const char *name)
{
	for (int hops = 0; hops < 8; hops++) {
		const char *alias = alias_of(zone, name);

		if (alias == NULL)
			break;
		name = alias;
	}
	return name;
}

static enum lookup_status find(void *arg, enum lookup_type type,
    const char *name, struct arena *arena, const struct lookup_record **records)
{
	struct zone *zone = arg;
	const struct lookup_record **link = records;
	bool has_txt, timeout = false;

	zone->questions++;
	name = resolve_alias(zone, name);
	has_txt = has_type(zone, name, LOOKUP_TXT);
	for (const struct entry *e = zone->first; e != NULL; e = e->next) {
		struct lookup_record *copy;
		int is = meaning(e, has_txt);

		if (strcasecmp(e->name, name) != 0 ||
		    (is != (int)type && is != TYPE_ANY))
			continue;
		timeout |= e->timeout;
		if (e->timeout)
			continue;
		copy = arena_zalloc(arena, sizeof(*copy));
		*copy = e->record;
		*link = copy;
		link = &copy->next;
	}
	if (*records != NULL)
		return LOOKUP_FOUND;
	return timeout ? LOOKUP_TEMPERROR : absence(zone, name);
}

struct lookup zone_lookup(struct zone *zone)
{
	return (struct lookup){.find = find, .arg = zone};
}
