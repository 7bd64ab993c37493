#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "smtpd/policy.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
    "example.com", "mail.example.com", "\xC3\xBC.example", "a.example"};

/* Settings made by hand: only what the checks look at. */
static struct settings settings_of(struct config *config)
{
	static const char *items[4];

	memcpy(items, names, sizeof(items));
	*config = (struct config){
	    .local_domains = {.items = items, .count = 4},
	    .elektrine_queue_max_raw_bytes = 1000,
	    .max_header_bytes = 100,
	    .max_header_lines = 10,
	    .max_received = 5,
	};
	return (struct settings){.config = config,
	    .local_domains = domains_new(config->local_domains.items, 4),
	    .holders = 1};
}

static void forget(struct subject *subject)
{
	findings_free(&subject->findings);
	arena_free(&subject->arena);
}

static void assert_refused(const struct subject *subject, int code,
    const char *enhanced, const char *reason)
{
	const struct verdict *verdict = &subject->verdict;

	assert_int_equal(verdict->code, code);
	assert_string_equal(verdict->enhanced, enhanced);
	assert_string_equal(verdict->reason, reason);
	/* A refusal is a finding too. */
	assert_int_equal(subject->findings.count, 1);
	assert_string_equal(subject->findings.items[0].result, reason);
}

static void recipients_of_our_domains_are_taken(void **state)
{
	static const struct {
		const char *path;
		bool ours;
	} rows[] = {
	    {"<u@example.com>", true},
	    {"<u@EXAMPLE.Com>", true},
	    {"<u@mail.example.com>", true},
	    {"<u@\xC3\xBC.example>", true},
	    {"<u@xn--TDA.example>", true},
	    {"<u@xn--tdb.example>", false},
	    {"<postmaster>", true},
	    {"<u@example.co>", false},
	    {"<u@example.comm>", false},
	    {"<u@xexample.com>", false},
	    {"<u@sub.example.com>", false},
	    {"<u@z.example>", false},
	    {"<u@[127.0.0.1]>", false},
	    {"<\"u@example.com\"@other.example>", false},
	    {"<\"u@other.example\"@example.com>", true},
	    {"<u%other.example@example.com>", true},
	};
	struct config config;
	struct settings settings = settings_of(&config);
	struct services *services;
	struct error err;

	(void)state;
	assert_true(services_new(NULL, &settings, &services, &err));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct address address;
		struct subject subject = {.stage = STAGE_RCPT,
		    .settings = &settings,
		    .services = services,
		    .recipient = &address};
		size_t used;

		assert_true(address_parse_path(
		    rows[i].path, strlen(rows[i].path), &address, &used));
		policy_judge(&subject);
		assert_int_equal(
		    subject.verdict.action == VERDICT_ACCEPT, rows[i].ours);
		if (!rows[i].ours)
			assert_refused(&subject, 550, "5.7.1", "not_local");
		forget(&subject);
	}
	services_free(&services);
	domains_free(&settings.local_domains);
}

static void without_domains_nothing_is_ours(void **state)
{
	struct domains *domains = domains_new(NULL, 0);

	(void)state;
	assert_false(domains_has(domains, "example.com", 11));
	assert_null(domains_first(domains));
	domains_free(&domains);
}

static void content_is_taken_up_to_its_limits(void **state)
{
	static const struct {
		struct content_facts facts;
		const char *reason; /* NULL: accepted */
	} rows[] = {
	    {{.size = 1000,
		 .header_bytes = 100,
		 .header_lines = 10,
		 .received = 5},
		NULL},
	    {{.size = 1001}, "too_big"},
	    {{.header_bytes = 101}, "header_too_big"},
	    {{.header_lines = 11}, "header_too_long"},
	    {{.received = 6}, "too_many_hops"},
	    {{.bare_newline = true, .size = 2000}, "bare_newline"},
	};
	struct config config;
	struct settings settings = settings_of(&config);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct subject subject = {.stage = STAGE_CONTENT,
		    .settings = &settings,
		    .content = &rows[i].facts};
		const struct verdict *verdict = &subject.verdict;

		policy_judge(&subject);
		if (rows[i].reason == NULL) {
			assert_int_equal(verdict->action, VERDICT_ACCEPT);
			assert_int_equal(subject.findings.count, 0);
		} else {
			assert_int_equal(verdict->action, VERDICT_REJECT);
			assert_string_equal(verdict->reason, rows[i].reason);
			assert_int_equal(subject.findings.count, 1);
		}
		forget(&subject);
	}
	domains_free(&settings.local_domains);
}

static void a_normalized_newline_is_no_reason(void **state)
{
	struct config config;
	struct settings settings = settings_of(&config);
	struct content_facts facts = {.bare_newline = true};
	struct subject subject = {
	    .stage = STAGE_CONTENT, .settings = &settings, .content = &facts};

	(void)state;
	config.smtp_bare_newline = BARE_NEWLINE_NORMALIZE;
	policy_judge(&subject);
	assert_int_equal(subject.verdict.action, VERDICT_ACCEPT);
	domains_free(&settings.local_domains);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(recipients_of_our_domains_are_taken),
	    cmocka_unit_test(without_domains_nothing_is_ours),
	    cmocka_unit_test(content_is_taken_up_to_its_limits),
	    cmocka_unit_test(a_normalized_newline_is_no_reason),
	};

	log_open("test", LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
