/* Character references of HTML ("&eacute;", "&#233;"). Pure. */
#ifndef MAIL_HTML_ENTITY_H
#define MAIL_HTML_ENTITY_H

#include "base/buf.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct html_entity {
	const char *name, *text;
	bool bare; /* also without its semicolon, as old pages have it */
};
extern const struct html_entity html_entities[];
extern const size_t html_entity_count;

/* Appends the text with its references resolved; what is none stays. In an
 * attribute one without a semicolon counts only if no letter, digit or '='
 * follows: links have "&copy=1" in them. False if out's limit would be
 * passed. */
bool html_entity_decode(struct slice text, bool attribute, struct buf *out);

#endif
