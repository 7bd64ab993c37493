#include "mail/address_list.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "bounds.h"
#include "mail/address.h"
#include "mail/encoded_word.h"

#include <assert.h>
#include <string.h>

/* One entry of the list, taken apart but not read yet. */
struct entry {
	struct slice phrase; /* before '<' */
	struct slice path;   /* between '<' and '>', or everything */
	bool bracketed;
	bool empty;
};

static bool refuse(const char **fault, const char *text)
{
	*fault = text;
	return false;
}

/* Behind the quoted text that begins at `at`; len if it does not end. */
static size_t skip_quoted(struct slice text, size_t at)
{
	for (at++; at < text.len; at++) {
		if (text.data[at] == '\\')
			at++;
		else if (text.data[at] == '"')
			return at + 1;
	}
	return text.len + 1;
}

/* Behind the comment that begins at `at`. */
static size_t skip_comment(struct slice text, size_t at)
{
	int depth = 0;

	for (; at < text.len; at++) {
		if (text.data[at] == '\\')
			at++;
		else if (text.data[at] == '(')
			depth++;
		else if (text.data[at] == ')' && --depth == 0)
			return at + 1;
	}
	return text.len + 1;
}

/* Where the entry at the front ends: at a comma, or the end. */
static bool find_end(struct slice text, struct entry *entry, size_t *end)
{
	size_t at = 0, open = SIZE_MAX, close = SIZE_MAX;

	while (at < text.len && text.data[at] != ',') {
		char c = text.data[at];

		if (c == '(') {
			at = skip_comment(text, at);
			continue;
		}
		if (close != SIZE_MAX && !slice_is_space(c))
			return false; /* something behind '>' */
		if (c == '<' && open == SIZE_MAX)
			open = at;
		else if (c == '>' && open != SIZE_MAX)
			close = at;
		at = c == '"' ? skip_quoted(text, at) : at + 1;
	}
	if (at > text.len || (open == SIZE_MAX) != (close == SIZE_MAX))
		return false;
	*end = at;
	entry->bracketed = open != SIZE_MAX;
	entry->empty = slice_trim(slice_first(text, at)).len == 0;
	if (entry->bracketed) {
		entry->phrase = slice_trim(slice_first(text, open));
		entry->path =
		    slice_first(slice_from(text, open + 1), close - open - 1);
	} else {
		entry->phrase = (struct slice){"", 0};
		entry->path = slice_first(text, at);
	}
	return true;
}

/* Without comments and the blanks around; quotes stay. */
static struct slice without_comments(struct slice text, struct arena *arena)
{
	char *kept = arena_alloc(arena, text.len + 1);
	size_t len = 0, at = 0, end;

	while (at < text.len) {
		if (text.data[at] == '(') {
			at = skip_comment(text, at);
			continue;
		}
		end = text.data[at] == '"' ? skip_quoted(text, at) : at + 1;
		for (; at < end && at < text.len; at++)
			kept[len++] = text.data[at];
	}
	return slice_trim((struct slice){kept, len});
}

/* Quotes and backslashes go; runs of blanks between words become one. */
static struct slice unquote(struct slice phrase, struct arena *arena)
{
	char *text = arena_alloc(arena, phrase.len + 1);
	size_t len = 0;
	bool quoted = false;

	for (size_t i = 0; i < phrase.len; i++) {
		char c = phrase.data[i];

		if (c == '"') {
			quoted = !quoted;
			continue;
		}
		if (c == '\\' && quoted && i + 1 < phrase.len)
			c = phrase.data[++i];
		else if (!quoted && slice_is_space(c)) {
			if (len > 0 && text[len - 1] == ' ')
				continue;
			c = ' ';
		}
		text[len++] = c;
	}
	return slice_trim((struct slice){text, len});
}

static bool is_ascii(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] >= 0x80)
			return false;
	return true;
}

static bool has_encoded_word(struct slice text)
{
	return memmem(text.data, text.len, "=?", 2) != NULL &&
	       memmem(text.data, text.len, "?=", 2) != NULL;
}

static bool is_clean(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
			return false;
	return utf8_valid(text.data, text.len);
}

/* Encoded words beside plain text that is not ASCII: all becomes plain. */
static struct slice decode(struct slice name, struct arena *arena)
{
	struct buf out = buf_new(SIZE_MAX);
	bool fits = encoded_words_decode(name, &out);
	struct slice plain = {
	    arena_strndup(arena, buf_text(&out), out.len), out.len};

	assert(fits);
	buf_free(&out);
	return plain;
}

static bool read_name(struct named_address *item, struct slice phrase,
    struct arena *arena, const char **fault)
{
	item->name = unquote(without_comments(phrase, arena), arena);
	item->encoded = has_encoded_word(item->name);
	if (item->encoded && !is_ascii(item->name)) {
		item->name = decode(item->name, arena);
		item->encoded = false;
	}
	if (item->name.len > LIMIT_DISPLAY_NAME)
		return refuse(fault, "has a name that is too long");
	if (!is_clean(item->name))
		return refuse(fault, "has a name with control characters");
	return true;
}

static bool read_entry(struct address_list *list, const struct entry *entry,
    struct arena *arena, const char **fault)
{
	struct named_address item = {0};
	struct slice path = without_comments(entry->path, arena);
	char text[ADDRESS_SIZE];
	struct address address;

	if (!address_parse(path.data, path.len, &address) ||
	    address.domain_len == 0)
		return refuse(fault, "is not an address");
	item.address =
	    arena_strndup(arena, text, address_format(&address, text));
	if (!is_clean(slice_of(item.address)))
		return refuse(fault, "is not an address");
	if (!read_name(&item, entry->phrase, arena, fault))
		return false;
	if (list->count == list->room) {
		struct named_address *grown;

		list->room = list->room == 0 ? 4 : list->room * 4;
		grown = arena_alloc(arena, list->room * sizeof(*grown));
		if (list->count > 0)
			memcpy(
			    grown, list->items, list->count * sizeof(*grown));
		list->items = grown;
	}
	list->items[list->count++] = item;
	return true;
}

bool address_list_parse(struct address_list *list, struct slice text,
    struct arena *arena, const char **fault)
{
	struct entry entry;
	size_t end;

	for (;;) {
		if (!find_end(text, &entry, &end))
			return refuse(fault, "is not an address");
		if (!entry.empty && !read_entry(list, &entry, arena, fault))
			return false;
		if (end == text.len)
			return true;
		text = slice_from(text, end + 1);
	}
}
