/*
 * DMARC (RFC 9989, and what of RFC 7489 is still published): does what SPF and
 * DKIM found belong to the domain in From? Pure over a lookup function; any
 * thread.
 *
 * Choices:
 * - Organisational domains are found by the tree walk. Where it finds nothing,
 *   or the record of a registry that does not say psd=y, the public suffix
 *   list decides: `aligned` needs an answer also without DMARC records.
 * - From with several domains, or malformed, never passes. It fails if any of
 *   its domains has a policy: such a mail must not be better off than others.
 * - If SPF or DKIM ended in a temperror for an aligned domain and nothing
 *   passed, so does DMARC (RFC 9989 section 5.3.6): nothing is known yet.
 */
#ifndef MAIL_DMARC_H
#define MAIL_DMARC_H

#include "base/arena.h"
#include "envelope.h"
#include "mail/author.h"
#include "mail/dmarc_record.h"
#include "mail/lookup.h"

#include <stdbool.h>
#include <stddef.h>

/* What SPF or a DKIM signature says, and for which domain. */
struct dmarc_identity {
	enum auth_result result;
	const char *domain; /* NULL, or anything at all, if it is none */
};

struct dmarc_query {
	const struct author *author;
	struct dmarc_identity spf;
	const struct dmarc_identity *dkim;
	size_t dkim_count;
	unsigned sample; /* 0 to 99, by chance: a pct= over it applies */
};

struct dmarc_outcome {
	enum auth_result result; /* none, pass, fail, temperror, permerror */
	/* SPF or DKIM passed for the organisational domain of From, whatever
	 * the policy asks for. */
	bool aligned;
	const char *domain;        /* of From; NULL if there is not just one */
	const char *policy_domain; /* where the record is; NULL without one */
	/* What it asks for From's domain; DMARC_REJECT where there were too
	 * many domains to ask. */
	enum dmarc_policy policy;
	/* What it asks for this message: less with t=y, or by pct. */
	enum dmarc_policy disposition;
	const char *reason; /* for an operator, never NULL */
};

/* The strings are the arena's. */
void dmarc_check(const struct dmarc_query *query, const struct lookup *lookup,
    struct arena *arena, struct dmarc_outcome *outcome);

#endif
