#include "smtpd/policy.h"

/* Port 25 never relays; and while nobody has told us what is ours, nobody is
 * told that something is not. <postmaster> without a domain is ours (RFC 5321
 * section 4.5.1). */
void check_recipient(struct subject *subject)
{
	struct domain_list *list = services_domains(subject->services);
	const struct address *recipient = subject->recipient;
	char first[LIMIT_DOMAIN + 1];
	enum whose_domain whose;

	if (recipient->domain_len == 0)
		whose = domain_list_first(list, subject->settings, first)
			    ? DOMAIN_OURS
			    : DOMAIN_FOREIGN;
	else
		whose = domain_list_find(list, subject->settings,
		    recipient->domain, recipient->domain_len);
	switch (whose) {
	case DOMAIN_OURS:
		return;
	case DOMAIN_FOREIGN:
		check_refuse(subject, 550, "5.7.1", "not_local",
		    "Not a domain of this host: it does not relay");
		return;
	case DOMAIN_UNKNOWN:
		check_refuse(subject, 451, "4.4.3", "domains_unknown",
		    "Our domains are not known yet, try again later");
		return;
	}
}
