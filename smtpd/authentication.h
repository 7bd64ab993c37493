/*
 * What the checks of SPF, DKIM, DMARC and ARC share: questions to the DNS as
 * mail/ asks them, the message with its signatures, and the form of what they
 * add to our Authentication-Results line. On the thread that makes the check.
 */
#ifndef SMTPD_AUTHENTICATION_H
#define SMTPD_AUTHENTICATION_H

#include "base/buf.h"
#include "mail/lookup.h"
#include "mail/signed_mail.h"
#include "smtpd/check.h"

/* By check_ask(): in the time that is left for the stage. Valid as long as the
 * subject. */
struct lookup authentication_lookup(struct subject *subject);

/* The message of STAGE_MESSAGE, opened by the first check that asks for it:
 * its body is read once for all of them. False if it cannot be read. */
MUST_CHECK bool authentication_mail(
    struct subject *subject, struct signed_mail **mail, struct error *err);

/* Appends ` header.d=value`, the value quoted if it must be; nothing if it is
 * empty, longer than any domain, or has what cannot stand there. */
void authentication_property(
    struct buf *out, const char *name, const char *value);

#endif
