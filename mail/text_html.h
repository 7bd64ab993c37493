/* Plain text as HTML, piece by piece: paragraphs and line breaks. For text
 * that stands between HTML. Takes UTF-8 with LF as line end. Pure. */
#ifndef MAIL_TEXT_HTML_H
#define MAIL_TEXT_HTML_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Open to be embedded; the fields are text_html.c's. */
struct text_html {
	bool begun;
	size_t newlines;   /* since the last text */
	struct buf blanks; /* behind them */
};

void text_html_open(struct text_html *text);
void text_html_close(struct text_html *text);
/* Appends what the piece becomes, with `<p>` before the first and `</p>`
 * behind the last. False
 * if out's limit would be passed. */
bool text_html_write(struct text_html *text, const char *in, size_t len,
    bool last, struct buf *out);

#endif
