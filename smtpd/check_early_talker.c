#include "smtpd/policy.h"

#include <inttypes.h>

bool early_talker_wanted(struct subject *subject)
{
	return subject->settings->config->early_talker_ms > 0;
}

/* Software that only sends mail does not wait to be greeted (RFC 5321 section
 * 4.3.1: the client waits for the greeting). */
void check_early_talker(struct subject *subject)
{
	if (subject->early_bytes == 0)
		check_found(subject, "pass", "silent for %" PRId64 " ms",
		    subject->settings->config->early_talker_ms);
	else
		check_refuse(subject, 554, "5.5.1", "early_talker",
		    "You spoke before the greeting: RFC 5321 4.3.1");
}
