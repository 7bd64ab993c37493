#include "base/clock.h"
#include "mail/arc.h"
#include "mail/trace_header.h"
#include "smtpd/authentication.h"
#include "smtpd/policy.h"

bool arc_wanted(struct subject *subject)
{
	return subject->settings->config->check_arc != CHECK_OFF;
}

static const char *sealer(const struct arc_result *result)
{
	return result->seal == NULL ? "" : result->seal->signature.domain;
}

/* RFC 8617 section 7.2 knows no properties that say who sealed it. */
static void tell(struct subject *subject, const struct arc_result *result)
{
	const char *name = auth_result_name(result->result);

	if (result->result == AUTH_NONE)
		return; /* as nearly all mail */
	if (result->result == AUTH_PASS)
		check_authenticates(
		    subject, "arc=%s (i=%u)", name, result->instance);
	else
		check_authenticates(subject, "arc=%s (%s)", name, result->why);
}

static void note(struct subject *subject, const struct arc_result *result)
{
	const char *name = auth_result_name(result->result);

	if (result->result == AUTH_NONE)
		check_found(subject, name, "%s", "");
	else
		check_found(subject, name, "i=%u%s%s%s%s", result->instance,
		    sealer(result)[0] != '\0' ? ", sealed by " : "",
		    sealer(result), result->why[0] != '\0' ? ", " : "",
		    result->why);
}

void check_arc(struct subject *subject)
{
	struct lookup dns = authentication_lookup(subject);
	struct key_source keys = {&dns, clock_wall_ms() / 1000};
	struct arc_result result;
	struct signed_mail *mail;
	struct error err;

	if (!authentication_mail(subject, &mail, &err) ||
	    !arc_validate(mail, &keys, &result, &err)) {
		check_found(subject, "temperror", "%s", err.text);
		return;
	}
	subject->results.checks.arc = result.result;
	tell(subject, &result);
	note(subject, &result);
	if (result.result == AUTH_FAIL &&
	    subject->settings->config->check_arc == CHECK_REJECT)
		/* RFC 8617 section 7.3 */
		check_refuse(subject, 550, "5.7.29", "arc_fail",
		    "The ARC chain is broken: %s", result.why);
}
