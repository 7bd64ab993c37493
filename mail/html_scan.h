/*
 * HTML cut into elements and text, as tolerant as browsers: tags that are
 * missing or crossed are put right, comments and scripts are passed over.
 * Linear in time; never recursive. Pure.
 */
#ifndef MAIL_HTML_SCAN_H
#define MAIL_HTML_SCAN_H

#include "base/slice.h"

#include <stdbool.h>

/* The elements that mean something to somebody. */
enum html_tag {
	HTML_OTHER,
	HTML_A,
	HTML_BLOCK, /* address, center, dl, fieldset ... */
	HTML_BLOCKQUOTE,
	HTML_BODY,
	HTML_BR,
	HTML_CELL,          /* td, th */
	HTML_DIV,           /* article, aside, div, footer, form, header ... */
	HTML_HEADING_BIG,   /* h1 ... h3 */
	HTML_HEADING_SMALL, /* h4 ... h6 */
	HTML_HR,
	HTML_IMG,
	HTML_LI,
	HTML_OL,
	HTML_P,
	HTML_PRE,
	HTML_ROW,     /* tr */
	HTML_SCRIPT,  /* script, style */
	HTML_SECTION, /* tbody, thead, tfoot */
	HTML_TABLE,
	HTML_TERM,  /* dd, dt */
	HTML_TITLE, /* title */
	HTML_UL,
	HTML_VOID /* meta, input ...: no content */
};

/* As written, with character references; empty if missing. */
struct html_attributes {
	struct slice href, src, alt, start, type;
	/* Other addresses; `content` may hold one (<meta http-equiv>). */
	struct slice action, formaction, background, content;
};

/* Called in the order of the document. Each open has its close, inner ones
 * first; what is nested deeper than LIMIT_HTML_DEPTH is not opened. Text is
 * as written, and may come in pieces. */
struct html_handler {
	void *arg;
	void (*open)(void *arg, enum html_tag tag,
	    const struct html_attributes *attributes);
	void (*close)(void *arg, enum html_tag tag);
	void (*text)(void *arg, struct slice text);
	/* What is inside of what does not matter: each element is closed as it
	 * is opened, and none is too deep. */
	bool flat;
};

void html_scan(struct slice html, const struct html_handler *handler);

#endif
