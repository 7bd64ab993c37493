#include "mail/html_entity.h"

#include "base/utf8.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>

/* The longest name in the table has fewer characters. */
#define NAME_MAX_LEN 20

static int compare(const void *key, const void *row)
{
	return strcmp(key, ((const struct html_entity *)row)->name);
}

static const struct html_entity *look_up(struct slice name)
{
	char key[NAME_MAX_LEN + 1];

	if (name.len > NAME_MAX_LEN)
		return NULL;
	memcpy(key, name.data, name.len);
	key[name.len] = '\0';
	return bsearch(key, html_entities, html_entity_count,
	    sizeof(html_entities[0]), compare);
}

/* HTML 5 section 13.2.5.80: C1 controls mean Windows-1252. */
static uint32_t mend(uint32_t character)
{
	static const uint16_t high[32] = {0x20AC, 0x81, 0x201A, 0x0192, 0x201E,
	    0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152,
	    0x8D, 0x017D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
	    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,
	    0x017E, 0x0178};

	if (character == 0)
		return 0xFFFD;
	return character >= 0x80 && character < 0xA0 ? high[character - 0x80]
						     : character;
}

static int digit(char c, uint32_t base)
{
	int value;

	if (isdigit((unsigned char)c))
		value = c - '0';
	else if (base == 16 && isxdigit((unsigned char)c))
		value = tolower((unsigned char)c) - 'a' + 10;
	else
		return -1;
	return value;
}

/* "&#233;" or "&#xE9;" at the start of the text: its length, 0 if none. */
static size_t numeric(struct slice text, char out[UTF8_MAX], size_t *out_len)
{
	uint32_t base = 10, character = 0;
	size_t at = 2, first;

	if (at < text.len && (text.data[at] | 0x20) == 'x') {
		base = 16;
		at++;
	}
	for (first = at; at < text.len && digit(text.data[at], base) >= 0; at++)
		if (character <= 0x10FFFF)
			character = character * base +
				    (uint32_t)digit(text.data[at], base);
	if (at == first)
		return 0;
	*out_len = utf8_encode(mend(character), out);
	return at < text.len && text.data[at] == ';' ? at + 1 : at;
}

/* "&eacute;" at the start of the text. */
static size_t named(
    struct slice text, bool attribute, const struct html_entity **entity)
{
	size_t len = 1;

	while (len < text.len && len <= NAME_MAX_LEN &&
	       isalnum((unsigned char)text.data[len]))
		len++;
	if (len < text.len && text.data[len] == ';') {
		*entity = look_up(slice_first(slice_from(text, 1), len - 1));
		if (*entity != NULL)
			return len + 1;
	}
	/* The longest name that may go without a semicolon. */
	for (size_t end = len; end > 2; end--) {
		*entity = look_up(slice_first(slice_from(text, 1), end - 1));
		if (*entity == NULL || !(*entity)->bare)
			continue;
		if (attribute && end < text.len &&
		    (isalnum((unsigned char)text.data[end]) ||
			text.data[end] == '='))
			return 0;
		return end;
	}
	return 0;
}

static size_t decode_one(
    struct slice text, bool attribute, struct buf *out, bool *fits)
{
	const struct html_entity *entity;
	char character[UTF8_MAX];
	size_t len, out_len = 0;

	if (text.len > 1 && text.data[1] == '#') {
		len = numeric(text, character, &out_len);
		if (len > 0)
			*fits = buf_append(out, character, out_len);
	} else {
		len = named(text, attribute, &entity);
		if (len > 0)
			*fits = buf_append_text(out, entity->text);
	}
	return len;
}

bool html_entity_decode(struct slice text, bool attribute, struct buf *out)
{
	size_t plain, len;
	bool fits = true;

	while (text.len > 0 && fits) {
		plain = slice_find(text, '&');
		fits = buf_append(out, text.data, plain);
		text = slice_from(text, plain);
		if (text.len == 0 || !fits)
			break;
		len = decode_one(text, attribute, out, &fits);
		if (len == 0) {
			fits = buf_append_char(out, '&');
			len = 1;
		}
		text = slice_from(text, len);
	}
	return fits;
}
