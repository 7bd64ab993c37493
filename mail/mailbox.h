/* Address lists in header fields (RFC 5322 section 3.4) as a person reads
 * them. Pure. (Envelope addresses are mail/address.) */
#ifndef MAIL_MAILBOX_H
#define MAIL_MAILBOX_H

#include "base/buf.h"
#include "base/slice.h"

#include <stdbool.h>

/* Appends the list in an unfolded field value, decoded: `"Name" <a@b>`, or
 * `a@b` where there is no name, `, ` between them, groups as `name: a, b;`.
 * A comment is the name where there is none else. What is no address stays
 * as text. False if out's limit would be passed. */
bool mailbox_list_format(struct slice value, struct buf *out);

#endif
