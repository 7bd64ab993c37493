#include "mail/dmarc.h"
#include "mail/trace_header.h"
#include "smtpd/authentication.h"
#include "smtpd/policy.h"

#include <sodium.h>

static const char *const policy_names[] = {
    [DMARC_NONE] = "none",
    [DMARC_QUARANTINE] = "quarantine",
    [DMARC_REJECT] = "reject",
};

bool dmarc_wanted(struct subject *subject)
{
	return subject->settings->config->check_dmarc != CHECK_OFF;
}

/* From the first field to the end of the last. */
static struct slice header_of(const struct signed_mail *mail)
{
	const struct raw_header *header = signed_mail_header(mail);
	const struct raw_field *first = header->fields;
	const struct raw_field *last = first + header->count - 1;

	if (header->count == 0)
		return (struct slice){"", 0};
	return (struct slice){first->whole.data,
	    (size_t)(last->whole.data - first->whole.data) + last->whole.len};
}

static void judge(struct subject *subject, struct signed_mail *mail,
    struct dmarc_outcome *outcome)
{
	const struct signature_set *set =
	    signed_mail_signatures(mail, SIGNATURE_DKIM);
	struct lookup dns = authentication_lookup(subject);
	struct arena *arena = check_arena(subject);
	struct dmarc_identity dkim[LIMIT_SIGNATURES];
	struct author author;
	struct dmarc_query query = {.author = &author,
	    .spf = {subject->results.spf, subject->results.spf_domain},
	    .dkim = dkim,
	    .dkim_count = set->count,
	    .sample = randombytes_uniform(100)};

	for (size_t i = 0; i < set->count; i++)
		dkim[i] = (struct dmarc_identity){
		    set->list[i].result, set->list[i].signature.domain};
	author_read(header_of(mail), arena, &author);
	dmarc_check(&query, &dns, arena, outcome);
}

/* RFC 8601 section 2.7, RFC 9989 section 9. */
static void tell(struct subject *subject, const struct dmarc_outcome *outcome)
{
	struct buf text = buf_new(LIMIT_RESINFO);

	(void)buf_printf(&text, "dmarc=%s", auth_result_name(outcome->result));
	if (outcome->policy_domain != NULL)
		(void)buf_printf(
		    &text, " (p=%s)", policy_names[outcome->policy]);
	if (outcome->domain != NULL)
		authentication_property(&text, "header.from", outcome->domain);
	check_authenticates(subject, "%s", buf_text(&text));
	buf_free(&text);
}

static void note(struct subject *subject, const struct dmarc_outcome *outcome)
{
	struct buf text = buf_new((size_t)2 * LIMIT_RESINFO);

	if (outcome->domain != NULL)
		(void)buf_printf(&text, "%s: ", outcome->domain);
	(void)buf_printf(&text, "%s%s", outcome->reason,
	    outcome->aligned ? ", aligned" : "");
	if (outcome->policy_domain != NULL)
		(void)buf_printf(&text, ", p=%s at %s",
		    policy_names[outcome->policy], outcome->policy_domain);
	check_found(
	    subject, auth_result_name(outcome->result), "%s", buf_text(&text));
	buf_free(&text);
}

/* RFC 7372 section 3.3. */
static void refuse(struct subject *subject, const struct dmarc_outcome *outcome)
{
	if (outcome->policy_domain == NULL)
		check_refuse(subject, 550, "5.7.26", "dmarc_fail", "%s",
		    outcome->reason);
	else
		check_refuse(subject, 550, "5.7.26", "dmarc_fail",
		    "The policy of %s refuses mail that is not authenticated",
		    outcome->policy_domain);
}

void check_dmarc(struct subject *subject)
{
	struct dmarc_outcome outcome;
	struct signed_mail *mail;
	struct error err;

	if (!authentication_mail(subject, &mail, &err)) {
		subject->results.checks.dmarc = AUTH_TEMPERROR;
		check_authenticates(subject, "dmarc=temperror");
		check_found(subject, "temperror", "%s", err.text);
		return;
	}
	judge(subject, mail, &outcome);
	subject->results.checks.dmarc = outcome.result;
	subject->results.checks.aligned = outcome.aligned;
	tell(subject, &outcome);
	note(subject, &outcome);
	if (outcome.result == AUTH_FAIL &&
	    outcome.disposition == DMARC_REJECT &&
	    subject->settings->config->check_dmarc == CHECK_REJECT)
		refuse(subject, &outcome);
}
