/*
 * The hosts that a text or an HTML page links to, as a reader's program would
 * take them: for lists of bad ones. Linear in time. Pure.
 */
#ifndef MAIL_LINKS_H
#define MAIL_LINKS_H

#include "base/slice.h"
#include "mail/domain.h"

#include <stdbool.h>

/* Called with the host of each link as it is written, without user, port and
 * path, in order; the same one may come often. Inside the parameters of
 * another link it is as that one leads on to it. Valid during the call. */
typedef void link_fn(void *arg, struct slice host);

/* "http://...", "https://...", "www. ...", and bare names in a top-level domain
 * that exists, in UTF-8 text. */
void links_in_text(struct slice text, link_fn *found, void *arg);
/* The same in the text of a page, and where it links to. */
void links_in_html(struct slice html, link_fn *found, void *arg);

/* What a list is asked about: the domain that was registered, in lower-case
 * A-labels, or an IPv4 address with its bytes in reverse. False if the host
 * has neither. */
bool link_list_name(struct slice host, char out[DOMAIN_SIZE]);

#endif
