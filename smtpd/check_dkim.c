#include "base/clock.h"
#include "mail/dkim.h"
#include "mail/trace_header.h"
#include "smtpd/authentication.h"
#include "smtpd/policy.h"

/* Signatures that our Authentication-Results line tells of: SPF, DMARC and ARC
 * need room, too. */
#define TOLD 8
/* RFC 6008 section 4: enough of b= to tell signatures apart. */
#define B_PREFIX 8

bool dkim_wanted(struct subject *subject)
{
	const struct config *config = subject->settings->config;

	return config->check_dkim != CHECK_OFF ||
	       config->check_dmarc != CHECK_OFF;
}

/* One method of Authentication-Results (RFC 8601 section 2.7.1). */
static void tell(struct subject *subject, const struct signature_verdict *one)
{
	struct buf text = buf_new(LIMIT_RESINFO);
	char prefix[B_PREFIX + 1];

	(void)buf_printf(&text, "dkim=%s", auth_result_name(one->result));
	if (one->why[0] != '\0')
		(void)buf_printf(&text, " (%s)", one->why);
	else if (one->uncovered > 0)
		(void)buf_append_text(&text, " (of a part of the body)");
	if (one->testing)
		(void)buf_append_text(&text, " (in testing)");
	(void)snprintf(prefix, sizeof(prefix), "%s", one->signature.text);
	authentication_property(&text, "header.d", one->signature.domain);
	authentication_property(&text, "header.s", one->signature.selector);
	authentication_property(&text, "header.a", one->signature.algorithm);
	authentication_property(&text, "header.b", prefix);
	check_authenticates(subject, "%s", buf_text(&text));
	buf_free(&text);
}

/* The one that decided first. */
static void tell_all(struct subject *subject, const struct dkim_result *result)
{
	size_t told = 1;

	if (result->decisive == NULL) {
		check_authenticates(subject, "dkim=none");
		return;
	}
	tell(subject, result->decisive);
	for (size_t i = 0; i < result->signatures->count && told < TOLD; i++) {
		if (&result->signatures->list[i] == result->decisive)
			continue;
		tell(subject, &result->signatures->list[i]);
		told++;
	}
}

static void describe(struct buf *out, const struct signature_verdict *one)
{
	(void)buf_printf(out, "%s%s s=%s %s %s", out->len > 0 ? "; " : "",
	    one->signature.domain, one->signature.selector,
	    one->signature.algorithm, auth_result_name(one->result));
	if (one->key_bits > 0)
		(void)buf_printf(out, ", %u bits", one->key_bits);
	if (one->testing)
		(void)buf_append_text(out, ", in testing");
	if (one->uncovered > 0)
		(void)buf_printf(out, ", %llu bytes of the body not signed",
		    (unsigned long long)one->uncovered);
	if (one->why[0] != '\0')
		(void)buf_printf(out, ", %s", one->why);
}

static void note(struct subject *subject, const struct dkim_result *result)
{
	/* All of it: what is too long is cut at its end. */
	struct buf text = buf_new((size_t)LIMIT_SIGNATURES * LIMIT_RESINFO);

	for (size_t i = 0; i < result->signatures->count; i++)
		describe(&text, &result->signatures->list[i]);
	check_found(
	    subject, auth_result_name(result->result), "%s", buf_text(&text));
	buf_free(&text);
}

/* A domain that is only trying DKIM is treated as if it did not (RFC 6376
 * section 3.6.1, t=y). */
static bool may_refuse(struct subject *subject,
    const struct dkim_result *result, const struct lookup *dns)
{
	return subject->settings->config->check_dkim == CHECK_REJECT &&
	       (result->result == AUTH_FAIL ||
		   result->result == AUTH_PERMERROR) &&
	       !result->decisive->testing &&
	       !signature_may_be_tested(
		   &result->decisive->signature, dns, check_arena(subject));
}

void check_dkim(struct subject *subject)
{
	struct lookup dns = authentication_lookup(subject);
	struct key_source keys = {&dns, clock_wall_ms() / 1000};
	bool told = subject->settings->config->check_dkim != CHECK_OFF;
	struct dkim_result result;
	struct signed_mail *mail;
	struct error err;
	bool done = authentication_mail(subject, &mail, &err) &&
		    dkim_verify(mail, &keys, &result, &err);

	/* Only DMARC wants to know. */
	if (!told)
		return;
	if (!done) {
		subject->results.checks.dkim = AUTH_TEMPERROR;
		check_authenticates(subject, "dkim=temperror");
		check_found(subject, "temperror", "%s", err.text);
		return;
	}
	subject->results.checks.dkim = result.result;
	tell_all(subject, &result);
	note(subject, &result);
	if (may_refuse(subject, &result, &dns)) /* RFC 7372 section 3.1 */
		check_refuse(subject, 550, "5.7.20", "dkim_fail",
		    "No valid DKIM signature: %s", result.decisive->why);
}
