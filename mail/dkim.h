/*
 * DKIM (RFC 6376, 8301, 8463): what the DKIM-Signature fields of a message are
 * worth.
 *
 *   pass       the signature holds
 *   fail       the message was altered, or the signature is out of date
 *   permerror  it is malformed, or there is no key that it could be held
 *              against: never to be mended by trying again
 *   temperror  the key query had no answer
 *
 * A signature with l= that holds is a pass (RFC 6376 section 3.5), and
 * `uncovered` says how much of the body it leaves open.
 */
#ifndef MAIL_DKIM_H
#define MAIL_DKIM_H

#include "mail/signed_mail.h"

struct dkim_result {
	/* pass if any passes, else the first of temperror, fail and permerror
	 * that occurs; none without a signature. */
	enum auth_result result;
	/* The signature that made it so; NULL with none. */
	const struct signature_verdict *decisive;
	/* Each signature, from the top; the mail's. */
	const struct signature_set *signatures;
};

/* False if the message cannot be read. */
MUST_CHECK bool dkim_verify(struct signed_mail *mail,
    const struct key_source *keys, struct dkim_result *result,
    struct error *err);

#endif
