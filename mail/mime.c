#include "mail/mime.h"

#include "bounds.h"
#include "mail/filename.h"
#include "mail/header.h"
#include "mail/mime_header.h"

#include <string.h>

/* As much of a line as is ever looked at: a delimiter with its dashes, and
 * some blanks behind it. */
#define LOOK ((size_t)LIMIT_BOUNDARY + 64)

/* A multipart that is open, with the boundary of its parts. */
struct level {
	size_t part;
	const char *boundary;
	size_t len;
	uint64_t hash;
};

struct scanner {
	struct window *window;
	struct arena *arena, *scratch;
	struct mime *mime;
	size_t size; /* of mime->parts */
	size_t max_parts;
	struct level levels[LIMIT_MIME_DEPTH];
	size_t depth;
	size_t leaf;   /* the part whose body is being passed */
	uint64_t at;   /* always the start of a line, but see in_line */
	bool in_line;  /* at is inside a line that was too long */
	size_t ending; /* length of the line end before at */
	struct error *err;
};

struct delimiter {
	size_t level; /* index in levels */
	bool closing;
	uint64_t line, next; /* offsets of it and of what follows */
};

/* FNV-1a: so that a line costs the same however many multiparts are open. */
static uint64_t hash(const char *s, size_t len, uint64_t start)
{
	for (size_t i = 0; i < len; i++)
		start = (start ^ (unsigned char)s[i]) * 0x100000001B3ULL;
	return start;
}

#define HASH_START 0xCBF29CE484222325ULL

static bool is_level(
    const struct level *level, const char *s, size_t len, uint64_t value)
{
	return level->hash == value && level->len == len &&
	       memcmp(level->boundary, s, len) == 0;
}

/* Whether a line (without its LF) is a delimiter of an open multipart, the
 * innermost first. */
static bool match(const struct scanner *scanner, const char *line, size_t len,
    struct delimiter *found)
{
	uint64_t whole, name = 0;
	bool closes;

	while (len > 0 && slice_is_space(line[len - 1]))
		len--;
	if (len < 3 || len > LIMIT_BOUNDARY + 4 || line[0] != '-' ||
	    line[1] != '-')
		return false;
	line += 2;
	len -= 2;
	closes = len > 2 && line[len - 1] == '-' && line[len - 2] == '-';
	if (closes)
		name = hash(line, len - 2, HASH_START);
	whole = closes ? hash(line + len - 2, 2, name)
		       : hash(line, len, HASH_START);
	for (size_t i = scanner->depth; i > 0; i--) {
		const struct level *level = &scanner->levels[i - 1];

		found->level = i - 1;
		found->closing = false;
		if (is_level(level, line, len, whole))
			return true;
		found->closing = closes;
		if (closes && is_level(level, line, len - 2, name))
			return true;
	}
	return false;
}

static void open_level(struct scanner *scanner, size_t part)
{
	const char *boundary = scanner->mime->parts[part].boundary;
	size_t len = strlen(boundary);

	scanner->levels[scanner->depth++] = (struct level){.part = part,
	    .boundary = boundary,
	    .len = len,
	    .hash = hash(boundary, len, HASH_START)};
}

/* What stands at `line` is a delimiter. */
static bool is_delimiter(const struct scanner *scanner, const char *data,
    const char *line, const char *end, struct delimiter *found)
{
	if (!match(scanner, line, (size_t)(end - line), found))
		return false;
	found->line = scanner->at + (uint64_t)(line - data);
	found->next = scanner->at + (uint64_t)(end - data);
	return true;
}

/* A line ends at `newline`: how long its end is. */
static void note_ending(
    struct scanner *scanner, const char *line, const char *newline)
{
	if (newline > line)
		scanner->ending = newline[-1] == '\r' ? 2 : 1;
	else if (!scanner->in_line)
		scanner->ending = 1;
	scanner->in_line = false;
}

/* The line goes on behind what is in view. */
static void note_cut(struct scanner *scanner, const char *end)
{
	scanner->ending = end[-1] == '\r' ? 2 : 1;
	scanner->in_line = true;
}

/* Passes the lines in view. True if a delimiter was found; otherwise
 * scanner->at is where more must be seen. */
static bool pass_lines(struct scanner *scanner, const char *data, size_t got,
    bool to_end, struct delimiter *found)
{
	const char *line = data, *end = data + got, *newline, *next;
	/* So much of a line must be seen. */
	size_t least = to_end ? 1 : LOOK;

	while (scanner->in_line ? line < end : (size_t)(end - line) >= least) {
		newline = memchr(line, '\n', (size_t)(end - line));
		next = newline == NULL ? end : newline + 1;
		if (line[0] == '-' && !scanner->in_line &&
		    (newline != NULL || to_end) &&
		    is_delimiter(scanner, data, line, next, found))
			return true;
		if (newline != NULL)
			note_ending(scanner, line, newline);
		else
			note_cut(scanner, end);
		line = next;
	}
	scanner->at += (uint64_t)(line - data);
	return false;
}

/* The next delimiter from scanner->at; *any is false at the end. */
static bool find_delimiter(
    struct scanner *scanner, struct delimiter *found, bool *any)
{
	const struct source *source = &scanner->window->source;
	const char *data;
	size_t got;
	bool to_end;

	*any = false;
	scanner->in_line = false;
	while (scanner->at < source->size) {
		if (!window_at(scanner->window, scanner->at, LOOK, &data, &got,
			scanner->err))
			return false;
		to_end = scanner->at + got == source->size;
		if (pass_lines(scanner, data, got, to_end, found)) {
			*any = true;
			return true;
		}
	}
	return true;
}

/* The line at an offset, as far as it is looked at, and where the next one
 * begins. */
static bool see_line(
    struct scanner *scanner, uint64_t at, struct slice *line, uint64_t *next)
{
	struct window *window = scanner->window;
	const char *newline = NULL;
	size_t got;

	*next = at;
	do {
		if (!window_at(
			window, *next, LOOK, &line->data, &got, scanner->err))
			return false;
		newline = memchr(line->data, '\n', got);
		*next +=
		    newline == NULL ? got : (size_t)(newline - line->data) + 1;
	} while (newline == NULL && *next < window->source.size);
	if (!window_at(window, at, LOOK, &line->data, &got, scanner->err))
		return false;
	line->len = (size_t)(*next - at) - (newline == NULL ? 0 : 1);
	if (line->len > LOOK)
		line->len = LOOK;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * Finds where the header at part->header ends and the body begins: behind
 * the first empty line. If a delimiter or the end comes first there is none,
 * and then what is no field any more is the body: the sender forgot it.
 */
static bool find_body(struct scanner *scanner, struct mime_part *part)
{
	uint64_t size = scanner->window->source.size;
	uint64_t at = part->header, next = at, junk = UINT64_MAX;
	struct delimiter unused;
	bool fields = false;
	struct slice line;

	for (; at < size; at = next) {
		if (!see_line(scanner, at, &line, &next))
			return false;
		if (line.len == 0 || slice_equals(line, "\r")) {
			part->body = next;
			return true;
		}
		if (match(scanner, line.data, line.len, &unused))
			break;
		if (header_is_field(line))
			fields = true;
		else if (junk == UINT64_MAX &&
			 !(fields && is_blank(line.data[0])) &&
			 !(at == part->header && slice_starts(line, "From ")))
			junk = at;
	}
	part->body = junk < at ? junk : at;
	return true;
}

static struct mime_part *add_part(struct scanner *scanner)
{
	struct mime *mime = scanner->mime;
	struct mime_part *bigger;

	if (mime->count == scanner->size) {
		scanner->size = scanner->size == 0 ? 4 : scanner->size * 2;
		bigger = arena_alloc(
		    scanner->arena, scanner->size * sizeof(*bigger));
		if (mime->count > 0)
			memcpy(
			    bigger, mime->parts, mime->count * sizeof(*bigger));
		mime->parts = bigger;
	}
	bigger = &mime->parts[mime->count++];
	memset(bigger, 0, sizeof(*bigger));
	return bigger;
}

static bool read_header(struct scanner *scanner, struct mime_part *part)
{
	size_t limit =
	    part->parent == MIME_ROOT ? LIMIT_HEADER_BLOCK : LIMIT_PART_HEADER;
	const char *data;
	size_t got, len;

	if (!find_body(scanner, part))
		return false;
	len = part->body - part->header < limit
		  ? (size_t)(part->body - part->header)
		  : limit;
	if (!window_at(
		scanner->window, part->header, len, &data, &got, scanner->err))
		return false;
	mime_header_read(
	    (struct slice){data, len}, scanner->arena, scanner->scratch, part);
	return true;
}

static bool is_multipart(const struct mime_part *part)
{
	return strncmp(part->type, "multipart/", 10) == 0;
}

/* Also a text that names a boundary: some change only the type. */
static bool may_have_parts(const struct mime_part *part)
{
	return is_multipart(part) ||
	       (part->boundary != NULL && strncmp(part->type, "text/", 5) == 0);
}

/* A part whose header begins at an offset. */
static bool begin_part(struct scanner *scanner, size_t parent, uint64_t at)
{
	struct mime *mime = scanner->mime;
	struct mime_part *part = add_part(scanner);

	part->parent = parent;
	part->header = at;
	part->depth = parent == MIME_ROOT ? 0 : mime->parts[parent].depth + 1;
	if (!read_header(scanner, part))
		return false;
	part->end = scanner->window->source.size;
	scanner->leaf = mime->count - 1;
	scanner->at = part->body;
	scanner->ending = 0;
	if (!may_have_parts(part))
		return true;
	if (part->boundary == NULL) {
		part->type = "text/plain";
	} else if (scanner->depth < LIMIT_MIME_DEPTH) {
		part->multipart = true;
		open_level(scanner, scanner->leaf);
	}
	return true;
}

/* All parts that are open down to a level end here. */
static void end_parts(
    struct scanner *scanner, const struct delimiter *delimiter)
{
	struct mime_part *parts = scanner->mime->parts;
	size_t outer = scanner->levels[delimiter->level].part;
	uint64_t end = delimiter->line - scanner->ending;

	for (size_t i = scanner->leaf; i != outer && i != MIME_ROOT;
	     i = parts[i].parent) {
		if (parts[i].end > end)
			parts[i].end =
			    end > parts[i].body ? end : parts[i].body;
	}
	scanner->depth = delimiter->level + 1;
	scanner->leaf = outer;
}

/* There may be no more parts: the last one, opaque, holds the rest. */
static void cut(struct scanner *scanner, uint64_t at)
{
	struct mime_part *part = add_part(scanner);

	part->parent = scanner->leaf;
	part->depth = scanner->mime->parts[scanner->leaf].depth + 1;
	part->header = part->body = at;
	part->end = scanner->window->source.size;
	part->type = "application/octet-stream";
	part->disposition = MIME_ATTACHMENT;
	scanner->mime->cut = true;
}

/* A multipart without a single part is text after all. */
static void mend_empty(struct mime *mime)
{
	for (size_t i = 0; i < mime->count; i++) {
		struct mime_part *part = &mime->parts[i];

		if (!part->multipart ||
		    (i + 1 < mime->count && mime->parts[i + 1].parent == i))
			continue;
		part->multipart = false;
		if (is_multipart(part))
			part->type = "text/plain";
	}
}

static bool scan(struct scanner *scanner)
{
	struct delimiter found;
	bool any;

	if (!begin_part(scanner, MIME_ROOT, 0))
		return false;
	while (scanner->depth > 0) {
		if (!find_delimiter(scanner, &found, &any))
			return false;
		if (!any)
			break;
		end_parts(scanner, &found);
		scanner->at = found.next;
		scanner->ending = 0;
		if (found.closing)
			continue;
		if (scanner->mime->count + 1 >= scanner->max_parts) {
			cut(scanner, found.next);
			break;
		}
		if (!begin_part(scanner, scanner->leaf, found.next))
			return false;
	}
	mend_empty(scanner->mime);
	return true;
}

bool mime_parse(struct window *window, size_t max_parts, struct arena *arena,
    struct mime *mime, struct error *err)
{
	struct scanner scanner = {.window = window,
	    .arena = arena,
	    .scratch = arena_new(),
	    .mime = mime,
	    .max_parts = max_parts < 2 ? 2 : max_parts,
	    .err = err};
	bool done;

	*mime = (struct mime){0};
	done = scan(&scanner);
	arena_free(&scanner.scratch);
	return done;
}

bool mime_is_type(const struct mime_part *part, const char *type)
{
	return strcmp(part->type, type) == 0;
}

bool mime_is_shown(const struct mime_part *part)
{
	return !part->multipart && part->disposition != MIME_ATTACHMENT &&
	       (mime_is_type(part, "text/plain") ||
		   mime_is_type(part, "text/html") ||
		   mime_is_type(part, "message/delivery-status"));
}

bool mime_is_attachment(const struct mime_part *part)
{
	return !part->multipart && !mime_is_shown(part);
}

const char *mime_media_type(const struct mime_part *part)
{
	if (mime_is_type(part, "application/octet-stream") &&
	    part->filename != NULL)
		return filename_media_type(slice_of(part->filename));
	return part->type;
}
