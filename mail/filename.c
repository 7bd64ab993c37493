#include "mail/filename.h"

#include "base/buf.h"
#include "base/digit.h"
#include "base/utf8.h"
#include "bounds.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* What is kept of a name that is cut; longer ones are no extension. */
#define EXTENSION_MAX 8
/* The longest extension in the table has 11 characters. */
#define KEY_MAX 15

#define OPAQUE "application/octet-stream"

/* "na%C3%AFve%20file.txt": only if every '%' begins an escape, and UTF-8 comes
 * out; "100%.txt" is what it says. */
static bool undo_percent(struct slice name, struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];

		if (c == '%') {
			int byte =
			    i + 2 < name.len ? hex_byte(name.data + i + 1) : -1;

			if (byte < 0)
				return false;
			c = (char)byte;
			i += 2;
			any = true;
		}
		(void)buf_append_char(out, c);
	}
	return any && utf8_valid(buf_text(out), out->len);
}

static struct slice last_component(struct slice name)
{
	for (size_t i = name.len; i > 0; i--)
		if (name.data[i - 1] == '/' || name.data[i - 1] == '\\')
			return slice_from(name, i);
	return name;
}

/* C0, DEL, C1, and the marks that turn the direction of text around: a name
 * must not look like another one. */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7F && c < 0xA0) ||
	       (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

static void keep_printable(struct slice name, struct buf *out)
{
	size_t bad, at = 0;
	int seq;

	while (at < name.len) {
		seq = utf8_sequence(name.data + at, name.len - at, &bad);
		if (seq <= 0) {
			(void)buf_append(
			    out, UTF8_REPLACEMENT, UTF8_REPLACEMENT_LEN);
			at += bad;
			continue;
		}
		if (!is_control(utf8_decode(name.data + at, seq)))
			(void)buf_append(out, name.data + at, (size_t)seq);
		at += (size_t)seq;
	}
}

static const char *shorten(struct slice name, struct arena *arena)
{
	struct slice extension = filename_extension(name);
	size_t stem = name.len - extension.len;

	if (name.len <= LIMIT_FILENAME)
		return arena_strndup(arena, name.data, name.len);
	if (extension.len > EXTENSION_MAX)
		return arena_strndup(arena, name.data,
		    utf8_cut(name.data, name.len, LIMIT_FILENAME));
	stem = utf8_cut(name.data, stem, LIMIT_FILENAME - 1 - extension.len);
	return arena_printf(arena, "%.*s.%.*s", (int)stem, name.data,
	    (int)extension.len, extension.data);
}

const char *filename_clean(struct slice name, struct arena *arena)
{
	struct buf decoded = buf_new(name.len);
	struct buf printable = buf_new(name.len * UTF8_REPLACEMENT_LEN);
	const char *result = NULL;

	if (undo_percent(name, &decoded))
		name = (struct slice){buf_text(&decoded), decoded.len};
	keep_printable(last_component(slice_trim(name)), &printable);
	name = slice_trim((struct slice){buf_text(&printable), printable.len});
	if (name.len > 0 && !slice_equals(name, ".") &&
	    !slice_equals(name, ".."))
		result = shorten(name, arena);
	buf_free(&decoded);
	buf_free(&printable);
	return result;
}

struct slice filename_extension(struct slice name)
{
	name = last_component(name);
	for (size_t i = name.len; i > 1; i--)
		if (name.data[i - 1] == '.')
			return slice_from(name, i);
	return (struct slice){0};
}

static int compare(const void *key, const void *row)
{
	return strcmp(key, ((const struct media_type *)row)->extension);
}

const char *filename_media_type(struct slice name)
{
	struct slice extension = filename_extension(name);
	const struct media_type *row;
	char key[KEY_MAX + 1];

	if (extension.len == 0)
		extension = name;
	if (extension.len > KEY_MAX)
		return OPAQUE;
	for (size_t i = 0; i < extension.len; i++)
		key[i] = (char)tolower((unsigned char)extension.data[i]);
	key[extension.len] = '\0';
	row = bsearch(
	    key, media_types, media_type_count, sizeof(*media_types), compare);
	return row == NULL ? OPAQUE : row->type;
}
