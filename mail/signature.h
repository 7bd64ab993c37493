/*
 * One signature field, taken apart: DKIM-Signature (RFC 6376 section 3.5),
 * ARC-Message-Signature and ARC-Seal (RFC 8617 section 4.1). Pure.
 */
#ifndef MAIL_SIGNATURE_H
#define MAIL_SIGNATURE_H

#include "base/arena.h"
#include "mail/canonical.h"
#include "mail/digest.h"
#include "mail/dkim_key.h"
#include "mail/raw_header.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum signature_kind {
	SIGNATURE_DKIM,
	SIGNATURE_ARC_MESSAGE,
	SIGNATURE_ARC_SEAL
};

/* The cv= of a seal. */
enum chain_status { CHAIN_NONE, CHAIN_PASS, CHAIN_FAIL };

/* Slices point into the field, strings are the arena's. What the kind does not
 * have is zero. */
struct signature {
	enum signature_kind kind;
	struct slice field;  /* as written, with its line ends */
	struct slice erased; /* what is not signed of it: the value of b= */
	/* Known as far as they were read, also when the rest is malformed. */
	const char *domain, *selector; /* d=, s=, in ASCII; "": not known */
	const char *algorithm;         /* a= as written */
	const char *text;              /* b= without blanks */

	enum key_type type;
	enum canonical header, body; /* c= */
	struct slice names;          /* h= */
	const char *within; /* the domain of i=, or without it that of d= */
	uint8_t body_hash[DIGEST_BYTES];
	uint64_t length;         /* l=, or BODY_WHOLE */
	uint64_t made_s, ends_s; /* t=, x=; 0: not given */
	const uint8_t *bytes;    /* b= */
	size_t len;
	unsigned instance; /* ARC's i= */
	enum chain_status chain;
};

/* NULL, or what is malformed or unknown in it (static). */
const char *signature_parse(enum signature_kind kind,
    const struct raw_field *field, struct arena *arena, struct signature *out);

/* An instance number (RFC 8617 section 4.2.1), or 0. */
unsigned signature_instance(struct slice value);

/* A domain name as far as it matters for a query: labels of letters, digits
 * and hyphens, of underscores (which are in use), and of characters of other
 * alphabets (RFC 8616). */
bool signature_is_domain(struct slice name);

/* Whether the domain of i= is that of d=, or below it. */
bool signature_agrees(const struct signature *signature, bool exact);

/* Appends the field as it is signed: canonical, its b= empty, without the last
 * line end. False if out's limit would be passed. */
bool signature_canonical(const struct signature *signature, struct buf *out);

#endif
