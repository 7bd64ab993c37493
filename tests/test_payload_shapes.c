/* Mail of all faults as the application is told of it: never refused, never
 * lost, and each part where it belongs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "bounds.h"
#include "deliver/payload.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define BAD "\xEF\xBF\xBD"
#define MIXED "Content-Type: multipart/mixed; boundary=b\n\n"
#define REPORT                                                                 \
	"Content-Type: multipart/report; report-type=delivery-status; "        \
	"boundary=b\n\n"

static json_t *payload_of(const char *text, size_t len, const char *sender)
{
	static const struct payload_options everything = {
	    .include_headers = true,
	    .include_body = true,
	    .include_attachments = true,
	    .max_parts = 1000};
	static const struct recipient recipient = {.address = "r@b.example"};
	struct envelope envelope = {
	    .sender = sender, .recipients = &recipient, .recipient_count = 1};
	struct source source = source_memory(text, len);
	struct payload *payload = NULL;
	struct buf all = buf_new(SIZE_MAX / 2);
	struct error err = {0};
	char piece[1000];
	size_t got = 1;
	json_t *json;

	assert_true(
	    payload_new(&source, &envelope, 0, &everything, &payload, &err));
	while (got > 0) {
		assert_true(
		    payload_read(payload, piece, sizeof(piece), &got, &err));
		(void)buf_append(&all, piece, got);
	}
	json = json_loadb(all.data, all.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	payload_free(&payload);
	buf_free(&all);
	return json;
}

static const char *text_of(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text == NULL ? "(null)" : text;
}

/* The bodies and the attachments in one line. */
static void describe(const json_t *json, struct buf *out)
{
	const json_t *attachments = json_object_get(json, "attachments");

	(void)buf_printf(out, "[%s][%s]", text_of(json, "text_body"),
	    text_of(json, "html_body"));
	for (size_t i = 0; i < json_array_size(attachments); i++) {
		const json_t *one = json_array_get(attachments, i);

		(void)buf_printf(out, " %s:%s:%d:%s", text_of(one, "filename"),
		    text_of(one, "content_type"),
		    (int)json_integer_value(json_object_get(one, "size")),
		    text_of(one, "content"));
	}
}

struct row {
	const char *message, *said;
	size_t len; /* of the message; 0: up to its NUL */
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t len =
		    rows[i].len > 0 ? rows[i].len : strlen(rows[i].message);
		json_t *json = payload_of(rows[i].message, len, "s@a.example");
		struct buf said = buf_new(100000);

		describe(json, &said);
		assert_string_equal(buf_text(&said), rows[i].said);
		buf_free(&said);
		json_decref(json);
	}
}

static void bodies_are_found_in_any_mail(void **state)
{
	static const struct row rows[] = {
	    {"", "[][]", 0},
	    {"\n", "[][]", 0},
	    {"\n\n\n", "[\n\n][]", 0},
	    {"no header at all", "[no header at all][]", 0},
	    {"no header: at all", "[no header: at all][]", 0},
	    {"Subject: s\nno blank line\nbefore it",
		"[no blank line\nbefore "
		"it][]",
		0},
	    {"\xFF\xFE\x00\x01garbage\n", "[" BAD BAD BAD "\x01garbage\n][]",
		12},
	    {"A: b\n\na\0b\0", "[a" BAD "b" BAD "][]", 10},
	    {"A: b\r\n\r\none\r\ntwo\nthree\rfour\r\n",
		"[one\ntwo\nthree\rfour\n][]", 0},
	    {"Content-Type: text/plain; charset=nothing\n\n\xC3\xA9\xE9",
		"[\xC3\xA9" BAD "][]", 0},
	    {"Content-Type: text/plain; charset=us-ascii\n\n\xC3\xA9",
		"[\xC3\xA9][]", 0},
	    {"Content-Type: garbage\n\nx",
		"[][] attachment_0:garbage:1:eA==", 0},
	    {"Content-Type: ;;;\n\nx", "[x][]", 0},
	    {"Content-Transfer-Encoding: garbage\n\nx", "[x][]", 0},
	    {"Content-Transfer-Encoding: base64\n\n!!!!", "[][]", 0},
	    {"Content-Transfer-Encoding: base64\n\naGV\n*sb\nG8", "[hello][]",
		0},
	    {"Content-Transfer-Encoding: quoted-printable\n\na=\nb=ZZ=4",
		"[ab=ZZ=4][]", 0},
	    {"Content-Type: text/html\n\n<p>a<script>x</script>",
		"[a][<p>a<script>x</script>]", 0},
	    {"Content-Type: text/plain; format=flowed; delsp=yes\n\na \nb\n> "
	     "c \n> d\n",
		"[ab\n> cd][]", 0},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void parts_of_all_faults_keep_their_content(void **state)
{
	static const struct row rows[] = {
	    /* Boundaries: none, wrong, not closed, repeated, at once. */
	    {"Content-Type: multipart/mixed\n\n--b\n\nx\n--b--\n",
		"[--b\n\nx\n--b--\n][]", 0},
	    {"Content-Type: multipart/mixed; boundary=c\n\n--b\n\nx\n",
		"[--b\n\nx\n][]", 0},
	    {"Content-Type: multipart/mixed; boundary=\"\"\n\n--\n\nx\n",
		"[--\n\nx\n][]", 0},
	    {MIXED "--b\n\nx", "[x][]", 0},
	    {MIXED "--b\n\nx\n--b", "[x][]", 0},
	    {MIXED "--b\n\nx\n--b-", "[x\n--b-][]", 0},
	    {MIXED "--b\n\nx\n--b--", "[x][]", 0},
	    {MIXED "--b\n--b\n--b\n\nx\n--b--", "[x][]", 0},
	    {MIXED "--b--\n--b\n\nx\n", "[x\n][]", 0},
	    {MIXED "pre\n--b\n\nx\n--b--\nepilogue\n", "[x][]", 0},
	    {MIXED "--b\r\n\r\nx\r\n--b\n\ny\n--b--\r\n", "[x\ny][]", 0},
	    {MIXED " --b\n--b \n\nx\n--b--\t\n", "[x][]", 0},
	    /* The same boundary inside and outside. */
	    {MIXED "--b\n" MIXED "--b\n\nx\n--b--\n--b--\n", "[x][]", 0},
	    /* Attachments: no name, no type, nothing in them. */
	    {MIXED "--b\nContent-Type: a/b\n\n\n--b\nContent-Type: a/b\n--b--",
		"[][] attachment_0:a/b:0: attachment_1:a/b:0:", 0},
	    {MIXED "--b\nContent-Disposition: attachment\n\nx\n--b--",
		"[][] attachment_0:application/octet-stream:1:eA==", 0},
	    {MIXED "--b\nContent-Disposition: attachment; "
		   "filename=\"../a.pdf\"\n\nx\n--b--",
		"[][] a.pdf:application/pdf:1:eA==", 0},
	    {MIXED "--b\nContent-Type: A/B; name*=utf-8''%C3%A9\n\nx\n--b--",
		"[][] \xC3\xA9:a/b:1:eA==", 0},
	    {MIXED "--b\nContent-Type: text/calendar\n\nx\n--b\n"
		   "Content-Type: text/csv\n\ny\n--b--",
		"[][] attachment_0:text/calendar:1:eA== "
		"attachment_1:text/csv:1:eQ==",
		0},
	    {MIXED "--b\nContent-Disposition: inline; filename=a.txt\n\nx\n"
		   "--b\nContent-Disposition: attachment; filename=b.txt\n"
		   "Content-Type: text/plain\n\ny\n--b--",
		"[x][] b.txt:text/plain:1:eQ==", 0},
	    /* Broken encodings: as far as they go. */
	    {MIXED "--b\nContent-Type: a/b\nContent-Transfer-Encoding: "
		   "base64\n\neHg\n--b--",
		"[][] attachment_0:a/b:2:eHg=", 0},
	    {MIXED "--b\nContent-Type: a/b\nContent-Transfer-Encoding: "
		   "base64\n\ne*H\xFFg=junk\n--b--",
		"[][] attachment_0:a/b:2:eHg=", 0},
	    {MIXED "--b\nContent-Type: a/b\nContent-Transfer-Encoding: "
		   "quoted-printable\n\n=78=\n=7\n--b--",
		"[][] attachment_0:a/b:3:eD03", 0},
	    {MIXED "--b\nContent-Type: a/b\nContent-Transfer-Encoding: "
		   "x-uuencode\n\nbegin 644 x\n#0V%T\n`\nend\n--b--",
		"[][] attachment_0:a/b:3:Q2F0", 0},
	    {MIXED "--b\n\nx\nbegin 644 a/thing\n#0V%T\nend\n--b--",
		"[x\nbegin 644 a/thing\n#0V%T\nend][] "
		"thing:application/octet-stream:3:Q2F0",
		0},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

/* Types that other programs would look into. */
static void messages_inside_stay_closed(void **state)
{
	static const char *const types[] = {"message/rfc822", "message/global",
	    "message/partial; id=x; number=1", "message/external-body",
	    "message/feedback-report", "message/disposition-notification",
	    "message/global-headers"};

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		struct buf message = buf_new(1000), want = buf_new(1000);
		struct row row = {.len = 0};

		(void)buf_printf(&message,
		    MIXED "--b\nContent-Type: %s\n\nA: b\n\nx\n--b--",
		    types[i]);
		(void)buf_printf(&want, "[][] attachment_0:%.*s:7:QTogYgoKeA==",
		    (int)strcspn(types[i], ";"), types[i]);
		row.message = buf_text(&message);
		row.said = buf_text(&want);
		check_rows(&row, 1);
		buf_free(&message);
		buf_free(&want);
	}
}

static void text_of_reports_is_text_too(void **state)
{
	static const struct row rows[] = {
	    {REPORT "--b\nContent-Type: message/delivery-status\n\n"
		    "Status: 5\n--b--",
		"[Status: 5][]", 0},
	    {REPORT "--b\nContent-Type: text/rfc822-headers\n\n"
		    "Subject: s\n--b--",
		"[Subject: s][] attachment_0:text/rfc822-headers:10:"
		"U3ViamVjdDogcw==",
		0},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

/* Deeper than anybody nests: what is inside the last is one attachment. */
static void what_is_too_deep_is_an_attachment(void **state)
{
	struct buf text = buf_new(100000);
	const json_t *attachments, *last;
	json_t *json;

	(void)state;
	for (int i = 0; i <= LIMIT_MIME_DEPTH; i++)
		(void)buf_printf(&text,
		    "Content-Type: multipart/mixed; boundary=b%d\n\n"
		    "--b%d\n",
		    i, i);
	(void)buf_append_text(&text, "\ninside\n");
	json = payload_of(text.data, text.len, "s@a.example");
	attachments = json_object_get(json, "attachments");
	assert_int_equal(json_array_size(attachments), 1);
	last = json_array_get(attachments, 0);
	assert_string_equal(text_of(last, "content_type"), "multipart/mixed");
	assert_string_equal(text_of(json, "text_body"), "");
	json_decref(json);
	buf_free(&text);
}

static void headers_of_all_faults_reach_the_application(void **state)
{
	static const char message[] =
	    "From: \xE9 <a@b.c>\nTo: x@y.z\nTo: <>\nTo: =?latin1?Q?=5A\xFC?= "
	    "<z@y.z>\n"
	    "Subject: first\nSubject: =?utf-8?Q?l=C3=A9st?=\nSubject:\n"
	    "X-A: 1\nno colon here\nx-a: 2\nX-A: =?utf-8?B?Mw==?=\n"
	    "X-\xE9: odd\nReceived: =?utf-8?Q?raw?=\n"
	    "In-Reply-To: <a@b>\nReferences: <a@b>\n <c@d>\n"
	    "Auto-Submitted: auto-replied\n\nx";
	json_t *json = payload_of(message, sizeof(message) - 1, "s@a.example");
	const json_t *headers = json_object_get(json, "headers");

	(void)state;
	assert_string_equal(text_of(json, "from"), "\"" BAD "\" <a@b.c>");
	assert_string_equal(
	    text_of(json, "to"), "x@y.z, \"Z\xC3\xBC\" <z@y.z>");
	assert_string_equal(text_of(json, "subject"), "l\xC3\xA9st");
	/* The last one, whatever it says. */
	assert_string_equal(text_of(headers, "subject"), "");
	assert_string_equal(text_of(headers, "x-a"), "1, 2, 3");
	assert_string_equal(text_of(headers, "x-" BAD), "odd");
	assert_string_equal(text_of(headers, "received"), "=?utf-8?Q?raw?=");
	assert_string_equal(text_of(json, "in_reply_to"), "<a@b>");
	assert_string_equal(text_of(json, "references"), "<a@b> <c@d>");
	assert_string_equal(text_of(json, "auto_submitted"), "auto-replied");
	json_decref(json);
}

#define GROUP                                                                  \
	"Final-Recipient: rfc822; f@c.d\nOriginal-Recipient: rfc822; o@c.d\n"  \
	"Action: failed\nStatus: 5.1.1\n"
#define RETURNED                                                               \
	"--b\nContent-Type: message/rfc822\n\nMessage-ID: "                    \
	"<id@a>\n\nx\n--b--\n"

static void reports_fill_the_fields_of_a_bounce(void **state)
{
	static const struct {
		const char *message, *sender;
		bool bounce;
		const char *failed, *final, *original, *id;
	} rows[] = {
	    {REPORT "--b\nContent-Type: message/delivery-status\n\n"
		    "Reporting-MTA: dns; x\n\n" GROUP RETURNED,
		"", true, "f@c.d", "f@c.d", "o@c.d", "<id@a>"},
	    /* From somebody who does not use the null sender. */
	    {REPORT "--b\nContent-Type: message/delivery-status\n\n" GROUP
		    "--b--",
		"mailer@x.y", true, "f@c.d", "f@c.d", "o@c.d", "(null)"},
	    {REPORT "--b\nContent-Type: message/global-delivery-status\n"
		    "Content-Transfer-Encoding: quoted-printable\n\n"
		    "Final-Recipient: utf-8; =66@c.d\nAction: failed\n"
		    "--b\nContent-Type: message/global\n\nMessage-ID: <i>\n",
		"", true, "f@c.d", "f@c.d", "(null)", "<i>"},
	    /* An id in the text of what was returned is not its own. */
	    {REPORT "--b\nContent-Type: message/delivery-status\n\n" GROUP
		    "--b\nContent-Type: message/rfc822\n\nSubject: s\n\n"
		    "Message-ID: <of@another>\n--b--\n",
		"", true, "f@c.d", "f@c.d", "o@c.d", "(null)"},
	    /* The text alone fills nothing, and says something only with the
	     * null sender. */
	    {"Subject: x\n\n" GROUP, "", true, "(null)", "(null)", "(null)",
		"(null)"},
	    {"Subject: Undelivered\n\n" GROUP, "a@b.c", false, "(null)",
		"(null)", "(null)", "(null)"},
	    /* A report that was forwarded is no report. */
	    {MIXED "--b\nContent-Type: message/rfc822\n\n" REPORT
		   "--c\nContent-Type: message/delivery-status\n\n" GROUP,
		"a@b.c", false, "(null)", "(null)", "(null)", "(null)"},
	    /* Reports of other kinds. */
	    {"Content-Type: multipart/report; boundary=b; "
	     "report-type=disposition-notification\n\n--b\nContent-Type: "
	     "message/disposition-notification\n\nx\n",
		"", false, "(null)", "(null)", "(null)", "(null)"},
	    {"Content-Type: multipart/report; boundary=b; "
	     "report-type=feedback-report\n\n--b\nContent-Type: "
	     "message/feedback-report\n\nFeedback-Type: abuse\n",
		"", false, "(null)", "(null)", "(null)", "(null)"},
	    {"Subject: away\n\nI am away.", "", false, "(null)", "(null)",
		"(null)", "(null)"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		json_t *json = payload_of(
		    rows[i].message, strlen(rows[i].message), rows[i].sender);
		const json_t *failed =
		    json_object_get(json, "failed_recipients");
		const char *first =
		    json_string_value(json_array_get(failed, 0));

		assert_int_equal(
		    json_is_true(json_object_get(json, "is_bounce")),
		    rows[i].bounce);
		assert_string_equal(
		    first == NULL ? "(null)" : first, rows[i].failed);
		assert_string_equal(
		    text_of(json, "final_recipient"), rows[i].final);
		assert_string_equal(
		    text_of(json, "original_recipient"), rows[i].original);
		assert_string_equal(
		    text_of(json, "original_message_id"), rows[i].id);
		json_decref(json);
	}
}

static int freeze(void **state)
{
	(void)state;
	clock_set_for_test(1769862896789, 0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bodies_are_found_in_any_mail),
	    cmocka_unit_test(parts_of_all_faults_keep_their_content),
	    cmocka_unit_test(messages_inside_stay_closed),
	    cmocka_unit_test(text_of_reports_is_text_too),
	    cmocka_unit_test(what_is_too_deep_is_an_attachment),
	    cmocka_unit_test(headers_of_all_faults_reach_the_application),
	    cmocka_unit_test(reports_fill_the_fields_of_a_bounce),
	};

	return cmocka_run_group_tests(tests, freeze, NULL);
}
