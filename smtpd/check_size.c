#include "smtpd/policy.h"

#include <inttypes.h>

void check_size(struct subject *subject)
{
	const struct config *config = subject->settings->config;
	const struct content_facts *content = subject->content;

	if (content->size > config->elektrine_queue_max_raw_bytes)
		check_refuse(subject, 552, "5.3.4", "too_big",
		    "Message is larger than %" PRIu64 " bytes",
		    config->elektrine_queue_max_raw_bytes);
	else if (content->header_bytes > config->max_header_bytes)
		check_refuse(subject, 552, "5.3.4", "header_too_big",
		    "Message header is larger than %" PRIu64 " bytes",
		    config->max_header_bytes);
	else if (content->header_lines > config->max_header_lines)
		check_refuse(subject, 552, "5.3.4", "header_too_long",
		    "Message header has more than %u lines",
		    config->max_header_lines);
}
