#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "bounds.h"
#include "mail/bounce.h"

#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define PER_MESSAGE "Reporting-MTA: dns; mx.example\n\n"
#define FAILED "Action: failed\nStatus: 5.1.1\n"

/* What a report says as one line: the failed ones, the final and the original
 * recipient. */
static void describe(const struct bounce_status *status, struct buf *out)
{
	for (size_t i = 0; i < status->failed_count; i++)
		(void)buf_printf(out, "%s,", status->failed[i]);
	(void)buf_printf(out, "|%s|%s",
	    status->final_recipient == NULL ? "-" : status->final_recipient,
	    status->original_recipient == NULL ? "-"
					       : status->original_recipient);
}

static void reports_say_for_whom(void **state)
{
	static const struct {
		const char *report, *said; /* NULL: it is no report */
	} rows[] = {
	    {PER_MESSAGE "Final-Recipient: rfc822; a@b.c\n" FAILED,
		"a@b.c,|a@b.c|-"},
	    {"Final-Recipient: RFC822;a@b.c\r\nOriginal-Recipient: "
	     "rfc822;o@b.c\r\nAction: FAILED\r\n",
		"a@b.c,|a@b.c|o@b.c"},
	    /* The first that failed counts, or else the first. */
	    {PER_MESSAGE "Final-Recipient: rfc822; d@b.c\nAction: delayed\n\n"
			 "Final-Recipient: rfc822; f@b.c\n" FAILED
			 "\nFinal-Recipient: rfc822; g@b.c\n" FAILED,
		"f@b.c,g@b.c,|f@b.c|-"},
	    {PER_MESSAGE "Final-Recipient: rfc822; d@b.c\nAction: delayed\n",
		"|d@b.c|-"},
	    {PER_MESSAGE "Final-Recipient: rfc822; d@b.c\nAction: relayed\n"
			 "Status: 2.0.0\n",
		"|d@b.c|-"},
	    /* Each once. */
	    {"Final-Recipient: rfc822; a@b.c\n" FAILED
	     "\n\nFinal-Recipient: rfc822; a@b.c\n" FAILED,
		"a@b.c,|a@b.c|-"},
	    /* Without an action the status says it. */
	    {"Final-Recipient: rfc822; a@b.c\nStatus: 5.7.1\n",
		"a@b.c,|a@b.c|-"},
	    {"Final-Recipient: rfc822; a@b.c\nStatus: 4.7.1\n", "|a@b.c|-"},
	    /* Brackets, blanks, folds, no type, another type. */
	    {"Final-Recipient: rfc822; <a@b.c> \n" FAILED, "a@b.c,|a@b.c|-"},
	    {"Final-Recipient: rfc822;\n a@b.c\n" FAILED, "a@b.c,|a@b.c|-"},
	    {"Final-Recipient: a@b.c\n" FAILED, "a@b.c,|a@b.c|-"},
	    {"Final-Recipient: utf-8; j\xC3\xB6@b.c\n" FAILED,
		"j\xC3\xB6@b.c,|j\xC3\xB6@b.c|-"},
	    {"Final-Recipient: rfc822; \xE9@b.c\n" FAILED,
		"\xEF\xBF\xBD@b.c,|\xEF\xBF\xBD@b.c|-"},
	    /* No report: no recipient, nothing said of it, other text. */
	    {PER_MESSAGE, NULL},
	    {"Final-Recipient: rfc822; a@b.c\n", NULL},
	    {"Final-Recipient: rfc822;\n" FAILED, NULL},
	    {FAILED, NULL},
	    {"Delivery failed. Final-Recipient: a@b.c\n", NULL},
	    {"", NULL},
	    {"\n\n\n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena *arena = arena_new();
		struct bounce_status status;
		struct buf said = buf_new(10000);

		bounce_read_status(slice_of(rows[i].report), arena, &status);
		assert_int_equal(status.well_formed, rows[i].said != NULL);
		describe(&status, &said);
		assert_string_equal(buf_text(&said),
		    rows[i].said == NULL ? "|-|-" : rows[i].said);
		buf_free(&said);
		arena_free(&arena);
	}
}

static void reports_name_recipients_up_to_a_limit(void **state)
{
	struct arena *arena = arena_new();
	struct buf text = buf_new(1000000);
	struct bounce_status status;

	(void)state;
	for (int i = 0; i <= LIMIT_FAILED_RECIPIENTS; i++)
		(void)buf_printf(
		    &text, "Final-Recipient: rfc822; u%d@b.c\n" FAILED "\n", i);
	bounce_read_status((struct slice){text.data, text.len}, arena, &status);
	assert_int_equal(status.failed_count, LIMIT_FAILED_RECIPIENTS);
	assert_string_equal(
	    status.failed[LIMIT_FAILED_RECIPIENTS - 1], "u99@b.c");
	buf_free(&text);
	arena_free(&arena);
}

/* Each sign alone, and each with the null sender. */
static void one_sign_alone_is_no_bounce(void **state)
{
	static const struct {
		bool report;
		const char *from, *subject, *text;
	} rows[] = {
	    {true, "", "", ""},
	    {false, "\"Mail Delivery\" <MAILER-DAEMON@x.y>", "", ""},
	    {false, "postmaster@x.y", "", ""},
	    {false, "", "Undelivered Mail Returned to Sender", ""},
	    {false, "", "Delivery Status Notification (Failure)", ""},
	    {false, "", "Undeliverable: hello", ""},
	    {false, "", "message could not be delivered", ""},
	    {false, "", "", "x\nFinal-Recipient: rfc822; a@b.c\n"},
	    {false, "", "", "REPORTING-MTA: dns; x"},
	    {false, "", "", "> Diagnostic-Code: smtp; 550"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bounce_signs signs = {.report = rows[i].report,
		    .from = slice_of(rows[i].from),
		    .subject = slice_of(rows[i].subject),
		    .text = slice_of(rows[i].text)};

		assert_false(bounce_is(&signs));
		signs.null_sender = true;
		assert_true(bounce_is(&signs));
	}
}

static void other_mail_from_the_null_sender_is_no_bounce(void **state)
{
	struct bounce_signs signs = {.null_sender = true,
	    .from = slice_of("vacation@x.y"),
	    .subject = slice_of("Out of office"),
	    .text = slice_of("I am away. Action: none. Status: well")};

	(void)state;
	assert_false(bounce_is(&signs));
	signs = (struct bounce_signs){.null_sender = true};
	assert_false(bounce_is(&signs));
	/* A report that is one needs no other sign. */
	signs = (struct bounce_signs){.status_part = true};
	assert_true(bounce_is(&signs));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reports_say_for_whom),
	    cmocka_unit_test(reports_name_recipients_up_to_a_limit),
	    cmocka_unit_test(one_sign_alone_is_no_bounce),
	    cmocka_unit_test(other_mail_from_the_null_sender_is_no_bounce),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
