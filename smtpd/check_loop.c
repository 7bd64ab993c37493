#include "smtpd/policy.h"

/* RFC 5321 section 6.3. */
void check_loop(const struct subject *subject, struct verdict *verdict)
{
	unsigned most = subject->settings->config->max_received;

	if (subject->content->received > most)
		verdict_reject(verdict, 554, "5.4.6", "too_many_hops",
		    "Too many hops: more than %u Received fields, a loop?",
		    most);
}
