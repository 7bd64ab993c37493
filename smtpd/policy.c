#include "smtpd/policy.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "smtpd/figures.h"

#include <stdatomic.h>

/* By stage, and in the order in which they are made. */
static const struct check checks[] = {
    {"access", STAGE_CONNECT, SERVICE_NONE, NULL, check_access},
    {"fcrdns", STAGE_CONNECT, SERVICE_DNS, fcrdns_wanted, check_fcrdns},
    {"dnsbl", STAGE_CONNECT, SERVICE_DNS, dnsbl_wanted, check_dnsbl},
    {"early_talker", STAGE_GREETING, SERVICE_NONE, early_talker_wanted,
	check_early_talker},
    {"helo", STAGE_HELO, SERVICE_NONE, helo_wanted, check_helo},
    {"sender_domain", STAGE_MAIL, SERVICE_DNS, sender_domain_wanted,
	check_sender_domain},
    {"spf", STAGE_MAIL, SERVICE_DNS, spf_wanted, check_spf},
    {"protect_local", STAGE_MAIL, SERVICE_NONE, NULL, check_protect_local},
    {"recipient", STAGE_RCPT, SERVICE_NONE, NULL, check_recipient},
    {"verify", STAGE_RCPT, SERVICE_PHOENIX, verify_wanted, check_verify},
    {"newlines", STAGE_CONTENT, SERVICE_NONE, NULL, check_newlines},
    {"size", STAGE_CONTENT, SERVICE_NONE, NULL, check_size},
    {"loop", STAGE_CONTENT, SERVICE_NONE, NULL, check_loop},
    {"dkim", STAGE_MESSAGE, SERVICE_DNS, dkim_wanted, check_dkim},
    {"dmarc", STAGE_MESSAGE, SERVICE_DNS, dmarc_wanted, check_dmarc},
    {"arc", STAGE_MESSAGE, SERVICE_DNS, arc_wanted, check_arc},
    {"parts", STAGE_MESSAGE, SERVICE_CONTENT, parts_wanted, check_parts},
    {"attachment", STAGE_MESSAGE, SERVICE_NONE, attachment_wanted,
	check_attachment},
    {"uribl", STAGE_MESSAGE, SERVICE_DNS, uribl_wanted, check_uribl},
    {"clamd", STAGE_MESSAGE, SERVICE_CLAMD, clamd_wanted, check_clamd},
    {"spamd", STAGE_MESSAGE, SERVICE_SPAMD, spamd_wanted, check_spamd},
};

static const struct check *table = checks;
static size_t table_count = sizeof(checks) / sizeof(checks[0]);

void policy_set_for_test(const struct check *other, size_t count)
{
	table = other != NULL ? other : checks;
	table_count =
	    other != NULL ? count : sizeof(checks) / sizeof(checks[0]);
}

static void begin(struct subject *subject, const struct check *check)
{
	subject->check = check;
	subject->found = (struct check_finding){.check = check->name};
}

static void log_finding(
    const struct subject *subject, const struct check_finding *found)
{
	log_event(LOG_INFO, "check", LOG_TEXT("session", subject->session),
	    LOG_TEXT("ip", subject->ip_text), LOG_TEXT("id", subject->id),
	    LOG_TEXT("check", found->check), LOG_TEXT("result", found->result),
	    LOG_TEXT("saw", found->saw),
	    LOG_NUMBER("duration_ms", found->duration_ms));
}

/* What the check found goes to the log and the trace. */
static void finish(struct subject *subject, int64_t began_us)
{
	struct check_finding *found = &subject->found;
	struct check_findings one = {.count = 1};
	int64_t took_us = clock_mono_us() - began_us;

	/* Those of the content are made again and again, and take no time. */
	if (subject->stage != STAGE_CONTENT)
		metric_observe(
		    &figure_check_duration, found->check, (uint64_t)took_us);
	if (subject->verdict.action != VERDICT_ACCEPT)
		metric_add(&figure_refused, subject->verdict.reason, 1);
	if (found->result == NULL && subject->verdict.action == VERDICT_ACCEPT)
		return;
	if (found->result == NULL)
		check_found(subject, subject->verdict.reason, "%s",
		    subject->verdict.text);
	found->duration_ms = (took_us + 500) / 1000;
	log_finding(subject, found);
	one.items = xmalloc(sizeof(*found));
	*one.items = *found;
	(void)findings_take(&subject->findings, &one);
}

static bool is_over(const struct subject *subject)
{
	return subject->next == table_count ||
	       subject->verdict.action != VERDICT_ACCEPT ||
	       atomic_load(&subject->forgotten);
}

/* Asks the check whether it is to be made. */
static bool is_wanted(struct subject *subject, const struct check *check)
{
	int64_t began_us;
	bool wanted;

	if (check->wanted == NULL)
		return true;
	began_us = clock_mono_us();
	begin(subject, check);
	wanted = check->wanted(subject);
	if (subject->found.result != NULL ||
	    subject->verdict.action != VERDICT_ACCEPT) {
		finish(subject, began_us);
		wanted = false;
	}
	return wanted;
}

static void make(struct subject *subject, const struct check *check)
{
	int64_t began_us = clock_mono_us();

	begin(subject, check);
	check->make(subject);
	finish(subject, began_us);
}

/* Up to the first check of another service. */
static enum service run(struct subject *subject, enum service service)
{
	for (; !is_over(subject); subject->next++) {
		const struct check *check = &table[subject->next];

		if (check->stage != subject->stage ||
		    !is_wanted(subject, check))
			continue;
		if (check->service != SERVICE_NONE && check->service != service)
			return check->service;
		make(subject, check);
	}
	return SERVICE_NONE;
}

enum service policy_advance(struct subject *subject)
{
	return run(subject, SERVICE_NONE);
}

void policy_make(struct subject *subject)
{
	const struct check *check = &table[subject->next++];

	make(subject, check);
	(void)run(subject, check->service);
}

void policy_judge(struct subject *subject)
{
	while (policy_advance(subject) != SERVICE_NONE)
		policy_make(subject);
}
