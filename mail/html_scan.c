#include "mail/html_scan.h"

#include "bounds.h"

#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* No known name is longer. */
#define NAME_MAX_LEN 10

struct element {
	enum html_tag tag;
	uint32_t hash; /* of the name: tells td from th */
};

struct scan {
	const struct html_handler *handler;
	struct element stack[LIMIT_HTML_DEPTH];
	size_t depth;
};

struct tag {
	const char *name;
	enum html_tag tag;
};

static enum html_tag find_tag(struct slice name)
{
	/* Sorted by name. */
	static const struct tag tags[] = {{"a", HTML_A},
	    {"address", HTML_BLOCK}, {"area", HTML_VOID}, {"article", HTML_DIV},
	    {"aside", HTML_DIV}, {"base", HTML_VOID},
	    {"blockquote", HTML_BLOCKQUOTE}, {"body", HTML_BODY},
	    {"br", HTML_BR}, {"caption", HTML_BLOCK}, {"center", HTML_BLOCK},
	    {"col", HTML_VOID}, {"dd", HTML_TERM}, {"details", HTML_BLOCK},
	    {"div", HTML_DIV}, {"dl", HTML_BLOCK}, {"dt", HTML_TERM},
	    {"embed", HTML_VOID}, {"fieldset", HTML_BLOCK},
	    {"figcaption", HTML_BLOCK}, {"figure", HTML_BLOCK},
	    {"footer", HTML_DIV}, {"form", HTML_DIV}, {"h1", HTML_HEADING_BIG},
	    {"h2", HTML_HEADING_BIG}, {"h3", HTML_HEADING_BIG},
	    {"h4", HTML_HEADING_SMALL}, {"h5", HTML_HEADING_SMALL},
	    {"h6", HTML_HEADING_SMALL}, {"header", HTML_DIV}, {"hr", HTML_HR},
	    {"img", HTML_IMG}, {"input", HTML_VOID}, {"legend", HTML_BLOCK},
	    {"li", HTML_LI}, {"link", HTML_VOID}, {"main", HTML_DIV},
	    {"meta", HTML_VOID}, {"nav", HTML_DIV}, {"ol", HTML_OL},
	    {"p", HTML_P}, {"param", HTML_VOID}, {"pre", HTML_PRE},
	    {"script", HTML_SCRIPT}, {"section", HTML_DIV},
	    {"source", HTML_VOID}, {"style", HTML_SCRIPT},
	    {"summary", HTML_BLOCK}, {"table", HTML_TABLE},
	    {"tbody", HTML_SECTION}, {"td", HTML_CELL}, {"tfoot", HTML_SECTION},
	    {"th", HTML_CELL}, {"thead", HTML_SECTION}, {"title", HTML_TITLE},
	    {"tr", HTML_ROW}, {"track", HTML_VOID}, {"ul", HTML_UL},
	    {"wbr", HTML_VOID}};
	size_t low = 0, high = sizeof(tags) / sizeof(tags[0]), middle;
	char key[NAME_MAX_LEN + 1];
	int order;

	if (name.len > NAME_MAX_LEN)
		return HTML_OTHER;
	for (size_t i = 0; i < name.len; i++)
		key[i] = (char)tolower((unsigned char)name.data[i]);
	key[name.len] = '\0';
	while (low < high) {
		middle = (low + high) / 2;
		order = strcmp(key, tags[middle].name);
		if (order == 0)
			return tags[middle].tag;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return HTML_OTHER;
}

static uint32_t hash_name(struct slice name)
{
	uint32_t hash = 0x811C9DC5U; /* FNV-1a */

	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ (uint32_t)tolower((unsigned char)name.data[i])) *
		       0x01000193U;
	return hash;
}

static bool is_void(enum html_tag tag)
{
	return tag == HTML_BR || tag == HTML_HR || tag == HTML_IMG ||
	       tag == HTML_VOID;
}

/* Whether the start of one element ends another that is still open. */
static bool implies_end(enum html_tag starts, enum html_tag open)
{
	switch (open) {
	case HTML_P:
		return starts == HTML_P || starts == HTML_BLOCK ||
		       starts == HTML_BLOCKQUOTE || starts == HTML_DIV ||
		       starts == HTML_HEADING_BIG ||
		       starts == HTML_HEADING_SMALL || starts == HTML_HR ||
		       starts == HTML_OL || starts == HTML_PRE ||
		       starts == HTML_TABLE || starts == HTML_UL;
	case HTML_LI:
		return starts == HTML_LI;
	case HTML_TERM:
		return starts == HTML_TERM;
	case HTML_CELL:
		return starts == HTML_CELL || starts == HTML_ROW;
	case HTML_ROW:
		return starts == HTML_ROW;
	case HTML_SECTION:
		return starts == HTML_SECTION;
	case HTML_OTHER:
	case HTML_A:
	case HTML_BLOCK:
	case HTML_BLOCKQUOTE:
	case HTML_BODY:
	case HTML_BR:
	case HTML_DIV:
	case HTML_HEADING_BIG:
	case HTML_HEADING_SMALL:
	case HTML_HR:
	case HTML_IMG:
	case HTML_OL:
	case HTML_PRE:
	case HTML_SCRIPT:
	case HTML_TABLE:
	case HTML_TITLE:
	case HTML_UL:
	case HTML_VOID:
		break;
	}
	return false;
}

static void pop(struct scan *scan)
{
	scan->depth--;
	scan->handler->close(scan->handler->arg, scan->stack[scan->depth].tag);
}

static void open_element(struct scan *scan, enum html_tag tag, uint32_t hash,
    const struct html_attributes *attributes)
{
	if (scan->handler->flat) {
		scan->handler->open(scan->handler->arg, tag, attributes);
		scan->handler->close(scan->handler->arg, tag);
		return;
	}
	while (scan->depth > 0 &&
	       implies_end(tag, scan->stack[scan->depth - 1].tag))
		pop(scan);
	if (scan->depth == LIMIT_HTML_DEPTH)
		return;
	scan->stack[scan->depth++] = (struct element){tag, hash};
	scan->handler->open(scan->handler->arg, tag, attributes);
	if (is_void(tag))
		pop(scan);
}

static void close_element(struct scan *scan, struct slice name)
{
	static const struct html_attributes none;
	enum html_tag tag = find_tag(name);
	uint32_t hash = hash_name(name);

	for (size_t i = scan->depth; i > 0 && !is_void(tag); i--) {
		if (scan->stack[i - 1].hash != hash)
			continue;
		while (scan->depth >= i)
			pop(scan);
		return;
	}
	/* Ends without a start that browsers see something in. */
	if (tag == HTML_BR || tag == HTML_P) {
		open_element(scan, tag, hash, &none);
		if (tag == HTML_P && scan->depth > 0 &&
		    scan->stack[scan->depth - 1].hash == hash)
			pop(scan);
	}
}

static struct slice skip_blanks(struct slice text, bool slashes)
{
	while (text.len > 0 &&
	       (slice_is_space(text.data[0]) || text.data[0] == '\f' ||
		   (slashes && text.data[0] == '/')))
		text = slice_from(text, 1);
	return text;
}

static bool ends_word(char c, const char *more)
{
	return slice_is_space(c) || c == '\f' || c == '>' ||
	       (c != '\0' && strchr(more, c) != NULL);
}

static struct slice take_word(struct slice *text, const char *more)
{
	size_t len = 0;
	struct slice word;

	while (len < text->len && !ends_word(text->data[len], more))
		len++;
	word = slice_first(*text, len);
	*text = slice_from(*text, len);
	return word;
}

/* What follows the '=' of an attribute. */
static struct slice take_value(struct slice *text)
{
	struct slice value;
	size_t len;
	char quote;

	*text = skip_blanks(slice_from(*text, 1), false);
	quote = text->len > 0 ? text->data[0] : '\0';
	if (quote != '"' && quote != '\'')
		return take_word(text, "");
	*text = slice_from(*text, 1);
	len = slice_find(*text, quote);
	value = slice_first(*text, len);
	*text = slice_from(*text, len < text->len ? len + 1 : len);
	return value;
}

#define ATTRIBUTE(name)                                                        \
	{                                                                      \
#name, sizeof(#name) - 1,                                      \
		    offsetof(struct html_attributes, name)                     \
	}

/* Of several of one name the first one counts, as in browsers. */
static void keep_attribute(
    struct html_attributes *attributes, struct slice name, struct slice value)
{
	static const struct {
		const char *name;
		size_t len, place;
	} known[] = {ATTRIBUTE(href), ATTRIBUTE(src), ATTRIBUTE(alt),
	    ATTRIBUTE(start), ATTRIBUTE(type), ATTRIBUTE(action),
	    ATTRIBUTE(formaction), ATTRIBUTE(background), ATTRIBUTE(content)};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct slice *kept;

		if (name.len != known[i].len || !slice_is(name, known[i].name))
			continue;
		kept = (struct slice *)((char *)attributes + known[i].place);
		if (kept->data == NULL)
			*kept = value;
	}
}

/* Up to the '>', which goes too. False if there is none. */
static bool take_attributes(
    struct slice *text, struct html_attributes *attributes)
{
	struct slice name, value;

	for (;;) {
		*text = skip_blanks(*text, true);
		if (text->len == 0)
			return false;
		if (text->data[0] == '>') {
			*text = slice_from(*text, 1);
			return true;
		}
		name = take_word(text, "=/");
		*text = skip_blanks(*text, false);
		value = (struct slice){"", 0};
		if (text->len > 0 && text->data[0] == '=')
			value = take_value(text);
		keep_attribute(attributes, name, value);
	}
}

/* Where "</name" is, which ends the text of a script. */
static size_t find_end_tag(struct slice text, struct slice name)
{
	size_t at = 0;

	for (;;) {
		at += slice_find(slice_from(text, at), '<');
		if (at + 2 + name.len > text.len)
			return text.len;
		if (text.data[at + 1] == '/' &&
		    strncasecmp(text.data + at + 2, name.data, name.len) == 0)
			return at;
		at++;
	}
}

/* The tag at the start of the text. The rest of the text is dropped if it has
 * no end. */
static struct slice take_open_tag(struct scan *scan, struct slice text)
{
	struct html_attributes attributes = {.href = {NULL, 0}};
	struct slice name;
	enum html_tag tag;
	size_t end;

	text = slice_from(text, 1);
	name = take_word(&text, "/");
	if (!take_attributes(&text, &attributes))
		return (struct slice){text.data, 0};
	tag = find_tag(name);
	open_element(scan, tag, hash_name(name), &attributes);
	if (tag != HTML_SCRIPT && tag != HTML_TITLE)
		return text;
	end = find_end_tag(text, name);
	if (tag == HTML_TITLE && end > 0)
		scan->handler->text(scan->handler->arg, slice_first(text, end));
	return slice_from(text, end);
}

static struct slice take_close_tag(struct scan *scan, struct slice text)
{
	struct slice name;
	size_t end;

	text = slice_from(text, 2);
	name = take_word(&text, "/");
	end = slice_find(text, '>');
	if (end == text.len)
		return (struct slice){text.data, 0};
	close_element(scan, name);
	return slice_from(text, end + 1);
}

/* A comment, a declaration, a processing instruction. */
static struct slice skip_declaration(struct slice text)
{
	const char *end;
	size_t len;

	if (slice_starts(text, "<!--")) {
		end = memmem(text.data + 2, text.len - 2, "-->", 3);
		len = end == NULL ? text.len : (size_t)(end - text.data) + 3;
	} else {
		len = slice_find(text, '>');
		len += len < text.len;
	}
	return slice_from(text, len);
}

void html_scan(struct slice html, const struct html_handler *handler)
{
	struct scan scan = {.handler = handler};
	size_t len;
	char next;

	while (html.len > 0) {
		next =
		    html.len > 1 && html.data[0] == '<' ? html.data[1] : '\0';
		if (isalpha((unsigned char)next)) {
			html = take_open_tag(&scan, html);
		} else if (next == '/' && html.len > 2 &&
			   isalpha((unsigned char)html.data[2])) {
			html = take_close_tag(&scan, html);
		} else if (next == '!' || next == '?' || next == '/') {
			html = skip_declaration(html);
		} else {
			len = 1 + slice_find(slice_from(html, 1), '<');
			handler->text(handler->arg, slice_first(html, len));
			html = slice_from(html, len);
		}
	}
	while (scan.depth > 0)
		pop(&scan);
}
