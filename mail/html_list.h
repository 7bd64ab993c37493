/* The marks of lists, lined up: how wide they are shows only when the whole
 * list was seen, so the HTML is looked through once before. For html_text.c. */
#ifndef MAIL_HTML_LIST_H
#define MAIL_HTML_LIST_H

#include "mail/html_scan.h"
#include "mail/text_layout.h"

#include <stdbool.h>
#include <stddef.h>

/* Lists whose marks are lined up; in later ones they are not. */
#define HTML_LISTS ((size_t)4096)

/* What is known of the HTML before it is written. */
struct html_outline {
	bool has_body;
	size_t lists;
	unsigned items[HTML_LISTS]; /* how many li each list has */
};

/* To be freed with free(). */
struct html_outline *html_outline_of(struct slice html);

struct html_list {
	enum html_tag tag;
	bool inner; /* it is directly in an item of another */
	char type;  /* of the numbers: 1 a A i I */
	long next;
	unsigned mark_width;
};

/* The list with this number in the order of the document. */
struct html_list html_list_open(const struct html_outline *outline,
    size_t number, enum html_tag tag, bool inner,
    const struct html_attributes *attributes);

/* The mark of the next item: " * ", " 12. ", or only as many blanks. */
void html_list_mark(
    struct html_list *list, bool marked, char mark[LAYOUT_MARK + 1]);

#endif
