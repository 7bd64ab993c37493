#include "mail/html_text.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "bounds.h"
#include "mail/html_entity.h"
#include "mail/html_list.h"
#include "mail/html_scan.h"
#include "mail/text_layout.h"

#include <stdint.h>
#include <stdlib.h>

struct element {
	enum html_tag tag;
	struct slice href; /* of a link */
	size_t words;      /* in the layout when it began */
	bool begun;        /* of a list: something is in it */
	bool concealed;    /* nothing in it is seen */
	struct html_list list;
};

struct writer {
	struct layout layout;
	struct arena *arena;
	struct buf text; /* a piece with its references resolved */
	struct element stack[LIMIT_HTML_DEPTH];
	size_t depth;
	const struct html_outline *outline;
	size_t lists; /* met so far */
	unsigned in_body, skip;
};

static struct slice decoded(struct writer *writer, struct slice attribute)
{
	const char *copy;

	buf_clear(&writer->text);
	(void)html_entity_decode(attribute, true, &writer->text);
	copy = arena_strndup(
	    writer->arena, buf_text(&writer->text), writer->text.len);
	return (struct slice){copy, writer->text.len};
}

/* Text that is not the page's own: not set in capitals, and not what a link
 * says. */
static void write_plain(struct writer *writer, const char *before,
    struct slice text, const char *after)
{
	unsigned upper = writer->layout.upper;
	size_t words = writer->layout.words;

	writer->layout.upper = 0;
	layout_text(&writer->layout, slice_of(before));
	layout_text(&writer->layout, text);
	layout_text(&writer->layout, slice_of(after));
	writer->layout.upper = upper;
	writer->layout.words = words;
}

static void open_link(struct writer *writer, struct element *element,
    const struct html_attributes *attributes)
{
	struct slice href = decoded(writer, attributes->href);

	if (slice_starts(href, "mailto:"))
		href = slice_from(href, strlen("mailto:"));
	if (href.len > 0 && href.data[0] == '#')
		href.len = 0;
	element->href = href;
	element->words = writer->layout.words;
}

static void close_link(struct writer *writer, const struct element *element)
{
	if (element->href.len == 0)
		return;
	if (writer->layout.words == element->words)
		write_plain(writer, "", element->href, "");
	else
		write_plain(writer, " [", element->href, "]");
}

static void write_image(
    struct writer *writer, const struct html_attributes *attributes)
{
	struct slice alt = decoded(writer, attributes->alt);
	struct slice src = decoded(writer, attributes->src);

	write_plain(writer, "", alt, alt.len > 0 && src.len > 0 ? " " : "");
	if (src.len > 0)
		write_plain(writer, "[", src, "]");
}

static void open_list(struct writer *writer, struct element *element,
    const struct element *outer, const struct html_attributes *attributes)
{
	bool inner = outer != NULL && outer->tag == HTML_LI;

	element->list = html_list_open(
	    writer->outline, writer->lists++, element->tag, inner, attributes);
}

/* A child of a list is an item, with a mark if it is an li. */
static void open_item(
    struct writer *writer, struct element *list, enum html_tag tag)
{
	char mark[LAYOUT_MARK + 1];

	if (!list->begun)
		layout_begin(
		    &writer->layout, LAYOUT_LIST, list->list.inner ? 1 : 2);
	list->begun = true;
	html_list_mark(&list->list, tag == HTML_LI, mark);
	layout_begin_item(&writer->layout, mark);
}

static bool is_list(enum html_tag tag)
{
	return tag == HTML_UL || tag == HTML_OL;
}

static bool is_hidden(enum html_tag tag)
{
	return tag == HTML_TITLE || tag == HTML_SCRIPT;
}

/* Whether elements and text here are written at all. */
static bool is_live(const struct writer *writer)
{
	return writer->skip == 0 &&
	       (!writer->outline->has_body || writer->in_body > 0);
}

/* The line breaks above and below a block; 0 for what is none. */
static unsigned leading_of(enum html_tag tag)
{
	switch (tag) {
	case HTML_BLOCK:
	case HTML_DIV:
	case HTML_TERM:
		return 1;
	case HTML_P:
	case HTML_PRE:
	case HTML_BLOCKQUOTE:
	case HTML_TABLE:
	case HTML_HR:
	case HTML_HEADING_SMALL:
		return 2;
	case HTML_HEADING_BIG:
		return 3;
	case HTML_OTHER:
	case HTML_A:
	case HTML_BODY:
	case HTML_BR:
	case HTML_CELL:
	case HTML_IMG:
	case HTML_LI:
	case HTML_OL:
	case HTML_ROW:
	case HTML_SCRIPT:
	case HTML_SECTION:
	case HTML_TITLE:
	case HTML_UL:
	case HTML_VOID:
		break;
	}
	return 0;
}

static bool is_heading(enum html_tag tag)
{
	return tag == HTML_HEADING_BIG || tag == HTML_HEADING_SMALL;
}

static void open_block(struct writer *writer, enum html_tag tag)
{
	enum layout_kind kind = LAYOUT_PLAIN;

	if (leading_of(tag) == 0)
		return;
	if (tag == HTML_PRE)
		kind = LAYOUT_PRE;
	else if (tag == HTML_BLOCKQUOTE)
		kind = LAYOUT_QUOTE;
	layout_begin(&writer->layout, kind, leading_of(tag));
	if (is_heading(tag))
		writer->layout.upper++;
}

static void close_block(struct writer *writer, enum html_tag tag)
{
	unsigned breaks = leading_of(tag);

	if (breaks == 0)
		return;
	if (is_heading(tag))
		writer->layout.upper--;
	layout_end(&writer->layout, breaks > 2 ? 2 : breaks);
}

static void write_rule(struct writer *writer)
{
	char rule[LAYOUT_WIDTH];

	memset(rule, '-', sizeof(rule));
	layout_text(&writer->layout, (struct slice){rule, sizeof(rule)});
}

/* What stands for the element itself. */
static void write_element(struct writer *writer, struct element *element,
    const struct html_attributes *attributes)
{
	enum html_tag tag = element->tag;

	open_block(writer, tag);
	if (tag == HTML_BR)
		layout_break(&writer->layout);
	else if (tag == HTML_HR)
		write_rule(writer);
	else if (tag == HTML_IMG)
		write_image(writer, attributes);
	else if (tag == HTML_A)
		open_link(writer, element, attributes);
	else if (tag == HTML_ROW)
		layout_fresh_line(&writer->layout);
	else if (tag == HTML_CELL)
		layout_space(&writer->layout);
}

static void on_open(
    void *arg, enum html_tag tag, const struct html_attributes *attributes)
{
	struct writer *writer = arg;
	struct element *outer =
	    writer->depth == 0 ? NULL : &writer->stack[writer->depth - 1];
	struct element *element = &writer->stack[writer->depth++];

	*element = (struct element){.tag = tag, .concealed = is_hidden(tag)};
	if (is_list(tag))
		open_list(writer, element, outer, attributes);
	writer->skip += element->concealed;
	if (tag == HTML_BODY)
		writer->in_body++;
	/* What is opened unseen is closed unseen. */
	if (!is_live(writer)) {
		element->tag = tag == HTML_BODY ? tag : HTML_OTHER;
		return;
	}
	if (outer != NULL && is_list(outer->tag))
		open_item(writer, outer, tag);
	write_element(writer, element, attributes);
}

static void close_element(struct writer *writer, const struct element *element,
    const struct element *outer)
{
	if (element->tag == HTML_A)
		close_link(writer, element);
	if (is_list(element->tag) && element->begun)
		layout_end(&writer->layout, element->list.inner ? 1 : 2);
	close_block(writer, element->tag);
	if (outer != NULL && is_list(outer->tag) && is_live(writer))
		layout_end(&writer->layout, 1);
}

static void on_close(void *arg, enum html_tag tag)
{
	struct writer *writer = arg;
	struct element *element = &writer->stack[--writer->depth];
	struct element *outer =
	    writer->depth == 0 ? NULL : &writer->stack[writer->depth - 1];

	(void)tag;
	writer->skip -= element->concealed;
	if (!element->concealed)
		close_element(writer, element, outer);
	if (element->tag == HTML_BODY)
		writer->in_body--;
}

static bool is_white(struct slice text)
{
	return slice_trim(text).len == 0;
}

static void on_text(void *arg, struct slice text)
{
	struct writer *writer = arg;
	struct element *outer =
	    writer->depth == 0 ? NULL : &writer->stack[writer->depth - 1];
	bool item = outer != NULL && is_list(outer->tag);

	if (!is_live(writer) || (item && is_white(text)))
		return;
	buf_clear(&writer->text);
	(void)html_entity_decode(text, false, &writer->text);
	if (item)
		open_item(writer, outer, HTML_OTHER);
	layout_text(&writer->layout,
	    (struct slice){buf_text(&writer->text), writer->text.len});
	if (item)
		layout_end(&writer->layout, 1);
}

bool html_text(struct slice html, struct buf *out)
{
	struct writer *writer = xcalloc(1, sizeof(*writer));
	struct html_handler handler = {
	    writer, on_open, on_close, on_text, false};
	struct html_outline *outline;
	bool whole;

	if (html.len > LIMIT_HTML_INPUT)
		html.len = LIMIT_HTML_INPUT;
	outline = html_outline_of(html);
	writer->outline = outline;
	writer->arena = arena_new();
	writer->text = buf_new(SIZE_MAX / 2);
	layout_open(&writer->layout, out);
	html_scan(html, &handler);
	layout_close(&writer->layout);
	whole = !writer->layout.full;
	buf_free(&writer->text);
	arena_free(&writer->arena);
	free(outline);
	free(writer);
	return whole;
}
