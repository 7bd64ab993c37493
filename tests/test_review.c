#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "smtpd/policy.h"
#include "smtpd/review.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* --- checks that say what they are told to ---------------------------- */

static sem_t begun, gate;
static _Atomic unsigned made, left_early;

static void pass(struct subject *subject)
{
	made++;
	check_found(subject, "pass", "%s", subject->ip_text);
}

static void refuse(struct subject *subject)
{
	made++;
	check_refuse(subject, 550, "5.7.1", "no", "No \r\n%s", subject->helo);
}

static void wait_at_gate(struct subject *subject)
{
	made++;
	(void)sem_post(&begun);
	(void)sem_wait(&gate);
	if (check_time_left_ms(subject) == 0)
		left_early++;
	/* What it looks at is there, whoever is gone. */
	check_found(subject, "waited", "%s %s %.*s", subject->helo,
	    subject->sender, (int)subject->recipient->domain_len,
	    subject->recipient->domain);
}

static bool never(struct subject *subject)
{
	(void)subject;
	return false;
}

static bool known(struct subject *subject)
{
	check_found(subject, "known", "cache");
	return true;
}

/* --- a session's side ------------------------------------------------- */

static struct config config = {.smtp_max_connections = 4};
static struct loop *loop;
static struct services *services;
/* Made by hand, and never let go of. */
static struct settings settings = {.config = &config, .holders = 1};
static unsigned answered;

static void on_done(void *arg)
{
	(void)arg;
	answered++;
	loop_stop(loop);
}

static void on_last(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

static struct subject new_subject(const struct address *recipient)
{
	return (struct subject){.stage = STAGE_RCPT,
	    .settings = &settings,
	    .services = services,
	    .deadline_ms = clock_mono_ms() + 60000,
	    .ip_text = "192.0.2.1",
	    .helo = "client",
	    .sender = "a@b.example",
	    .recipient = recipient};
}

static struct review *begin(struct subject *subject)
{
	enum service service = policy_advance(subject);
	struct draft *draft = NULL;

	assert_int_not_equal(service, SERVICE_NONE);
	return review_begin(loop, subject, service, &draft, on_done, NULL);
}

static int set_up(void **state)
{
	struct error err;

	(void)state;
	log_open("test", LOG_ERROR);
	assert_true(services_new(NULL, &settings, &services, &err));
	loop = loop_new();
	made = left_early = answered = 0;
	(void)sem_init(&begun, 0, 0);
	(void)sem_init(&gate, 0, 0);
	return 0;
}

static int tear_down(void **state)
{
	struct loop_task last = {.call = on_last};

	(void)state;
	services_free(&services);
	/* Answers that came too late. */
	loop_post(loop, &last);
	loop_run(loop);
	policy_set_for_test(NULL, 0);
	assert_int_equal(settings.holders, 1);
	loop_free(&loop);
	return 0;
}

static const struct address someone = {
    .local = "u", .local_len = 1, .domain = "d.example", .domain_len = 9};

static void checks_are_made_in_order_across_services(void **state)
{
	static const struct check table[] = {
	    {"one", STAGE_RCPT, SERVICE_NONE, NULL, pass},
	    {"other", STAGE_MAIL, SERVICE_NONE, NULL, refuse},
	    {"two", STAGE_RCPT, SERVICE_DNS, NULL, pass},
	    {"off", STAGE_RCPT, SERVICE_DNS, never, refuse},
	    {"three", STAGE_RCPT, SERVICE_NONE, NULL, pass},
	    {"cached", STAGE_RCPT, SERVICE_PHOENIX, known, refuse},
	    {"four", STAGE_RCPT, SERVICE_CLAMD, NULL, pass},
	};
	static const char *const names[] = {
	    "one", "two", "three", "cached", "four"};
	struct subject subject = new_subject(&someone), *after;
	struct review *review;

	(void)state;
	policy_set_for_test(table, 7);
	review = begin(&subject);
	loop_run(loop);
	after = review_subject(review);
	assert_int_equal(after->verdict.action, VERDICT_ACCEPT);
	assert_int_equal(after->findings.count, 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(after->findings.items[i].check, names[i]);
	assert_string_equal(after->findings.items[3].result, "known");
	assert_int_equal(made, 4);
	assert_int_equal(answered, 1);
	review_forget(&review);
}

static void the_first_refusal_ends_the_stage(void **state)
{
	static const struct check table[] = {
	    {"one", STAGE_RCPT, SERVICE_DNS, NULL, pass},
	    {"two", STAGE_RCPT, SERVICE_DNS, NULL, refuse},
	    {"three", STAGE_RCPT, SERVICE_NONE, NULL, pass},
	    {"four", STAGE_RCPT, SERVICE_SPAMD, NULL, pass},
	};
	struct subject subject = new_subject(&someone), *after;
	struct review *review;

	(void)state;
	policy_set_for_test(table, 4);
	review = begin(&subject);
	loop_run(loop);
	after = review_subject(review);
	assert_int_equal(after->verdict.code, 550);
	/* One line, whatever was said. */
	assert_string_equal(after->verdict.text, "No ??client");
	assert_int_equal(after->findings.count, 2);
	assert_string_equal(after->findings.items[1].result, "no");
	assert_int_equal(made, 2);
	review_forget(&review);
}

static void one_that_is_forgotten_at_work_ends_alone(void **state)
{
	static const struct check table[] = {
	    {"gate", STAGE_RCPT, SERVICE_DNS, NULL, wait_at_gate},
	};
	char helo[] = "gone";
	char domain[] = "d.example";
	struct address recipient = {.domain = domain, .domain_len = 9};
	struct subject subject = new_subject(&recipient);
	struct review *review;

	(void)state;
	policy_set_for_test(table, 1);
	subject.helo = helo;
	review = begin(&subject);
	(void)sem_wait(&begun);
	review_forget(&review);
	assert_null(review);
	memset(helo, 'x', sizeof(helo));
	memset(domain, 'x', sizeof(domain));
	(void)sem_post(&gate);
	services_free(&services);
	assert_int_equal(left_early, 1);
	assert_int_equal(answered, 0);
}

/* All threads of one service are busy, and its queue is full. */
static void a_service_that_hangs_holds_up_no_other(void **state)
{
	static const struct check both[] = {
	    {"two", STAGE_MAIL, SERVICE_DNS, NULL, pass},
	    {"gate", STAGE_RCPT, SERVICE_CLAMD, NULL, wait_at_gate},
	};
	struct review *stuck[LIMIT_SCANNER_THREADS + 4], *review;
	const size_t count = sizeof(stuck) / sizeof(stuck[0]);
	struct subject subject;

	(void)state;
	policy_set_for_test(both, 2);
	for (size_t i = 0; i < count; i++) {
		subject = new_subject(&someone);
		stuck[i] = begin(&subject);
		assert_non_null(stuck[i]);
	}
	subject = new_subject(&someone);
	assert_null(begin(&subject));
	assert_int_equal(subject.verdict.code, 451);
	assert_string_equal(subject.verdict.reason, "checks_busy");
	arena_free(&subject.arena);

	subject = new_subject(&someone);
	subject.stage = STAGE_MAIL;
	review = begin(&subject);
	loop_run(loop);
	assert_int_equal(
	    review_subject(review)->verdict.action, VERDICT_ACCEPT);
	review_forget(&review);
	/* Those that wait first: none of them begins. */
	for (size_t i = count; i > 0; i--)
		review_forget(&stuck[i - 1]);
	for (size_t i = 0; i < count; i++)
		(void)sem_post(&gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		checks_are_made_in_order_across_services, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		the_first_refusal_ends_the_stage, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		one_that_is_forgotten_at_work_ends_alone, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_service_that_hangs_holds_up_no_other, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
