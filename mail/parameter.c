#include "mail/parameter.h"

#include "base/buf.h"
#include "base/digit.h"
#include "mail/charset.h"
#include "mail/encoded_word.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A piece of a parameter in the order of its number. */
struct section {
	unsigned long number;
	size_t order; /* as it came, between equals */
	struct slice value;
	bool starred; /* the name ends in '*' */
};

/* Where the next ';' is that is not quoted. */
static size_t value_len(struct slice text)
{
	bool quoted = false;
	size_t at = 0;

	for (; at < text.len; at++) {
		if (text.data[at] == '\\' && at + 1 < text.len)
			at++;
		else if (text.data[at] == '"')
			quoted = !quoted;
		else if (text.data[at] == ';' && !quoted)
			break;
	}
	return at;
}

/* Takes a value off the text, and the ';' behind it; without its quotes and
 * backslashes. */
static struct slice take_value(struct slice *text, struct arena *arena)
{
	size_t end = value_len(*text), to = 0;
	char *copy = arena_alloc(arena, end + 1);

	for (size_t at = 0; at < end; at++) {
		if (text->data[at] == '\\' && at + 1 < end)
			at++;
		else if (text->data[at] == '"')
			continue;
		copy[to++] = text->data[at];
	}
	*text = slice_from(*text, end < text->len ? end + 1 : end);
	return slice_trim((struct slice){copy, to});
}

static struct slice lower(struct slice name, struct arena *arena)
{
	char *copy = arena_strndup(arena, name.data, name.len);

	for (size_t i = 0; i < name.len; i++)
		copy[i] = (char)tolower((unsigned char)copy[i]);
	return (struct slice){copy, name.len};
}

void parameters_parse(
    struct slice text, struct arena *arena, struct parameters *result)
{
	struct parameter *next;
	size_t equals, semicolon;

	result->count = 0;
	result->value = take_value(&text, arena);
	while (text.len > 0 && result->count < LIMIT_PARAMETERS) {
		semicolon = slice_find(text, ';');
		equals = slice_find(slice_first(text, semicolon), '=');
		if (equals == semicolon) {
			/* A word without a value means nothing here. */
			text = slice_from(text,
			    semicolon < text.len ? semicolon + 1 : text.len);
			continue;
		}
		next = &result->list[result->count++];
		next->name =
		    lower(slice_trim(slice_first(text, equals)), arena);
		text = slice_from(text, equals + 1);
		next->value = take_value(&text, arena);
	}
}

/* Whether the parameter is `name*`, `name*N` or `name*N*`. */
static bool is_section(const struct parameter *parameter, const char *name,
    struct section *section)
{
	size_t len = strlen(name);
	struct slice rest;
	char *end;

	if (parameter->name.len <= len ||
	    memcmp(parameter->name.data, name, len) != 0 ||
	    parameter->name.data[len] != '*')
		return false;
	rest = slice_from(parameter->name, len + 1);
	section->starred = rest.len == 0;
	section->number = 0;
	section->value = parameter->value;
	if (rest.len == 0)
		return true;
	/* The name is terminated: the arena's copy. */
	section->number = strtoul(rest.data, &end, 10);
	if (end == rest.data || !isdigit((unsigned char)rest.data[0]))
		return false;
	rest = slice_from(rest, (size_t)(end - rest.data));
	section->starred = slice_equals(rest, "*");
	return rest.len == 0 || section->starred;
}

static int by_number(const void *left, const void *right)
{
	const struct section *a = left, *b = right;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static size_t collect(const struct parameters *parameters, const char *name,
    struct section *sections)
{
	size_t count = 0;

	for (size_t i = 0; i < parameters->count; i++) {
		if (!is_section(&parameters->list[i], name, &sections[count]))
			continue;
		sections[count].order = count;
		count++;
	}
	if (count > 1)
		qsort(sections, count, sizeof(*sections), by_number);
	return count;
}

/* charset'language'text: the charset, and the text in its place. */
static bool take_charset(struct section *first, struct slice *charset)
{
	struct slice rest = first->value;
	size_t quote = slice_find(rest, '\'');

	if (!first->starred || first->number != 0 || quote == rest.len)
		return false;
	*charset = slice_first(rest, quote);
	rest = slice_from(rest, quote + 1);
	quote = slice_find(rest, '\'');
	if (quote == rest.len)
		return false;
	first->value = slice_from(rest, quote + 1);
	return true;
}

static void unescape(struct buf *text)
{
	char *s = text->data;
	size_t to = 0;
	int byte;

	for (size_t at = 0; at < text->len; at++) {
		byte = s[at] == '%' && at + 2 < text->len ? hex_byte(s + at + 1)
							  : -1;
		s[to++] = byte < 0 ? s[at] : (char)byte;
		if (byte >= 0)
			at += 2;
	}
	text->len = to;
}

static void decode_charset(
    struct slice label, const struct buf *bytes, struct buf *out)
{
	struct charset charset;
	size_t used;

	charset_open(&charset, label, CHARSET_WORD);
	(void)charset_decode(
	    &charset, buf_text(bytes), bytes->len, true, out, &used);
	charset_close(&charset);
}

static const char *without_nuls(const struct buf *text, struct arena *arena)
{
	char *copy = arena_alloc(arena, text->len + 1);
	size_t to = 0;

	for (size_t i = 0; i < text->len; i++)
		if (text->data[i] != '\0')
			copy[to++] = text->data[i];
	copy[to] = '\0';
	return copy;
}

static const char *join(
    struct section *sections, size_t count, struct arena *arena)
{
	struct buf joined = buf_new(SIZE_MAX / 2), out = buf_new(SIZE_MAX / 2);
	struct buf text = buf_new(SIZE_MAX / 2);
	struct slice charset = {0};
	bool encoded = take_charset(&sections[0], &charset);
	const char *result;

	for (size_t i = 0; i < count; i++)
		(void)buf_append(
		    &joined, sections[i].value.data, sections[i].value.len);
	if (encoded && joined.len > 0) {
		unescape(&joined);
		decode_charset(charset, &joined, &text);
	} else {
		(void)buf_append(&text, joined.data, joined.len);
	}
	/* RFC 2047 section 5 (3) forbids them here, and senders do it. */
	(void)encoded_words_decode(
	    (struct slice){buf_text(&text), text.len}, &out);
	result = without_nuls(&out, arena);
	buf_free(&joined);
	buf_free(&text);
	buf_free(&out);
	return result;
}

const char *parameters_get(
    const struct parameters *parameters, const char *name, struct arena *arena)
{
	struct section sections[LIMIT_PARAMETERS];
	size_t count = collect(parameters, name, sections);
	struct section plain;

	if (count > 0)
		return join(sections, count, arena);
	/* Of several with one name the last counts. */
	for (size_t i = parameters->count; i > 0; i--) {
		const struct parameter *parameter = &parameters->list[i - 1];

		if (!slice_equals(parameter->name, name))
			continue;
		plain = (struct section){.value = parameter->value};
		return join(&plain, 1, arena);
	}
	return NULL;
}
