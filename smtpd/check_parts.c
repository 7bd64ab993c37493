#include "smtpd/parts.h"
#include "smtpd/policy.h"

bool parts_wanted(struct subject *subject)
{
	const struct config *config = subject->settings->config;

	if (subject->mime != NULL)
		return false;
	/* One part of plain text, without files: only URIBL looks for more. */
	if (!subject->content->described && !subject->content->uuencoded &&
	    config->uribl_zones.count == 0)
		return false;
	if (parts_take_long(subject))
		return true;
	check_parts(subject);
	return false;
}

void check_parts(struct subject *subject)
{
	if (parts_find(subject) && subject->mime->cut)
		check_refuse(subject, 552, "5.3.4", "too_many_parts",
		    "Message has more than %u MIME parts",
		    subject->settings->config->max_mime_parts);
}
