/* SPF records (RFC 7208 sections 4.5, 4.6.1, 5, 6 and 12): which text is one,
 * and what it says. Pure. */
#ifndef MAIL_SPF_RECORD_H
#define MAIL_SPF_RECORD_H

#include "base/arena.h"
#include "base/net.h"
#include "base/slice.h"
#include "envelope.h"

#include <stdbool.h>

enum spf_mechanism {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_EXISTS,
	SPF_IP4,
	SPF_IP6
};

struct spf_directive {
	const struct spf_directive *next;
	struct slice text; /* as written */
	enum spf_mechanism mechanism;
	enum auth_result result; /* when it matches: what its qualifier says */
	struct slice domain;     /* domain-spec; empty: the current domain */
	struct ip ip;            /* ip4, ip6 */
	unsigned prefix4, prefix6;
};

struct spf_record {
	const struct spf_directive *first;
	struct slice redirect, exp; /* domain-specs; empty: not given */
};

/* Whether its version section is that of SPF. */
bool spf_record_is(struct slice text);

/* Reads a text of which spf_record_is() is true. What it points to is the
 * text's and the arena's. False if anything in it is wrong (section 4.6), and
 * *wrong is that term. */
bool spf_record_parse(struct slice text, struct arena *arena,
    struct spf_record *record, struct slice *wrong);

#endif
