/*
 * Text laid out in blocks: paragraphs with empty lines between them, lists,
 * quotations, lines of a bounded width. The empty lines between two blocks
 * are as many as the more demanding of the two wants. For html_text.c.
 *
 * The result is written as it comes; only one word waits for its end.
 */
#ifndef MAIL_TEXT_LAYOUT_H
#define MAIL_TEXT_LAYOUT_H

#include "base/buf.h"
#include "base/slice.h"
#include "bounds.h"

#include <stdbool.h>
#include <stddef.h>

#define LAYOUT_WIDTH 80
#define LAYOUT_MARK 24 /* the longest mark of a list item */

enum layout_kind {
	LAYOUT_PLAIN,
	LAYOUT_PRE,   /* white space is kept */
	LAYOUT_QUOTE, /* each line begins with "> " */
	LAYOUT_LIST,
	LAYOUT_ITEM /* the first line begins with a mark */
};

/* The fields are text_layout.c's. */
struct layout_block {
	enum layout_kind kind;
	bool begun;        /* something of it is written */
	bool pre;          /* it, or a block around it, is */
	bool space;        /* a blank came behind the last word */
	unsigned leading;  /* line breaks before it */
	unsigned owed;     /* line breaks before its next text */
	unsigned width;    /* of its lines */
	unsigned used;     /* of the line being written */
	size_t margin_len; /* of the margin around it */
	char mark[LAYOUT_MARK + 1];
	unsigned mark_len;
};

struct layout {
	struct buf *out;
	struct layout_block blocks[LIMIT_HTML_DEPTH * 2 + 8];
	size_t depth;
	struct buf word, margin;
	unsigned word_width;
	unsigned newlines; /* part of the text, and not written yet */
	bool quote_begins; /* no text since the last "> " */
	unsigned upper;    /* words are in capitals if not 0 */
	size_t words;      /* added so far */
	bool full;
};

/* The layout of a text that is appended to out, which must outlive it. */
void layout_open(struct layout *layout, struct buf *out);
/* Writes what is left. */
void layout_close(struct layout *layout);

/* A block inside the current one, at least `leading` line breaks below what
 * is before it; of an item the mark. */
void layout_begin(
    struct layout *layout, enum layout_kind kind, unsigned leading);
void layout_begin_item(struct layout *layout, const char *mark);
/* Ends the current block; what follows is at least `trailing` line breaks
 * below it. */
void layout_end(struct layout *layout, unsigned trailing);

/* UTF-8 text: words are wrapped, white space is united. */
void layout_text(struct layout *layout, struct slice text);
void layout_break(struct layout *layout);
/* A blank, and a line break, if there is text before it on the line. */
void layout_space(struct layout *layout);
void layout_fresh_line(struct layout *layout);

#endif
