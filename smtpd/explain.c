#include "smtpd/explain.h"

#include "base/clock.h"
#include "smtpd/data_scan.h"
#include "smtpd/header_watch.h"
#include "smtpd/policy.h"
#include "smtpd/uuencode_watch.h"

#define CHUNK ((size_t)64 * 1024)

struct tour {
	struct subject subject;
	explain_fn *tell;
	void *arg;
};

/* --- the content ------------------------------------------------------ */

struct reading {
	struct header_watch header;
	struct uuencode_watch uuencode;
	struct content_facts facts;
};

static void on_content(void *arg, const char *bytes, size_t len)
{
	struct reading *reading = arg;

	reading->facts.size += len;
	header_watch_read(&reading->header, bytes, len);
	uuencode_watch_read(&reading->uuencode, bytes, len);
}

/* What a session would have noted of it. */
static bool read_content(const struct source *message,
    struct content_facts *facts, struct error *err)
{
	struct reading reading = {.header = header_watch_begin()};
	struct data_scan scan = data_scan_begin(false, false);
	char chunk[CHUNK];
	uint64_t at = 0;
	size_t got = 1, used;
	bool done = true;

	for (; got > 0 && done; at += got) {
		done =
		    source_read(message, at, chunk, sizeof(chunk), &got, err);
		if (done && got > 0)
			(void)data_scan_read(
			    &scan, chunk, got, &used, on_content, &reading);
	}
	data_scan_finish(&scan, on_content, &reading);
	*facts = reading.facts;
	facts->bare_newline = scan.bare_newline;
	facts->header_bytes = reading.header.bytes;
	facts->header_lines = reading.header.lines;
	facts->received = reading.header.received;
	facts->described = reading.header.described;
	facts->uuencoded = reading.uuencode.seen;
	header_watch_free(&reading.header);
	return done;
}

/* --- the stages ------------------------------------------------------- */

static void go_through(struct tour *tour, enum stage stage, const char *name)
{
	struct subject *subject = &tour->subject;
	struct explained explained = {.stage = name,
	    .findings = &subject->findings,
	    .verdict = &subject->verdict};

	subject->stage = stage;
	subject->next = 0;
	subject->verdict = (struct verdict){.action = VERDICT_ACCEPT};
	subject->deadline_ms =
	    clock_mono_ms() +
	    (stage == STAGE_MESSAGE ? LIMIT_MESSAGE_STAGE_MS : LIMIT_STAGE_MS);
	policy_judge(subject);
	tour->tell(tour->arg, &explained);
	findings_free(&subject->findings);
}

static bool go_through_message(struct tour *tour,
    const struct explain_query *query, const struct recipient *recipient,
    struct error *err)
{
	struct subject *subject = &tour->subject;
	struct content_facts facts;

	if (!read_content(query->message, &facts, err))
		return false;
	subject->content = &facts;
	go_through(tour, STAGE_CONTENT, "content");
	/* It may be here in part only. */
	if (facts.size >
	    subject->settings->config->elektrine_queue_max_raw_bytes)
		return true;
	subject->id = "explain";
	subject->recipients = recipient;
	subject->recipient_count = 1;
	subject->message = *query->message;
	go_through(tour, STAGE_MESSAGE, "message");
	return true;
}

bool explain(struct settings *settings, struct services *services,
    const struct explain_query *query, explain_fn *tell, void *arg,
    struct error *err)
{
	char ip_text[IP_TEXT], address[ADDRESS_SIZE];
	struct recipient recipient = {.address = address, .lane = LANE_WEBHOOK};
	struct tour tour = {.subject = {.settings = settings,
				.services = services,
				.session = "explain",
				.ip = query->ip,
				.ip_text = ip_text,
				.extended = true},
	    .tell = tell,
	    .arg = arg};
	bool done = true;

	domain_list_await(services_domains(services));
	ip_format(&query->ip, ip_text);
	(void)address_format(&query->recipient, address);
	go_through(&tour, STAGE_CONNECT, "connect");
	tour.subject.helo = query->helo;
	go_through(&tour, STAGE_HELO, "helo");
	tour.subject.sender = query->sender;
	go_through(&tour, STAGE_MAIL, "mail");
	tour.subject.recipient = &query->recipient;
	go_through(&tour, STAGE_RCPT, "rcpt");
	tour.subject.recipient = NULL;
	if (query->message != NULL)
		done = go_through_message(&tour, query, &recipient, err);
	arena_free(&tour.subject.arena);
	return done;
}
