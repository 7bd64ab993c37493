/* What the answer of a block list in the DNS means (RFC 5782). Pure. */
#ifndef SMTPD_LISTING_H
#define SMTPD_LISTING_H

#include "base/dns.h"

enum listing {
	LISTING_NONE, /* not in the list */
	LISTING_YES,
	LISTING_ERROR /* no answer, or one by which the list says that it does
		       * not serve us */
};

/* *code is the address that says so, or a word for what went wrong. */
enum listing listing_of(const struct dns_answer *answer, char code[IP_TEXT]);

#endif
