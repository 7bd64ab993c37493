/*
 * Nobody but those whom a local domain's SPF record names may send in its name
 * (SPF_PROTECT_LOCAL). As long as the DNS does not say who they are, or nobody
 * which domains are local, senders have to wait.
 */
#include "mail/domain.h"
#include "smtpd/policy.h"

#include <string.h>

static enum whose_domain whose(const struct subject *subject)
{
	const char *domain = domain_of_address(subject->sender);

	if (domain[0] == '\0')
		return DOMAIN_FOREIGN;
	return domain_list_find(services_domains(subject->services),
	    subject->settings, domain, strlen(domain));
}

bool protect_local_applies(const struct subject *subject)
{
	return subject->settings->config->spf_protect_local &&
	       whose(subject) != DOMAIN_FOREIGN;
}

void check_refuse_spf(struct subject *subject, const char *reason)
{
	const char *why = subject->results.spf_explanation;

	/* RFC 7372 section 3.2. What a stranger says must not look like ours
	 * (RFC 7208 section 6.2). */
	check_refuse(subject, 550, "5.7.23", reason,
	    "SPF: %s may not send mail for %s%s%s", subject->ip_text,
	    subject->results.spf_domain,
	    why == NULL ? "" : ", whose owner explains: ",
	    why == NULL ? "" : why);
}

void check_protect_local(struct subject *subject)
{
	bool ours;

	if (!protect_local_applies(subject))
		return;
	ours = whose(subject) == DOMAIN_OURS;
	if (subject->results.spf == AUTH_FAIL && ours)
		check_refuse_spf(subject, "protected_sender");
	else if (subject->results.spf == AUTH_FAIL)
		check_refuse(subject, 451, "4.4.3", "domains_unknown",
		    "Our domains are not known yet, try again later");
	else if (subject->results.spf == AUTH_TEMPERROR && ours)
		check_refuse(subject, 451, "4.7.24", "protected_sender_unknown",
		    "SPF of %s cannot be checked now, try again later",
		    subject->results.spf_domain);
}
