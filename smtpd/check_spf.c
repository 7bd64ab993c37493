/*
 * SPF (RFC 7208) of MAIL FROM, or of HELO for the null sender. Where CHECK_SPF
 * is off it is still asked for the senders that SPF_PROTECT_LOCAL protects
 * (check_protect_local.c) and for DMARC, and told to nobody else.
 */
#include "mail/spf.h"

#include "base/clock.h"
#include "mail/trace_header.h"
#include "smtpd/authentication.h"
#include "smtpd/policy.h"

bool spf_wanted(struct subject *subject)
{
	const struct config *config = subject->settings->config;

	return config->check_spf != CHECK_OFF ||
	       config->check_dmarc != CHECK_OFF ||
	       protect_local_applies(subject);
}

static struct spf_outcome ask(struct subject *subject)
{
	struct lookup dns = authentication_lookup(subject);
	struct spf_query query = {.ip = subject->ip,
	    .helo = subject->helo,
	    .sender = subject->sender,
	    .receiver = subject->settings->config->haraka_domain,
	    .now_s = clock_wall_ms() / 1000};
	struct spf_outcome outcome;

	spf_check(&query, &dns, check_arena(subject), &outcome);
	subject->results.spf = outcome.result;
	subject->results.spf_domain = outcome.domain;
	subject->results.spf_explanation = outcome.explanation;
	return outcome;
}

/* RFC 8601 section 2.7.2. */
static void tell(struct subject *subject, const struct spf_outcome *outcome)
{
	struct buf text = buf_new(LIMIT_RESINFO);

	(void)buf_printf(&text, "spf=%s", auth_result_name(outcome->result));
	authentication_property(&text,
	    outcome->helo ? "smtp.helo" : "smtp.mailfrom", outcome->domain);
	check_authenticates(subject, "%s", buf_text(&text));
	buf_free(&text);
}

void check_spf(struct subject *subject)
{
	struct spf_outcome outcome = ask(subject);
	const char *name = auth_result_name(outcome.result);

	if (subject->settings->config->check_spf == CHECK_OFF)
		return;
	subject->results.checks.spf = outcome.result;
	tell(subject, &outcome);
	check_found(subject, name, "%s %s: %s",
	    outcome.helo ? "HELO" : "MAIL FROM", outcome.domain,
	    outcome.reason);
	if (outcome.result == AUTH_FAIL &&
	    subject->settings->config->check_spf == CHECK_REJECT)
		check_refuse_spf(subject, "spf_fail");
}
