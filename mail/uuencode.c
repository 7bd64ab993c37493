#include "mail/uuencode.h"

#include "base/slice.h"
#include "bounds.h"

#include <string.h>

/* The six bits that a character stands for; '`' is a blank that no program
 * on the way drops. */
static unsigned bits_of(char c)
{
	return ((unsigned char)c - 0x20U) & 0x3FU;
}

static bool is_sign(char c)
{
	return c >= 0x20 && c <= 0x60;
}

/* "begin 644 name": the name, or nothing. */
static struct slice name_of(struct slice line)
{
	static const struct slice none = {"", 0};
	size_t digits = 0;

	if (line.len < 11 || memcmp(line.data, "begin ", 6) != 0)
		return none;
	line = slice_from(line, 6);
	while (digits < line.len && line.data[digits] >= '0' &&
	       line.data[digits] <= '7')
		digits++;
	if (digits < 3 || digits > 4 || digits == line.len ||
	    line.data[digits] != ' ')
		return none;
	line = slice_trim(slice_from(line, digits));
	return slice_find(line, '\0') < line.len ? none : line;
}

/* How many bytes a line of data holds: 0 if it is none. Blanks at its end may
 * have been lost on the way, unless it must be `whole`; one character more
 * than needed is a checksum of old. */
static size_t data_len(struct slice line, bool whole)
{
	size_t bytes, signs;

	if (line.len < 2 || !is_sign(line.data[0]))
		return 0;
	bytes = bits_of(line.data[0]);
	signs = (bytes + 2) / 3 * 4;
	if (line.len - 1 > signs + 1 || (whole && line.len - 1 < signs))
		return 0;
	for (size_t i = 1; i < line.len; i++)
		if (!is_sign(line.data[i]))
			return 0;
	return bytes;
}

static unsigned sign_at(struct slice line, size_t at)
{
	return at < line.len ? bits_of(line.data[at]) : 0;
}

static bool decode_line(struct slice line, size_t bytes, struct buf *out)
{
	char text[3 * 21];
	size_t len = 0;

	for (size_t at = 1; len < bytes; at += 4) {
		unsigned a = sign_at(line, at), b = sign_at(line, at + 1);
		unsigned c = sign_at(line, at + 2), d = sign_at(line, at + 3);

		text[len++] = (char)(a << 2 | b >> 4);
		text[len++] = (char)(b << 4 | c >> 2);
		text[len++] = (char)(c << 6 | d);
	}
	if (bytes > line.len)
		bytes = line.len;
	return buf_append(out, text, bytes);
}

static struct slice without_end(struct slice line)
{
	if (line.len > 0 && line.data[line.len - 1] == '\n')
		line.len--;
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

static bool take_line(
    struct uuencode *uuencode, struct slice line, struct buf *out)
{
	size_t bytes;

	switch (uuencode->place) {
	case UUENCODE_BEFORE:
		if (name_of(line).len > 0)
			uuencode->place = UUENCODE_INSIDE;
		break;
	case UUENCODE_INSIDE:
		bytes = data_len(line, false);
		if (bytes > 0)
			return decode_line(line, bytes, out);
		uuencode->place = UUENCODE_BEHIND;
		break;
	case UUENCODE_BEHIND:
		break;
	}
	return true;
}

bool uuencode_decode(struct uuencode *uuencode, const char *in, size_t len,
    bool last, struct buf *out, size_t *used)
{
	struct slice rest = {in, len}, line;
	bool fits = true, ends;

	while (rest.len > 0 && fits) {
		line = slice_first(rest, slice_find(rest, '\n'));
		ends = line.len < rest.len;
		line.len += ends;
		if (!ends && !last && line.len <= UUENCODE_CUT)
			break;
		if (!uuencode->cut && line.len <= UUENCODE_CUT)
			fits = take_line(uuencode, without_end(line), out);
		else if (uuencode->place == UUENCODE_INSIDE)
			uuencode->place = UUENCODE_BEHIND;
		uuencode->cut = !ends;
		rest = slice_from(rest, line.len);
	}
	*used = len - rest.len;
	return fits;
}

/* Lines of a source, one after the other. */
struct reader {
	struct window *window;
	uint64_t at, end;
	struct slice line; /* without its end; its first bytes if it is long */
	struct error *err;
};

/* The next line; false at the end, or if the source cannot be read. */
static bool read_line(struct reader *reader, bool *failed)
{
	const char *data, *newline = NULL;
	uint64_t start = reader->at;
	size_t got;

	if (start >= reader->end)
		return false;
	while (newline == NULL && reader->at < reader->end) {
		if (!window_at(reader->window, reader->at, UUENCODE_CUT, &data,
			&got, reader->err))
			goto failed;
		if (got > reader->end - reader->at)
			got = (size_t)(reader->end - reader->at);
		newline = memchr(data, '\n', got);
		if (got == 0)
			return false;
		reader->at +=
		    newline == NULL ? got : (size_t)(newline - data) + 1;
	}
	if (!window_at(
		reader->window, start, UUENCODE_CUT, &data, &got, reader->err))
		goto failed;
	if (got > reader->at - start)
		got = (size_t)(reader->at - start);
	reader->line = (struct slice){data, got};
	if (got <= UUENCODE_CUT)
		reader->line = without_end(reader->line);
	return true;
failed:
	*failed = true;
	return false;
}

/* Behind a line "begin": whether a file is there, and where it ends. */
static bool pass_file(struct reader *reader, uint64_t *end, bool *failed)
{
	bool any = false;

	while (*end = reader->at, read_line(reader, failed)) {
		if (data_len(reader->line, !any) > 0) {
			any = true;
			continue;
		}
		/* The line of no bytes, and the last one. */
		if (reader->line.len <= 1 && any &&
		    (reader->line.len == 0 ||
			bits_of(reader->line.data[0]) == 0))
			continue;
		if (any && slice_equals(reader->line, "end"))
			*end = reader->at;
		else
			reader->at = *end;
		break;
	}
	return any;
}

static void add_file(struct arena *arena, struct uuencoded **files,
    size_t *count, struct uuencoded file)
{
	if (*files == NULL)
		*files = arena_alloc(arena, LIMIT_UUENCODED * sizeof(**files));
	(*files)[(*count)++] = file;
}

bool uuencode_find(struct window *window, uint64_t start, uint64_t end,
    struct arena *arena, struct uuencoded **files, size_t *count,
    struct error *err)
{
	struct reader reader = {window, start, end, {"", 0}, err};
	struct uuencoded file;
	struct slice name;
	bool failed = false;

	*files = NULL;
	*count = 0;
	while (*count < LIMIT_UUENCODED) {
		file.start = reader.at;
		if (!read_line(&reader, &failed))
			break;
		name = name_of(reader.line);
		if (name.len == 0 || reader.line.len > UUENCODE_CUT)
			continue;
		file.name = arena_strndup(arena, name.data, name.len);
		if (pass_file(&reader, &file.end, &failed))
			add_file(arena, files, count, file);
	}
	return !failed;
}
