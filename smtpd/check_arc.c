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

/* RFC 8617 sections 5.2 and 10.2. */
static void tell(struct subject *subject, const struct arc_result *result)
{
	const char *name = auth_result_name(result->result);

	struct buf text = buf_new(LIMIT_RESINFO);

	(void)buf_printf(&text, "arc=%s", name);
	if (result->result == AUTH_PASS)
		(void)buf_printf(&text, " (i=%u)", result->instance);
	else if (result->result != AUTH_NONE)
		(void)buf_printf(&text, " (%s)", result->why);
	if (result->result != AUTH_NONE)
		authentication_property(
		    &text, "smtp.remote-ip", subject->ip_text);
	check_authenticates(subject, "%s", buf_text(&text));
	buf_free(&text);
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
		/* RFC 8617 section 5.2.2 */
		check_refuse(subject, 550, "5.7.29", "arc_fail",
		    "The ARC chain is broken: %s", result.why);
}
