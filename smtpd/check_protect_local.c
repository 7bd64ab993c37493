/*
 * Nobody but those whom a local domain's SPF record names may send in its name
 * (SPF_PROTECT_LOCAL). As long as the DNS does not say who they are, senders
 * have to wait.
 */
#include "smtpd/policy.h"

#include <string.h>

bool protect_local_applies(const struct subject *subject)
{
	const char *at = strrchr(subject->sender, '@');

	return at != NULL && subject->settings->config->spf_protect_local &&
	       domains_has(
		   subject->settings->local_domains, at + 1, strlen(at + 1));
}

void check_refuse_spf(struct subject *subject, const char *reason)
{
	const char *why = subject->results.spf_explanation;

	/* RFC 7372 section 3.2. */
	check_refuse(subject, 550, "5.7.23", reason,
	    "SPF: %s may not send mail for %s%s%s", subject->ip_text,
	    subject->results.spf_domain, why == NULL ? "" : ": ",
	    why == NULL ? "" : why);
}

void check_protect_local(struct subject *subject)
{
	if (!protect_local_applies(subject))
		return;
	if (subject->results.spf == AUTH_FAIL)
		check_refuse_spf(subject, "protected_sender");
	else if (subject->results.spf == AUTH_TEMPERROR)
		check_refuse(subject, 451, "4.7.24", "protected_sender_unknown",
		    "SPF of %s cannot be checked now, try again later",
		    subject->results.spf_domain);
}
