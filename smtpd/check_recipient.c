#include "smtpd/policy.h"

/* Port 25 never relays. <postmaster> without a domain is ours (RFC 5321
 * section 4.5.1). */
void check_recipient(struct subject *subject)
{
	const struct domains *ours = subject->settings->local_domains;
	const struct address *recipient = subject->recipient;

	if (recipient->domain_len == 0
		? domains_first(ours) != NULL
		: domains_has(ours, recipient->domain, recipient->domain_len))
		return;
	check_refuse(subject, 550, "5.7.1", "not_local",
	    "Not a domain of this host: it does not relay");
}
