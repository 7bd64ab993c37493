/*
 * The text that a reader would write down from HTML: blocks on lines of their
 * own, lists with their marks, quotations with "> ", links with their
 * addresses, lines of about 80 characters, no scripts and no styles. What a
 * style hides is text, as it always was: so is the line that mail programs
 * show beside the subject. Takes and gives UTF-8. Linear in time, bounded in
 * depth and memory, whatever the HTML. Pure.
 */
#ifndef MAIL_HTML_TEXT_H
#define MAIL_HTML_TEXT_H

#include "base/buf.h"
#include "base/slice.h"

#include <stdbool.h>

/* Appends the text. It is cut where out's limit would be passed; false
 * then. */
bool html_text(struct slice html, struct buf *out);

#endif
