#include "mail/tag_list.h"

#include "mail/base64.h"

#include <ctype.h>

static bool is_alnum(char c)
{
	return isalnum((unsigned char)c) != 0 && (unsigned char)c < 0x80;
}

static bool is_name(struct slice name)
{
	if (name.len == 0 || !is_alnum(name.data[0]) ||
	    isdigit((unsigned char)name.data[0]))
		return false;
	for (size_t i = 1; i < name.len; i++)
		if (!is_alnum(name.data[i]) && name.data[i] != '_')
			return false;
	return true;
}

/* No controls; blanks may stand between the others. */
static bool is_value(struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.data[i];

		if ((c < ' ' && !slice_is_space((char)c)) || c == 0x7F)
			return false;
	}
	return true;
}

struct slice tag_skip_comments(struct slice text)
{
	size_t depth = 0;

	for (; text.len > 0; text = slice_from(text, 1)) {
		char c = text.data[0];

		if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (c == '\\' && depth > 0 && text.len > 1)
			text = slice_from(text, 1);
		else if (depth == 0 && !slice_is_space(c))
			break;
	}
	return text;
}

struct slice tag_bare(struct slice text)
{
	struct slice word = tag_skip_comments(text);
	size_t len = 0;

	while (len < word.len && word.data[len] != '(' &&
	       !slice_is_space(word.data[len]))
		len++;
	return tag_skip_comments(slice_from(word, len)).len > 0
		   ? text
		   : slice_first(word, len);
}

/* One that may have comments around it. */
static bool may_have_comments(struct slice name)
{
	return slice_equals(name, "i") || slice_equals(name, "cv");
}

static const char *add(struct tag_list *list, struct slice spec, bool comments)
{
	size_t equals = slice_find(spec, '=');
	struct tag *tag = &list->tags[list->count];

	if (equals == spec.len)
		return "a tag without a value";
	if (list->count == LIMIT_TAGS)
		return "too many tags";
	tag->name = slice_trim(slice_first(spec, equals));
	tag->space = slice_from(spec, equals + 1);
	tag->value = slice_trim(tag->space);
	if (comments && may_have_comments(tag_bare(tag->name)))
		tag->name = tag_bare(tag->name);
	if (!is_name(tag->name))
		return "a malformed tag name";
	if (!is_value(tag->value))
		return "a control character";
	for (size_t i = 0; i < list->count; i++)
		if (list->tags[i].name.len == tag->name.len &&
		    memcmp(list->tags[i].name.data, tag->name.data,
			tag->name.len) == 0)
			return "a repeated tag";
	list->count++;
	return NULL;
}

static const char *parse(
    struct slice text, struct tag_list *list, bool comments)
{
	const char *fault;
	size_t end;

	list->count = 0;
	do {
		end = slice_find(text, ';');
		fault = add(list, slice_first(text, end), comments);
		if (fault != NULL)
			return fault;
		text = slice_from(text, end < text.len ? end + 1 : end);
		/* The last ";" may have nothing behind it. */
	} while (slice_trim(text).len > 0);
	return NULL;
}

const char *tag_list_parse(struct slice text, struct tag_list *list)
{
	return parse(text, list, false);
}

const char *tag_list_parse_commented(struct slice text, struct tag_list *list)
{
	return parse(text, list, true);
}

const struct tag *tag_list_get(const struct tag_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (slice_equals(list->tags[i].name, name))
			return &list->tags[i];
	return NULL;
}

bool tag_next_word(struct slice *rest, bool *ended, struct slice *word)
{
	size_t colon = slice_find(*rest, ':');

	if (*ended)
		return false;
	*word = slice_trim(slice_first(*rest, colon));
	*ended = colon == rest->len;
	*rest = slice_from(*rest, *ended ? colon : colon + 1);
	return true;
}

bool tag_has_word(struct slice value, const char *word)
{
	struct slice next;
	bool ended = false;

	while (tag_next_word(&value, &ended, &next))
		if (slice_equals(next, word))
			return true;
	return false;
}

bool tag_number(struct slice value, size_t digits, uint64_t *number)
{
	*number = 0;
	if (value.len == 0 || value.len > digits)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		unsigned digit = (unsigned char)value.data[i] - (unsigned)'0';

		if (digit > 9)
			return false;
		/* l= may have 76 digits; no message has. */
		if (*number > (UINT64_MAX - digit) / 10)
			*number = UINT64_MAX;
		else
			*number = *number * 10 + digit;
	}
	return true;
}

bool tag_base64(
    struct slice value, struct arena *arena, uint8_t **bytes, size_t *len)
{
	uint8_t *out = arena_alloc(arena, value.len / 4 * 3 + 3);
	size_t count = 0, padding = 0;
	uint32_t bits = 0;

	*bytes = out;
	*len = 0;
	for (size_t i = 0; i < value.len; i++) {
		int six = base64_value(value.data[i]);

		if (slice_is_space(value.data[i]))
			continue;
		if (value.data[i] == '=')
			padding++;
		else if (six < 0 || padding > 0)
			return false;
		if (six < 0)
			continue;
		bits = bits << 6 | (uint32_t)six;
		if (++count % 4 != 1)
			out[(*len)++] =
			    (uint8_t)(bits >> (6 - 2 * ((count - 1) % 4)));
	}
	return *len > 0 && count % 4 != 1 &&
	       (padding == 0 || (count + padding) % 4 == 0) && padding < 3;
}

const char *tag_squeeze(struct slice value, struct arena *arena)
{
	char *copy = arena_alloc(arena, value.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < value.len; i++)
		if (!slice_is_space(value.data[i]))
			copy[len++] = value.data[i];
	copy[len] = '\0';
	return copy;
}
