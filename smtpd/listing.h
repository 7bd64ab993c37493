/*
 * Block lists in the DNS (RFC 5782): what one says of a name. For checks of
 * SERVICE_DNS.
 */
#ifndef SMTPD_LISTING_H
#define SMTPD_LISTING_H

#include "smtpd/check.h"

enum listing {
	LISTING_NONE, /* not in the list */
	LISTING_YES,
	LISTING_ERROR /* no answer, or one by which the list says that it does
		       * not serve us */
};

struct block_list {
	struct slice zone;
	/* An entry that all lists of the kind have (RFC 5782 section 5): by
	 * it is seen whether one that was silent answers again. */
	const char *test;
};

/* Lets the question, a name in the zone, be asked beside others. */
void listing_ask_ahead(struct subject *subject, const struct block_list *list,
    const char *question);
/* Asks. *code is the address that says so, or a word for what went wrong. A
 * list that does not answer any more (list_watch.h) is not asked. */
enum listing listing_ask(struct subject *subject, const struct block_list *list,
    const char *question, char code[IP_TEXT]);

#endif
