#include "mail/spf_match.h"

#include "bounds.h"

#include <stdio.h>
#include <string.h>

bool spf_spend_term(struct spf_evaluation *evaluation)
{
	if (++evaluation->terms <= LIMIT_SPF_TERMS)
		return true;
	evaluation->reason = "more than 10 terms that ask the DNS";
	return false;
}

const char *spf_target(struct spf_evaluation *evaluation, struct slice spec)
{
	struct buf name = buf_new(DOMAIN_SIZE * 4);
	const char *target = NULL;

	if (spec.len == 0)
		return evaluation->values.domain;
	if (spf_macro_expand_domain(spec, &evaluation->values, &name))
		target = arena_strdup(evaluation->arena, buf_text(&name));
	buf_free(&name);
	return target;
}

static enum lookup_status ask(struct spf_evaluation *evaluation,
    enum lookup_type type, const char *name,
    const struct lookup_record **records)
{
	return lookup_find(
	    evaluation->lookup, type, name, evaluation->arena, records);
}

static enum lookup_type address_type(const struct spf_evaluation *evaluation)
{
	return ip_is_v4(&evaluation->values.ip) ? LOOKUP_A : LOOKUP_AAAA;
}

/* Section 4.6.4: answers that say nothing are counted. */
static enum spf_match count_void(
    struct spf_evaluation *evaluation, enum lookup_status status)
{
	if (status == LOOKUP_TEMPERROR) {
		evaluation->reason = "a DNS error in a mechanism";
		return SPF_MATCH_TEMPERROR;
	}
	if (status == LOOKUP_FOUND || ++evaluation->voids <= LIMIT_SPF_VOIDS)
		return SPF_MATCH_NO;
	evaluation->reason = "more than 2 terms that find nothing in the DNS";
	return SPF_MATCH_PERMERROR;
}

/* --- addresses -------------------------------------------------------- */

/* Whether the first bits are the same; of IPv4 the mapped form is compared. */
static bool shares_prefix(
    const struct ip *a, const struct ip *b, unsigned prefix)
{
	unsigned whole = prefix / 8, rest = prefix % 8;

	return memcmp(a->bytes, b->bytes, whole) == 0 &&
	       (rest == 0 ||
		   ((a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest)) == 0);
}

static bool in_network(const struct spf_evaluation *evaluation,
    const struct ip *ip, const struct spf_directive *directive)
{
	const struct ip *client = &evaluation->values.ip;

	return shares_prefix(client, ip,
	    ip_is_v4(client) ? 96 + directive->prefix4 : directive->prefix6);
}

static bool match_network(const struct spf_evaluation *evaluation,
    const struct spf_directive *directive)
{
	bool v4 = directive->mechanism == SPF_IP4;

	return ip_is_v4(&evaluation->values.ip) == v4 &&
	       in_network(evaluation, &directive->ip, directive);
}

static bool any_in_network(const struct spf_evaluation *evaluation,
    const struct lookup_record *record, const struct spf_directive *directive)
{
	for (; record != NULL; record = record->next)
		if (in_network(evaluation, &record->ip, directive))
			return true;
	return false;
}

/* --- a, exists, mx ---------------------------------------------------- */

static enum spf_match match_a(struct spf_evaluation *evaluation,
    const struct spf_directive *directive, const char *target)
{
	const struct lookup_record *records;
	enum lookup_status status =
	    ask(evaluation, address_type(evaluation), target, &records);

	if (status != LOOKUP_FOUND)
		return count_void(evaluation, status);
	return any_in_network(evaluation, records, directive) ? SPF_MATCH_YES
							      : SPF_MATCH_NO;
}

/* Section 5.7: an A record, whatever the client's address is. */
static enum spf_match match_exists(
    struct spf_evaluation *evaluation, const char *target)
{
	const struct lookup_record *records;
	enum lookup_status status = ask(evaluation, LOOKUP_A, target, &records);

	return status == LOOKUP_FOUND ? SPF_MATCH_YES
				      : count_void(evaluation, status);
}

static const char *name_of(
    struct spf_evaluation *evaluation, const struct lookup_record *record)
{
	return arena_strndup(
	    evaluation->arena, record->text.data, record->text.len);
}

static enum spf_match match_mx(struct spf_evaluation *evaluation,
    const struct spf_directive *directive, const char *target)
{
	const struct lookup_record *hosts, *records;
	enum lookup_status status = ask(evaluation, LOOKUP_MX, target, &hosts);
	unsigned count = 0;

	if (status != LOOKUP_FOUND)
		return count_void(evaluation, status);
	for (const struct lookup_record *host = hosts; host != NULL;
	     host = host->next)
		count++;
	if (count > LIMIT_SPF_NAMES) {
		evaluation->reason = "more than 10 MX records";
		return SPF_MATCH_PERMERROR;
	}
	for (; hosts != NULL; hosts = hosts->next) {
		const char *name = name_of(evaluation, hosts);

		if (!domain_is_valid(name))
			continue;
		status =
		    ask(evaluation, address_type(evaluation), name, &records);
		if (status == LOOKUP_TEMPERROR)
			return count_void(evaluation, status);
		if (status == LOOKUP_FOUND &&
		    any_in_network(evaluation, records, directive))
			return SPF_MATCH_YES;
	}
	return SPF_MATCH_NO;
}

/* --- ptr -------------------------------------------------------------- */

static const char *reverse_name(struct spf_evaluation *evaluation)
{
	struct buf name = buf_new(DOMAIN_SIZE);
	const char *copy;

	(void)spf_macro_expand_domain(
	    slice_of("%{ir}.%{v}.arpa"), &evaluation->values, &name);
	copy = arena_strdup(evaluation->arena, buf_text(&name));
	buf_free(&name);
	return copy;
}

static bool leads_back(struct spf_evaluation *evaluation, const char *name)
{
	const struct lookup_record *records;

	if (!domain_is_valid(name) || ask(evaluation, address_type(evaluation),
					  name, &records) != LOOKUP_FOUND)
		return false;
	for (; records != NULL; records = records->next)
		if (ip_equal(&records->ip, &evaluation->values.ip))
			return true;
	return false;
}

/* Section 5.5. Found once for an evaluation: the client stays the same. */
static enum lookup_status find_names(struct spf_evaluation *evaluation)
{
	const struct spf_client_name **link = &evaluation->names;
	const struct lookup_record *record;
	struct spf_client_name *found;

	if (evaluation->names_known)
		return evaluation->names_status;
	evaluation->names_known = true;
	evaluation->names_status =
	    ask(evaluation, LOOKUP_PTR, reverse_name(evaluation), &record);
	if (evaluation->names_status != LOOKUP_FOUND)
		return evaluation->names_status;
	/* Section 4.6.4: those beyond are ignored. */
	for (unsigned i = 0; i < LIMIT_SPF_NAMES && record != NULL;
	     i++, record = record->next) {
		const char *name = name_of(evaluation, record);

		if (!leads_back(evaluation, name))
			continue;
		found = arena_zalloc(evaluation->arena, sizeof(*found));
		found->name = name;
		*link = found;
		link = &found->next;
	}
	return LOOKUP_FOUND;
}

/* An error here is no match (section 5.5). */
static enum spf_match match_ptr(
    struct spf_evaluation *evaluation, const char *target)
{
	enum lookup_status status = find_names(evaluation);

	if (status == LOOKUP_TEMPERROR)
		return SPF_MATCH_NO;
	if (status != LOOKUP_FOUND)
		return count_void(evaluation, status);
	for (const struct spf_client_name *name = evaluation->names;
	     name != NULL; name = name->next)
		if (domain_is_within(name->name, target))
			return SPF_MATCH_YES;
	return SPF_MATCH_NO;
}

/* Section 7.3: the current domain itself, else one below it, else any. */
static const char *choose_name(const struct spf_evaluation *evaluation)
{
	const char *domain = evaluation->values.domain;
	const struct spf_client_name *name;

	for (name = evaluation->names; name != NULL; name = name->next)
		if (domain_equal(name->name, domain))
			return name->name;
	for (name = evaluation->names; name != NULL; name = name->next)
		if (domain_is_within(name->name, domain))
			return name->name;
	return evaluation->names->name;
}

const char *spf_client_name(void *arg)
{
	struct spf_evaluation *evaluation = arg;

	if (find_names(evaluation) != LOOKUP_FOUND || evaluation->names == NULL)
		return "unknown";
	return choose_name(evaluation);
}

/* --- all -------------------------------------------------------------- */

static enum spf_match match_name(struct spf_evaluation *evaluation,
    const struct spf_directive *directive, const char *target)
{
	switch (directive->mechanism) {
	case SPF_A:
		return match_a(evaluation, directive, target);
	case SPF_MX:
		return match_mx(evaluation, directive, target);
	case SPF_EXISTS:
		return match_exists(evaluation, target);
	case SPF_PTR:
		return match_ptr(evaluation, target);
	case SPF_ALL:
	case SPF_INCLUDE:
	case SPF_IP4:
	case SPF_IP6:
		break;
	}
	return SPF_MATCH_NO;
}

enum spf_match spf_match(
    struct spf_evaluation *evaluation, const struct spf_directive *directive)
{
	const char *target;

	if (directive->mechanism == SPF_ALL)
		return SPF_MATCH_YES;
	if (directive->mechanism == SPF_IP4 || directive->mechanism == SPF_IP6)
		return match_network(evaluation, directive) ? SPF_MATCH_YES
							    : SPF_MATCH_NO;
	if (!spf_spend_term(evaluation))
		return SPF_MATCH_PERMERROR;
	target = spf_target(evaluation, directive->domain);
	/* A ptr does not ask for its own name. */
	if (target == NULL ||
	    (!domain_is_valid(target) && directive->mechanism != SPF_PTR))
		return SPF_MATCH_NO;
	return match_name(evaluation, directive, target);
}
