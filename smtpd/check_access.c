#include "smtpd/policy.h"

/* ACCESS_ALLOW beats ACCESS_DENY, and gives no other right. */
void check_access(struct subject *subject)
{
	const struct settings *settings = subject->settings;

	if (cidr_set_has(settings->allowed, &subject->ip))
		check_found(subject, "allowed", "ACCESS_ALLOW");
	else if (cidr_set_has(settings->denied, &subject->ip))
		check_refuse(subject, 554, "5.7.1", "access_denied",
		    "Your address %s may not send mail here", subject->ip_text);
}
