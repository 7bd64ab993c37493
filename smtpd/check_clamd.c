#include "base/log.h"
#include "smtpd/policy.h"
#include "smtpd/scanner.h"

bool clamd_wanted(struct subject *subject)
{
	return subject->settings->config->clamav_address != NULL;
}

/* No verdict: what then is for CLAMAV_ON_ERROR to say. */
static void go_without(struct subject *subject, const char *why)
{
	log_event(LOG_ERROR, "clamd_failed",
	    LOG_TEXT("session", subject->session), LOG_TEXT("id", subject->id),
	    LOG_TEXT("error", why));
	check_found(subject, "unknown", "%s", why);
	if (subject->settings->config->clamav_on_error == ON_ERROR_DEFER)
		check_refuse(subject, 451, "4.7.1", "clamd_unavailable",
		    "Cannot look for viruses now, try again later");
}

void check_clamd(struct subject *subject)
{
	const char *address = subject->settings->config->clamav_address;
	struct scanner_wait wait;
	struct patience patience =
	    scanner_patience(&wait, subject, LIMIT_CLAMD_MS);
	struct clamd_reply reply;
	struct error err;

	if (!clamd_scan(services_clamd(subject->services), address,
		&subject->message, &patience, &reply, &err)) {
		go_without(subject, err.text);
		return;
	}
	switch (reply.verdict) {
	case CLAMD_CLEAN:
		check_found(subject, "clean", "%s", address);
		break;
	case CLAMD_FOUND:
		check_found(subject, "found", "%s", reply.text);
		check_refuse(subject, 550, "5.7.1", "virus",
		    "The message holds a virus: %s", reply.text);
		break;
	case CLAMD_FAILED:
	case CLAMD_NONSENSE:
		go_without(subject, reply.text);
		break;
	}
}
