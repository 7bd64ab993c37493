#include "mail/author.h"

#include "mail/domain.h"
#include "mail/header.h"

#include <string.h>

/* One From field. */
struct scan {
	struct slice rest;
	bool angle;   /* between < and > */
	bool address; /* one was seen there */
	bool word;    /* what comes before is one: a local part, maybe */
	struct arena *arena;
	struct author *author;
};

static bool fault(struct scan *scan, const char *what)
{
	if (scan->author->fault == NULL)
		scan->author->fault = what;
	return false;
}

static void pass(struct scan *scan, size_t len)
{
	scan->rest = slice_from(scan->rest, len);
}

static bool is_special(char c)
{
	return c == '\0' || strchr("()<>[]:;@\\,\"", c) != NULL;
}

static size_t atom_length(struct slice text)
{
	size_t len = 0;

	while (len < text.len && !is_special(text.data[len]) &&
	       (unsigned char)text.data[len] > ' ' && text.data[len] != 0x7F)
		len++;
	return len;
}

/* Of the one that the text begins with; 0: it has no end. */
static size_t comment_length(struct slice text)
{
	size_t depth = 0;

	for (size_t at = 0; at < text.len; at++) {
		char c = text.data[at];

		if (c == '\\')
			at++;
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			return at + 1;
	}
	return 0;
}

static bool pass_comment(struct scan *scan)
{
	size_t len = comment_length(scan->rest);

	pass(scan, len);
	return len > 0 || fault(scan, "a comment in From has no end");
}

static bool pass_quoted(struct scan *scan)
{
	for (size_t at = 1; at < scan->rest.len; at++) {
		if (scan->rest.data[at] == '\\') {
			at++;
		} else if (scan->rest.data[at] == '"') {
			pass(scan, at + 1);
			scan->word = true;
			return true;
		}
	}
	return fault(scan, "a quote in From has no end");
}

/* Folds, blanks and comments. */
static bool pass_blanks(struct scan *scan)
{
	while (scan->rest.len > 0) {
		char c = scan->rest.data[0];

		if (slice_is_space(c))
			pass(scan, 1);
		else if (c != '(')
			return true;
		else if (!pass_comment(scan))
			return false;
	}
	return true;
}

static bool too_many(struct scan *scan)
{
	scan->author->too_many = true;
	return fault(scan, "From has too many domains");
}

static bool keep_domain(struct scan *scan, const char *domain)
{
	struct author *author = scan->author;

	for (size_t i = 0; i < author->count; i++)
		if (domain_equal(author->domains[i], domain))
			return true;
	if (author->count == LIMIT_AUTHORS)
		return too_many(scan);
	author->domains[author->count++] = arena_strdup(scan->arena, domain);
	return true;
}

/* At an "@". */
static bool read_domain(struct scan *scan)
{
	char domain[DOMAIN_SIZE];
	size_t len;

	if (!scan->word || (scan->angle && scan->address))
		return fault(scan, "an address in From is malformed");
	pass(scan, 1);
	if (!pass_blanks(scan))
		return false;
	len = atom_length(scan->rest);
	if (!domain_to_ascii(slice_first(scan->rest, len), domain))
		return fault(scan, "an address in From has no domain name");
	scan->address = true;
	scan->word = false;
	if (!keep_domain(scan, domain))
		return false;
	/* A dot at its end, or behind a comment: some would read on. */
	if (scan->rest.data[len - 1] != '.') {
		pass(scan, len);
		if (!pass_blanks(scan))
			return false;
		if (scan->rest.len == 0 || scan->rest.data[0] != '.')
			return true;
	}
	return fault(scan, "a domain in From is malformed");
}

/* At a "<": an old route (RFC 5322 section 4.4) says nothing. */
static bool begin_angle(struct scan *scan)
{
	size_t colon;

	if (scan->angle)
		return fault(scan, "From has < inside of <");
	pass(scan, 1);
	scan->angle = true;
	scan->address = scan->word = false;
	if (!pass_blanks(scan))
		return false;
	if (scan->rest.len == 0 || scan->rest.data[0] != '@')
		return true;
	colon = slice_find(scan->rest, ':');
	if (colon == scan->rest.len || slice_find(scan->rest, '>') < colon)
		return fault(scan, "a route in From has no end");
	pass(scan, colon + 1);
	return true;
}

static bool end_angle(struct scan *scan)
{
	if (!scan->angle || !scan->address)
		return fault(scan, "From has <> without an address");
	scan->angle = scan->word = false;
	pass(scan, 1);
	return true;
}

static bool read_special(struct scan *scan)
{
	switch (scan->rest.data[0]) {
	case '"':
		return pass_quoted(scan);
	case '<':
		return begin_angle(scan);
	case '>':
		return end_angle(scan);
	case '@':
		return read_domain(scan);
	case ',':
	case ';':
	case ':':
		scan->word = false;
		pass(scan, 1);
		return !scan->angle ||
		       fault(scan, "an address in From is malformed");
	case '[':
	case ']':
		/* Names have them, and all see the same address behind. */
		if (!scan->angle) {
			pass(scan, 1);
			return scan->word = true;
		}
		break;
	default:
		break;
	}
	return fault(scan, "From has a character that is not allowed there");
}

static bool read_well_formed(struct scan *scan)
{
	size_t len;

	while (pass_blanks(scan) && scan->rest.len > 0) {
		len = atom_length(scan->rest);
		if (len > 0) {
			pass(scan, len);
			scan->word = true;
		} else if (!read_special(scan)) {
			return false;
		}
	}
	if (scan->author->fault == NULL && scan->angle)
		return fault(scan, "From has < without >");
	return scan->author->fault == NULL;
}

/* --- the malformed ---------------------------------------------------- */

static struct slice skip_blanks(struct slice text)
{
	while (text.len > 0) {
		size_t len = slice_is_space(text.data[0]) ? 1
			     : text.data[0] == '('        ? comment_length(text)
							  : 0;

		if (len == 0)
			break;
		text = slice_from(text, len);
	}
	return text;
}

/* The atoms at the front, with blanks and comments around their dots (RFC 5322
 * section 4.4); 0 if they are too long for a domain. */
static size_t join_atoms(struct slice text, char out[DOMAIN_SIZE])
{
	size_t len = 0, more;

	for (;; text = slice_from(text, more)) {
		text = skip_blanks(text);
		more = atom_length(text);
		if (more == 0 ||
		    (len > 0 && out[len - 1] != '.' && text.data[0] != '.'))
			return len;
		if (more > DOMAIN_MAX - len)
			return 0;
		memcpy(out + len, text.data, more);
		len += more;
	}
}

static void keep_if_domain(struct scan *scan, struct slice text)
{
	char domain[DOMAIN_SIZE];

	if (domain_to_ascii(text, domain))
		(void)keep_domain(scan, domain);
}

/* Whatever stands behind any "@", also in quotes and comments: somebody may
 * see an address there. */
static void gather(struct scan *scan, struct slice value)
{
	char joined[DOMAIN_SIZE];
	struct slice atom;
	size_t at, count = 0;

	while ((at = slice_find(value, '@')) < value.len) {
		if (++count > LIMIT_AUTHOR_SIGNS) {
			(void)too_many(scan);
			return;
		}
		value = slice_from(value, at + 1);
		atom = skip_blanks(value);
		keep_if_domain(scan, slice_first(atom, atom_length(atom)));
		keep_if_domain(
		    scan, (struct slice){joined, join_atoms(value, joined)});
	}
}

static void read_field(struct scan *scan)
{
	struct slice value = scan->rest;

	if (!read_well_formed(scan))
		gather(scan, value);
}

void author_read(
    struct slice header, struct arena *arena, struct author *author)
{
	struct header_field field;

	*author = (struct author){.count = 0};
	while (header_next(&header, &field)) {
		struct scan scan = {
		    .rest = field.value, .arena = arena, .author = author};

		if (slice_is(field.name, "From"))
			read_field(&scan);
	}
	if (author->count == 0 && author->fault == NULL)
		author->fault = "there is no address in From";
}
