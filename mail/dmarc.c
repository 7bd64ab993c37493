#include "mail/dmarc.h"

#include "mail/dmarc_walk.h"
#include "mail/domain.h"
#include "mail/public_suffix.h"

#include <string.h>

/* One domain of From, and what is known of its organisation. */
struct evaluation {
	const struct dmarc_query *query;
	struct dmarc_tree tree;
	const char *domain;
	const struct dmarc_node *policy; /* NULL: none applies */
};

/* --- the policy ------------------------------------------------------- */

/* Section 4.10.1. False if a query had no answer. */
static bool discover(struct evaluation *evaluation)
{
	const struct dmarc_node *own =
	    dmarc_tree_node(&evaluation->tree, evaluation->domain);
	struct dmarc_walk walk;

	evaluation->policy = NULL;
	if (own->error)
		return false;
	if (own->found) {
		evaluation->policy = own;
		return true;
	}
	walk = dmarc_tree_walk(&evaluation->tree, evaluation->domain);
	if (walk.any)
		evaluation->policy = walk.policy;
	return !walk.error;
}

/* RFC 8020: neither the name nor anything below it. */
static bool is_absent(struct evaluation *evaluation)
{
	const struct lookup_record *records;

	return lookup_find(evaluation->tree.lookup, LOOKUP_A,
		   evaluation->domain, evaluation->tree.arena,
		   &records) == LOOKUP_NXDOMAIN;
}

static enum dmarc_policy policy_of(struct evaluation *evaluation)
{
	const struct dmarc_record *record = &evaluation->policy->record;

	if (domain_equal(evaluation->policy->name, evaluation->domain))
		return record->policy;
	if (record->has_np && record->absent != record->subdomains &&
	    is_absent(evaluation))
		return record->absent;
	return record->subdomains;
}

/* One level less on trial (section 4.7, t), or for those that pct spares (RFC
 * 7489 section 6.6.4). */
static enum dmarc_policy disposition_of(const struct dmarc_record *record,
    enum dmarc_policy policy, unsigned sample)
{
	if (policy == DMARC_NONE ||
	    (!record->testing && sample < record->percent))
		return policy;
	return policy == DMARC_REJECT ? DMARC_QUARANTINE : DMARC_NONE;
}

/* --- alignment -------------------------------------------------------- */

enum alignment { ALIGNED_NOT, ALIGNED, ALIGNED_UNKNOWN };

/* An organisation is the name itself or above it. So what is known of one side
 * can rule the other out: a stranger whose DNS is broken leaves nothing open
 * (RFC 9989 section 5.3.6 speaks of queries that are required). */
static bool may_share(const char *from, const struct dmarc_walk *ours,
    const char *domain, const struct dmarc_walk *theirs)
{
	if (!ours->error)
		return domain_is_within(domain, ours->organisation);
	if (!theirs->error)
		return domain_is_within(from, theirs->organisation);
	return domain_equal(domain_suffix(from, 1), domain_suffix(domain, 1));
}

static enum alignment align(
    struct evaluation *evaluation, const char *domain, bool strict)
{
	struct dmarc_walk ours, theirs;
	char ascii[DOMAIN_SIZE];

	if (domain == NULL || !domain_to_ascii(slice_of(domain), ascii))
		return ALIGNED_NOT;
	if (domain_equal(ascii, evaluation->domain))
		return ALIGNED;
	if (strict)
		return ALIGNED_NOT;
	ours = dmarc_tree_walk(&evaluation->tree, evaluation->domain);
	theirs = dmarc_tree_walk(
	    &evaluation->tree, arena_strdup(evaluation->tree.arena, ascii));
	if (ours.error || theirs.error)
		return may_share(evaluation->domain, &ours, ascii, &theirs)
			   ? ALIGNED_UNKNOWN
			   : ALIGNED_NOT;
	return domain_equal(ours.organisation, theirs.organisation)
		   ? ALIGNED
		   : ALIGNED_NOT;
}

/* For `aligned`: where the DNS does not answer, the list does. */
static bool belongs(struct evaluation *evaluation, const char *domain)
{
	enum alignment alignment = align(evaluation, domain, false);
	char ascii[DOMAIN_SIZE];

	if (alignment != ALIGNED_UNKNOWN)
		return alignment == ALIGNED;
	return domain_to_ascii(slice_of(domain), ascii) &&
	       domain_equal(public_suffix_registered(ascii),
		   public_suffix_registered(evaluation->domain));
}

static bool any_belongs(struct evaluation *evaluation)
{
	const struct dmarc_query *query = evaluation->query;

	if (query->spf.result == AUTH_PASS &&
	    belongs(evaluation, query->spf.domain))
		return true;
	for (size_t i = 0; i < query->dkim_count; i++)
		if (query->dkim[i].result == AUTH_PASS &&
		    belongs(evaluation, query->dkim[i].domain))
			return true;
	return false;
}

/* What one identity is good for: pass, fail, or temperror if that is not
 * known yet. */
static enum auth_result weigh(struct evaluation *evaluation,
    const struct dmarc_identity *identity, bool strict)
{
	if (identity->result != AUTH_PASS && identity->result != AUTH_TEMPERROR)
		return AUTH_FAIL;
	switch (align(evaluation, identity->domain, strict)) {
	case ALIGNED:
		return identity->result;
	case ALIGNED_UNKNOWN:
		return AUTH_TEMPERROR;
	case ALIGNED_NOT:
		break;
	}
	return AUTH_FAIL;
}

static enum auth_result weigh_all(
    struct evaluation *evaluation, const char **reason)
{
	const struct dmarc_query *query = evaluation->query;
	const struct dmarc_record *record = &evaluation->policy->record;
	enum auth_result one, result;

	result = weigh(evaluation, &query->spf, record->strict_spf);
	*reason = "SPF";
	for (size_t i = 0; i < query->dkim_count && result != AUTH_PASS; i++) {
		one = weigh(evaluation, &query->dkim[i], record->strict_dkim);
		*reason = "DKIM";
		if (one != AUTH_FAIL)
			result = one;
	}
	if (result == AUTH_TEMPERROR)
		*reason = "a DNS error left SPF or DKIM open";
	else if (result == AUTH_FAIL)
		*reason = "neither SPF nor DKIM passed for its domain";
	return result;
}

/* --- verdicts --------------------------------------------------------- */

static void judge_one(
    struct evaluation *evaluation, struct dmarc_outcome *outcome)
{
	const struct dmarc_record *record;

	outcome->domain = evaluation->domain;
	outcome->aligned = any_belongs(evaluation);
	if (!discover(evaluation)) {
		outcome->result = AUTH_TEMPERROR;
		outcome->reason = "a DNS error in the query for the policy";
		return;
	}
	if (evaluation->policy == NULL) {
		outcome->reason = "no policy";
		return;
	}
	record = &evaluation->policy->record;
	outcome->policy_domain = evaluation->policy->name;
	if (record->unusable) {
		outcome->result = AUTH_PERMERROR;
		outcome->reason = "the policy is malformed";
		return;
	}
	outcome->policy = policy_of(evaluation);
	outcome->disposition =
	    disposition_of(record, outcome->policy, evaluation->query->sample);
	outcome->result = weigh_all(evaluation, &outcome->reason);
}

/* The policy at hand, if it asks for more than that of the outcome: for this
 * message first of all. */
static void take_stricter(
    struct evaluation *evaluation, struct dmarc_outcome *outcome)
{
	enum dmarc_policy policy = policy_of(evaluation);
	enum dmarc_policy disposition = disposition_of(
	    &evaluation->policy->record, policy, evaluation->query->sample);

	if (outcome->policy_domain != NULL &&
	    (disposition < outcome->disposition ||
		(disposition == outcome->disposition &&
		    policy <= outcome->policy)))
		return;
	outcome->policy_domain = evaluation->policy->name;
	outcome->policy = policy;
	outcome->disposition = disposition;
}

/* Several domains, or a From that cannot be trusted: never a pass. The
 * strictest of their policies is the message's (RFC 7489 section 6.6.1). So
 * many that nobody asks for all are an attack, and none of them would want it.
 */
static void judge_doubtful(
    struct evaluation *evaluation, struct dmarc_outcome *outcome)
{
	const struct author *author = evaluation->query->author;

	outcome->reason =
	    author->fault != NULL ? author->fault : "From has several domains";
	if (author->too_many) {
		outcome->result = AUTH_FAIL;
		outcome->policy = outcome->disposition = DMARC_REJECT;
		return;
	}
	for (size_t i = 0; i < author->count; i++) {
		evaluation->domain = author->domains[i];
		if (!discover(evaluation)) {
			if (outcome->result == AUTH_NONE)
				outcome->result = AUTH_TEMPERROR;
		} else if (evaluation->policy != NULL &&
			   !evaluation->policy->record.unusable) {
			outcome->result = AUTH_FAIL;
			take_stricter(evaluation, outcome);
		}
	}
}

void dmarc_check(const struct dmarc_query *query, const struct lookup *lookup,
    struct arena *arena, struct dmarc_outcome *outcome)
{
	const struct author *author = query->author;
	struct evaluation evaluation = {
	    .query = query, .tree = {.lookup = lookup, .arena = arena}};

	*outcome = (struct dmarc_outcome){.result = AUTH_NONE, .reason = ""};
	if (author->count == 1 && author->fault == NULL) {
		evaluation.domain = author->domains[0];
		judge_one(&evaluation, outcome);
	} else {
		judge_doubtful(&evaluation, outcome);
	}
}
