#include "smtpd/policy.h"

/* Where a bare CR or LF is a line end for one host and not for the next, one
 * message can be read as two (RFC 5321 section 2.3.8). */
void check_newlines(struct subject *subject)
{
	if (!subject->content->bare_newline ||
	    subject->settings->config->smtp_bare_newline ==
		BARE_NEWLINE_NORMALIZE)
		return;
	check_refuse(subject, 550, "5.5.2", "bare_newline",
	    "Bare CR or LF in the message: lines end in CRLF (RFC 5321 2.3.8)");
}
