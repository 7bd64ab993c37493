#include "base/clock.h"
#include "base/log.h"
#include "mail/trace_header.h"
#include "smtpd/policy.h"
#include "smtpd/scanner.h"
#include "smtpd/spamd_client.h"

#include <stdio.h>

/* Points as SpamAssassin writes them. */
#define POINTS "%.1f"

bool spamd_wanted(struct subject *subject)
{
	const struct config *config = subject->settings->config;

	if (config->spamassassin_address == NULL)
		return false;
	if (subject->message.size > config->spam_max_bytes) {
		check_found(subject, "unknown",
		    "larger than SPAM_MAX_BYTES: not asked");
		return false;
	}
	return true;
}

/* The lines that the message will have in front: SpamAssassin reads the client
 * and the sender from them. */
static struct buf trace_of(const struct subject *subject)
{
	struct buf trace = buf_new(LIMIT_TRACE);
	struct received received = {
	    .helo = subject->helo,
	    .client_name = subject->results.client_name,
	    .client_ip = subject->ip_text,
	    .host = subject->settings->config->haraka_domain,
	    .protocol = subject->extended ? "ESMTP" : "SMTP",
	    .id = subject->id,
	    .when_ms = clock_wall_ms(),
	};

	if (!trace_return_path(&trace, subject->sender) ||
	    !trace_received(&trace, &received))
		buf_clear(&trace);
	return trace;
}

/* "Yes, score=15.2 required=5.0 tests=A,B", as X-Spam-Status would say. */
static const char *status_header(
    struct subject *subject, const struct spamd_reply *reply)
{
	struct buf tests = buf_new(LIMIT_SPAM_REPORT);
	const char *header;

	(void)spamd_reply_tests(reply->report, &tests);
	header = arena_printf(check_arena(subject),
	    "%s, score=" POINTS " required=" POINTS " tests=%s",
	    reply->spam ? "Yes" : "No", reply->score, reply->threshold,
	    buf_text(&tests));
	buf_free(&tests);
	return header;
}

static void keep(struct subject *subject, const struct spamd_reply *reply)
{
	struct check_results *checks = &subject->results.checks;
	struct slice report = reply->report;

	if (report.len > LIMIT_SPAM_REPORT)
		report.len = LIMIT_SPAM_REPORT;
	checks->spam = reply->spam ? SPAM_SPAM : SPAM_HAM;
	checks->spam_score = reply->score;
	checks->spam_threshold = reply->threshold;
	checks->spam_report =
	    arena_strndup(check_arena(subject), report.data, report.len);
	checks->spam_status_header = status_header(subject, reply);
	check_found(subject, reply->spam ? "spam" : "ham", "%s",
	    checks->spam_status_header);
}

void check_spamd(struct subject *subject)
{
	const struct config *config = subject->settings->config;
	struct scanner_wait wait;
	struct patience patience =
	    scanner_patience(&wait, subject, LIMIT_SPAMD_MS);
	struct buf trace = trace_of(subject);
	struct buf answer = buf_new(LIMIT_SPAMD_ANSWER);
	struct spamd_reply reply;
	struct error err;

	if (!spamd_report(config->spamassassin_address,
		(struct slice){buf_text(&trace), trace.len}, &subject->message,
		&patience, &answer, &reply, &err)) {
		log_event(LOG_ERROR, "spamd_failed",
		    LOG_TEXT("session", subject->session),
		    LOG_TEXT("id", subject->id), LOG_TEXT("error", err.text));
		check_found(subject, "unknown", "%s", err.text);
	} else {
		keep(subject, &reply);
		if (reply.score >= config->spam_reject_score)
			check_refuse(subject, 550, "5.7.1", "spam",
			    "The message looks like spam (" POINTS
			    " points, " POINTS " are too many)",
			    reply.score, config->spam_reject_score);
	}
	buf_free(&trace);
	buf_free(&answer);
}
