/*
 * ARC (RFC 8617): whether the chain of custody that a message brings is whole.
 *
 *   none   there is no ARC field
 *   pass   all sets are there, the newest message signature and all seals hold
 *   fail   anything else, also a key query without an answer: section 5.2.1
 *          makes no difference
 */
#ifndef MAIL_ARC_H
#define MAIL_ARC_H

#include "mail/signed_mail.h"

struct arc_result {
	enum auth_result result;
	const char *why;   /* "" or a sentence, static */
	unsigned instance; /* the newest set; 0 if that is not known */
	/* The newest set's, and the seal at fault or, with none, the newest;
	 * NULL where it did not come to that. The mail's. */
	const struct signature_verdict *message, *seal;
};

/* False if the message cannot be read. */
MUST_CHECK bool arc_validate(struct signed_mail *mail,
    const struct key_source *keys, struct arc_result *result,
    struct error *err);

/* The instance at the front of an ARC-Authentication-Results value, or 0. */
unsigned arc_results_instance(struct slice value);

#endif
