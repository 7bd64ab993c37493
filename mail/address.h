/*
 * Addresses of the envelope: paths and mailboxes as RFC 5321 section 4.1.2
 * and RFC 6531 section 3.3 write them. (Address lists of a message's header
 * are another language.) Pure.
 *
 * More is read than the grammar allows where real senders need it: dots may
 * stand anywhere in a local part, labels may hold underscores, a local part
 * may be longer than 64 bytes if the whole path fits (VERP, SRS).
 */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include "bounds.h"

#include <stdbool.h>
#include <stddef.h>

/* Points into the text it was read from. */
struct address {
	const char *local; /* as written, quotes included */
	size_t local_len;
	const char *domain; /* as written; a literal with its brackets */
	size_t domain_len;  /* 0: no domain ("postmaster"), or the null path */
	bool utf8;          /* has characters beyond ASCII: needs SMTPUTF8 */
};

/* Reads "<local@domain>" at the front of `text`; `*used` says where it ends.
 * A source route ("<@a,@b:c@d>") is skipped (RFC 5321 appendix C). "<>" gives
 * the null path, and "<local>" an address without a domain. */
bool address_parse_path(
    const char *text, size_t len, struct address *address, size_t *used);

/* Reads "local@domain", all of it. */
bool address_parse(const char *text, size_t len, struct address *address);

/* The same, and "postmaster", which alone may lack a domain (RFC 5321 section
 * 4.5.1). */
bool address_parse_recipient(
    const char *text, size_t len, struct address *address);
/* Whether an address that was read may be a recipient: the same rule. */
bool address_is_recipient(const struct address *address);

bool address_is_null(const struct address *address);

/* The one spelling of an address, with its NUL: "local@domain" (or "local", or
 * "" for the null path), quoted only where it must be. It is never longer than
 * what was read. */
#define ADDRESS_SIZE (LIMIT_PATH + 1)
size_t address_format(const struct address *address, char out[ADDRESS_SIZE]);

/* Whether it is a domain name as it stands in an address (no literal). */
bool address_is_domain(const char *text, size_t len);

/* Whether a formatted address is one that SMTP can carry without SMTPUTF8. */
bool address_is_ascii(const char *text);

#endif
