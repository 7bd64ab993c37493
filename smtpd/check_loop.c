#include "smtpd/policy.h"

/* RFC 5321 section 6.3. */
void check_loop(struct subject *subject)
{
	unsigned most = subject->settings->config->max_received;

	if (subject->content->received > most)
		check_refuse(subject, 554, "5.4.6", "too_many_hops",
		    "Too many hops: more than %u Received fields, a loop?",
		    most);
}
