#include "mail/spf.h"

#include "bounds.h"
#include "mail/spf_match.h"

#include <string.h>

/* What check_host() of section 4 says of one domain. */
struct host_result {
	enum auth_result result;
	struct slice exp; /* domain-spec of its explanation; empty: none */
	const char *exp_domain;
};

static struct host_result check_host(
    struct spf_evaluation *evaluation, const char *domain);

/* Printable ASCII, whatever stood in the DNS. */
static const char *quote(struct arena *arena, struct slice text)
{
	char *copy = arena_strndup(arena, text.data, text.len);

	for (size_t i = 0; i < text.len; i++)
		if (copy[i] < ' ' || copy[i] > '~')
			copy[i] = '?';
	return copy;
}

static struct host_result verdict(struct spf_evaluation *evaluation,
    enum auth_result result, const char *reason)
{
	evaluation->reason = reason;
	return (struct host_result){.result = result};
}

/* --- records ---------------------------------------------------------- */

/* Section 4.5. AUTH_PASS if there is exactly one record. */
static enum auth_result select_record(
    struct spf_evaluation *evaluation, const char *domain, struct slice *text)
{
	const struct lookup_record *record;
	enum lookup_status status = lookup_find(
	    evaluation->lookup, LOOKUP_TXT, domain, evaluation->arena, &record);
	unsigned count = 0;

	if (status == LOOKUP_TEMPERROR) {
		evaluation->reason = "a DNS error in the query for the record";
		return AUTH_TEMPERROR;
	}
	if (status != LOOKUP_FOUND)
		record = NULL;
	for (; record != NULL; record = record->next) {
		if (!spf_record_is(record->text))
			continue;
		*text = record->text;
		count++;
	}
	if (count == 1)
		return AUTH_PASS;
	evaluation->reason = count == 0 ? "no record" : "more than one record";
	return count == 0 ? AUTH_NONE : AUTH_PERMERROR;
}

/* The way check_host() of the RFC is written: each time it comes round costs a
 * term, so it is at most LIMIT_SPF_TERMS deep.
 * NOLINTBEGIN(misc-no-recursion) */

/* --- include ---------------------------------------------------------- */

/* The table of section 5.2. */
static enum spf_match include_match(
    struct spf_evaluation *evaluation, enum auth_result result)
{
	switch (result) {
	case AUTH_PASS:
		return SPF_MATCH_YES;
	case AUTH_FAIL:
	case AUTH_SOFTFAIL:
	case AUTH_NEUTRAL:
		return SPF_MATCH_NO;
	case AUTH_TEMPERROR:
		return SPF_MATCH_TEMPERROR;
	case AUTH_PERMERROR:
		return SPF_MATCH_PERMERROR;
	case AUTH_NONE:
		break;
	}
	evaluation->reason = "an included domain has no record";
	return SPF_MATCH_PERMERROR;
}

static enum spf_match match_include(
    struct spf_evaluation *evaluation, const struct spf_directive *directive)
{
	const char *target;

	if (!spf_spend_term(evaluation))
		return SPF_MATCH_PERMERROR;
	target = spf_target(evaluation, directive->domain);
	if (target == NULL)
		return SPF_MATCH_NO;
	return include_match(evaluation, check_host(evaluation, target).result);
}

/* --- evaluation ------------------------------------------------------- */

static struct host_result follow_redirect(
    struct spf_evaluation *evaluation, struct slice redirect)
{
	struct host_result result;
	const char *target;

	if (!spf_spend_term(evaluation))
		return (struct host_result){.result = AUTH_PERMERROR};
	target = spf_target(evaluation, redirect);
	result = check_host(evaluation, target == NULL ? "" : target);
	if (result.result != AUTH_NONE)
		return result;
	return verdict(
	    evaluation, AUTH_PERMERROR, "the redirect has no record");
}

/* Section 4.6.2: the first directive that matches decides. */
static struct host_result evaluate(
    struct spf_evaluation *evaluation, const struct spf_record *record)
{
	const struct spf_directive *directive = record->first;

	for (; directive != NULL; directive = directive->next) {
		enum spf_match match =
		    directive->mechanism == SPF_INCLUDE
			? match_include(evaluation, directive)
			: spf_match(evaluation, directive);

		switch (match) {
		case SPF_MATCH_NO:
			break;
		case SPF_MATCH_YES:
			evaluation->reason =
			    quote(evaluation->arena, directive->text);
			return (struct host_result){.result = directive->result,
			    .exp = record->exp,
			    .exp_domain = evaluation->values.domain};
		case SPF_MATCH_TEMPERROR:
			return (struct host_result){.result = AUTH_TEMPERROR};
		case SPF_MATCH_PERMERROR:
			return (struct host_result){.result = AUTH_PERMERROR};
		}
	}
	/* Behind an "all" it means nothing (section 6.1): that has matched. */
	if (record->redirect.len > 0)
		return follow_redirect(evaluation, record->redirect);
	return verdict(evaluation, AUTH_NEUTRAL, "no term matches");
}

/* Section 4.3: a name of several labels that the DNS can be asked for. */
static bool is_host(const char *domain)
{
	return domain_is_valid(domain) && domain_labels(domain) > 1;
}

static struct host_result check_host(
    struct spf_evaluation *evaluation, const char *domain)
{
	const char *outer = evaluation->values.domain;
	struct host_result result;
	struct spf_record record;
	struct slice text, wrong;
	enum auth_result found;

	if (!is_host(domain))
		return verdict(
		    evaluation, AUTH_NONE, "not a domain with a record");
	found = select_record(evaluation, domain, &text);
	if (found != AUTH_PASS)
		return (struct host_result){.result = found};
	evaluation->values.domain = domain;
	if (spf_record_parse(text, evaluation->arena, &record, &wrong))
		result = evaluate(evaluation, &record);
	else
		result = verdict(evaluation, AUTH_PERMERROR,
		    arena_printf(evaluation->arena, "syntax error: %s",
			quote(evaluation->arena,
			    slice_first(wrong, wrong.len < LIMIT_SPF_TERM_SHOWN
						   ? wrong.len
						   : LIMIT_SPF_TERM_SHOWN))));
	evaluation->values.domain = outer;
	return result;
}

/* NOLINTEND(misc-no-recursion) */

/* --- explanation ------------------------------------------------------ */

/* Section 6.2: whatever goes wrong, there is none. */
static const char *explain(
    struct spf_evaluation *evaluation, const struct host_result *result)
{
	struct buf text = buf_new(LIMIT_SPF_EXPLANATION);
	const struct lookup_record *record;
	const char *target, *explanation = NULL;

	if (result->result != AUTH_FAIL || result->exp.len == 0)
		return NULL;
	evaluation->values.domain = result->exp_domain;
	target = spf_target(evaluation, result->exp);
	if (target == NULL || !domain_is_valid(target))
		return NULL;
	if (lookup_find(evaluation->lookup, LOOKUP_TXT, target,
		evaluation->arena, &record) == LOOKUP_FOUND &&
	    record != NULL && record->next == NULL &&
	    spf_macro_expand_text(record->text, &evaluation->values, &text) &&
	    text.len > 0)
		explanation = arena_strdup(evaluation->arena, buf_text(&text));
	buf_free(&text);
	return explanation;
}

/* --- identities ------------------------------------------------------- */

/* In A-labels where that can be, else as it came. */
static const char *domain_of(struct arena *arena, struct slice text)
{
	char ascii[DOMAIN_SIZE];

	return domain_to_ascii(text, ascii)
		   ? arena_strdup(arena, ascii)
		   : arena_strndup(arena, text.data, text.len);
}

/* Section 4.3: without a local part it is postmaster's. Without a domain, as
 * the null sender, it is that of HELO (section 2.4). */
static void split_sender(struct spf_evaluation *evaluation, const char *sender)
{
	const char *at = strrchr(sender, '@');
	struct spf_values *values = &evaluation->values;

	values->local = at == NULL || at == sender
			    ? "postmaster"
			    : arena_strndup(evaluation->arena, sender,
				  (size_t)(at - sender));
	values->sender_domain =
	    *sender == '\0' ? values->helo
			    : domain_of(evaluation->arena,
				  slice_of(at == NULL ? sender : at + 1));
}

void spf_check(const struct spf_query *query, const struct lookup *lookup,
    struct arena *arena, struct spf_outcome *outcome)
{
	struct spf_evaluation evaluation = {.lookup = lookup,
	    .arena = arena,
	    .values = {.ip = query->ip,
		.receiver = query->receiver,
		.now_s = query->now_s,
		.client_name = spf_client_name,
		.arg = &evaluation},
	    .reason = ""};
	struct host_result result;
	struct slice sender_domain;
	char ascii[DOMAIN_SIZE];

	evaluation.values.helo =
	    domain_of(arena, slice_of(query->helo == NULL ? "" : query->helo));
	split_sender(&evaluation, query->sender);
	sender_domain = slice_of(evaluation.values.sender_domain);
	*outcome = (struct spf_outcome){.helo = *query->sender == '\0',
	    .domain = quote(arena, sender_domain)};
	/* An address literal has labels, too. */
	if (domain_to_ascii(sender_domain, ascii))
		result = check_host(&evaluation, outcome->domain);
	else
		result = verdict(&evaluation, AUTH_NONE, "not a domain name");
	outcome->result = result.result;
	outcome->reason = evaluation.reason;
	outcome->explanation = explain(&evaluation, &result);
}
