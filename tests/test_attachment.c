#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "smtpd/policy.h"

#include <stdlib.h>
#include <string.h>

static const char *const extensions[] = {"exe", "js"};
static const char *const types[] = {"application/x-msdownload", "video/*"};

static struct config config = {.max_mime_parts = 20};
static struct settings settings = {.config = &config};

static struct subject subject_of(const char *message)
{
	return (struct subject){.stage = STAGE_MESSAGE,
	    .settings = &settings,
	    .message = source_memory(message, strlen(message))};
}

/* Makes both checks of a message; the subject is the caller's to free. */
static void look(struct subject *subject, const char *message)
{
	static const char *items[4];

	memcpy(items, extensions, sizeof(extensions));
	memcpy(items + 2, types, sizeof(types));
	config.attachment_deny_extensions =
	    (struct list){.items = items, .count = 2};
	config.attachment_deny_types =
	    (struct list){.items = items + 2, .count = 2};
	*subject = subject_of(message);
	check_parts(subject);
	if (subject->verdict.action == VERDICT_ACCEPT)
		check_attachment(subject);
}

static void release(struct subject *subject)
{
	findings_free(&subject->findings);
	arena_free(&subject->arena);
}

#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#define PART(headers, body) "--b\r\n" headers "\r\n" body "\r\n"
#define FILE_OF(name)                                                          \
	"Content-Disposition: attachment; filename=\"" name "\"\r\n"

#define UUENCODED(name) "begin 644 " name "\r\n#86)C\r\n`\r\nend\r\n"

struct row {
	const char *message, *saw; /* NULL: nothing */
	bool refused;
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct subject subject;

		look(&subject, rows[i].message);
		if (rows[i].saw == NULL)
			assert_null(subject.found.result);
		else
			assert_string_equal(subject.found.saw, rows[i].saw);
		assert_int_equal(
		    subject.verdict.action == VERDICT_REJECT, rows[i].refused);
		if (rows[i].refused)
			assert_string_equal(
			    subject.verdict.reason, "attachment_denied");
		release(&subject);
	}
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void attachments_are_noted_and_some_refused(void **state)
{
	static const struct row rows[] = {
	    {"Subject: x\r\n\r\nbody\r\n", NULL, false},
	    {MIXED PART("", "text") "--b--\r\n", NULL, false},
	    {MIXED PART(FILE_OF("a.pdf") "Content-Type: application/pdf\r\n",
		 "12345") PART("Content-Type: image/png\r\n"
			       "Content-Transfer-Encoding: base64\r\n",
		 "MTIzNA==") "--b--\r\n",
		"2: a.pdf (application/pdf, 5), unnamed (image/png, 4)", false},
	    {MIXED PART(FILE_OF("a.exe"), "MZ") "--b--\r\n",
		"1: a.exe (application/octet-stream, 2)", true},
	    {MIXED PART(FILE_OF("a.pdf.EXE"), "MZ") "--b--\r\n",
		"1: a.pdf.EXE (application/octet-stream, 2)", true},
	    {MIXED PART(FILE_OF("a.exe. . "), "MZ") "--b--\r\n",
		"1: a.exe. . (application/octet-stream, 2)", true},
	    {MIXED PART("Content-Type: text/plain; name*0=\"a.e\"; "
			"name*1=\"xe\"\r\n",
		 "MZ") "--b--\r\n",
		"1: a.exe (text/plain, 2)", true},
	    {MIXED PART("Content-Disposition: attachment; "
			"filename=\"=?utf-8?b?YS5leGU=?=\"\r\n",
		 "MZ") "--b--\r\n",
		"1: a.exe (application/octet-stream, 2)", true},
	    {MIXED PART(FILE_OF("a.exec"), "MZ") "--b--\r\n",
		"1: a.exec (application/octet-stream, 2)", false},
	    {MIXED PART(FILE_OF("exe"), "MZ") "--b--\r\n",
		"1: exe (application/octet-stream, 2)", false},
	    {MIXED PART("Content-Type: application/X-MSDownload\r\n",
		 "MZ") "--b--\r\n",
		"1: unnamed (application/x-msdownload, 2)", true},
	    {MIXED PART("Content-Type: video/mp4\r\n", "") "--b--\r\n",
		"1: unnamed (video/mp4, 0)", true},
	    {"Content-Type: video/mp4\r\n\r\nx\r\n",
		"1: unnamed (video/mp4, 3)", true},
	    {MIXED PART("Content-Type: videos/mp4\r\n", "") "--b--\r\n",
		"1: unnamed (videos/mp4, 0)", false},
	    {MIXED PART(FILE_OF(".exe"), "MZ") "--b--\r\n",
		"1: .exe (application/octet-stream, 2)", true},
	    /* Under the type that its name stands for. */
	    {MIXED PART("Content-Type: application/octet-stream; name=a.mp4"
			"\r\n",
		 "x") "--b--\r\n",
		"1: a.mp4 (video/mp4, 1)", true},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void any_name_of_a_part_counts(void **state)
{
	static const struct row rows[] = {
	    {MIXED PART(
		 "Content-Type: text/plain; name=a.exe\r\n" FILE_OF("a.txt"),
		 "MZ") "--b--\r\n",
		"1: a.txt (text/plain, 2)", true},
	    {MIXED PART(FILE_OF("a.txt") FILE_OF("a.exe"), "MZ") "--b--\r\n",
		"1: a.txt (text/plain, 2)", true},
	    {MIXED PART("Content-Disposition: attachment; filename=a.txt; "
			"filename=a.exe\r\n",
		 "MZ") "--b--\r\n",
		"1: a.exe (application/octet-stream, 2)", true},
	    {MIXED PART("Content-Disposition: attachment; filename=a.exe; "
			"filename=a.txt\r\n",
		 "MZ") "--b--\r\n",
		"1: a.txt (text/plain, 2)", true},
	    {MIXED PART("Content-Disposition: attachment; filename=a.exe; "
			"filename*=utf-8''a.txt\r\n",
		 "MZ") "--b--\r\n",
		"1: a.txt (text/plain, 2)", true},
	    {MIXED PART("Content-Disposition: attachment; filename=a.txt; "
			"filename*0*=utf-8''a.e; filename*1*=%78e\r\n",
		 "MZ") "--b--\r\n",
		"1: a.exe (application/octet-stream, 2)", true},
	    {MIXED PART("Content-Disposition: attachment; "
			"filename*=utf-8''a.%65xe; filename*=utf-8''a.txt\r\n",
		 "MZ") "--b--\r\n",
		"1: a.exeutf-8''a.txt (text/plain, 2)", true},
	    {MIXED PART("Content-Disposition: attachment; "
			"filename=\"a.exe\" (.txt)\r\n",
		 "MZ") "--b--\r\n",
		"1: a.exe (.txt) (application/octet-stream, 2)", true},
	    {MIXED PART("Content-Disposition: attachment; "
			"filename='a.exe'\r\n",
		 "MZ") "--b--\r\n",
		"1: 'a.exe' (application/octet-stream, 2)", true},
	    {MIXED PART(FILE_OF("a.exe::$DATA"), "MZ") "--b--\r\n",
		"1: a.exe::$DATA (application/octet-stream, 2)", true},
	    {MIXED PART(FILE_OF("a (exe).pdf") "X-Name: name=a.exe\r\n",
		 "MZ") "--b--\r\n",
		"1: a (exe).pdf (application/pdf, 2)", false},
	    /* A long name does not hide the others. */
	    {MIXED PART(FILE_OF("0123456789012345678901234567890123456789"
				"01234567890123456789.pdf"),
		 "1") PART(FILE_OF("b.pdf"), "2") "--b--\r\n",
		"2: 0123456789012345678901234567890123456789"
		"01234567890123456789... (application/pdf, 1), "
		"b.pdf (application/pdf, 1)",
		false},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void files_in_texts_and_in_letters_count(void **state)
{
	static const struct row rows[] = {
	    /* uuencode */
	    {"Subject: x\r\n\r\nhello\r\n" UUENCODED("a.exe"),
		"1: a.exe (application/octet-stream, 3)", true},
	    {"Subject: x\r\n\r\n" UUENCODED("a.pdf") UUENCODED("b.mp4"),
		"2: a.pdf (application/pdf, 3), b.mp4 (video/mp4, 3)", true},
	    {MIXED PART("", UUENCODED("a.pdf") "more") "--b--\r\n",
		"1: a.pdf (application/pdf, 3)", false},
	    {"Subject: x\r\n\r\nbegin 644 a.exe\r\nno data\r\n", NULL, false},
	    /* forwarded */
	    {MIXED PART("Content-Type: message/rfc822\r\n"
			"Content-Transfer-Encoding: base64\r\n",
		 "Q29udGVudC1EaXNwb3NpdGlvbjogeDsgZmlsZW5hbWU9YS5leGUNCg0KTVo="
		 "\r\n") "--b--\r\n",
		"2: unnamed (message/rfc822, 44), "
		"a.exe (application/octet-stream, 2)",
		true},
	    {MIXED PART("Content-Type: application/octet-stream; name=a.eml"
			"\r\n",
		 FILE_OF("b.js") "\r\nx") "--b--\r\n",
		"2: a.eml (message/rfc822, 53), "
		"b.js (application/javascript, 1)",
		true},
	    {"Content-Type: multipart/digest; boundary=b\r\n\r\n" PART(
		 "", FILE_OF("b.js") "\r\nx") "--b--\r\n",
		"1: b.js (application/javascript, 1)", true},
	    {MIXED PART("Content-Type: message/rfc822\r\n",
		 "Content-Type: multipart/mixed; boundary=c\r\n\r\n"
		 "--c\r\n" FILE_OF("b.js") "\r\nx\r\n--c--") "--b--\r\n",
		"2: unnamed (message/rfc822, 110), b.js "
		"(application/javascript, 1)",
		true},
	    {"Content-Type: message/rfc822\r\n\r\n"
	     "Content-Type: message/rfc822\r\n\r\n" FILE_OF("c.js") "\r\nx",
		"3: unnamed (message/rfc822, 85), unnamed (message/rfc822, "
		"53), c.js (application/javascript, 1)",
		true},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* As many parts as allowed, and one more. */
static void parts_are_counted(void **state)
{
	(void)state;
	for (unsigned parts = 19; parts <= 20; parts++) {
		struct buf message = buf_new(100000);
		struct subject subject;

		(void)buf_append_text(&message, MIXED);
		for (unsigned i = 0; i < parts; i++)
			(void)buf_append_text(&message, PART("", "x"));
		(void)buf_append_text(&message, "--b--\r\n");
		look(&subject, buf_text(&message));
		if (parts == 19) {
			assert_int_equal(
			    subject.verdict.action, VERDICT_ACCEPT);
		} else {
			assert_int_equal(subject.verdict.code, 552);
			assert_string_equal(
			    subject.verdict.reason, "too_many_parts");
		}
		release(&subject);
		buf_free(&message);
	}
}

/* Work ends: with a depth, and with parts in all. */
static void messages_within_messages_are_bounded(void **state)
{
	struct buf message = buf_new(1000000);
	struct subject subject;

	(void)state;
	for (int i = 0; i < 1000; i++)
		(void)buf_append_text(
		    &message, "Content-Type: message/rfc822\r\n\r\n");
	(void)buf_append_text(&message, FILE_OF("a.exe") "\r\nx");
	look(&subject, buf_text(&message));
	assert_string_equal(subject.verdict.reason, "attachment_denied");
	assert_non_null(strstr(subject.verdict.text, "to be looked into"));
	assert_non_null(strstr(subject.found.saw, "20: unnamed"));
	release(&subject);
	/* Where nothing is denied, there is nothing to be found. */
	config.attachment_deny_extensions.count = 0;
	config.attachment_deny_types.count = 0;
	subject = subject_of(buf_text(&message));
	check_parts(&subject);
	check_attachment(&subject);
	assert_int_equal(subject.verdict.action, VERDICT_ACCEPT);
	release(&subject);
	buf_free(&message);
}

/* An encoded message of more than may be decoded. */
static void what_is_decoded_is_bounded(void **state)
{
	struct buf message = buf_new(10 * 1000 * 1000);
	struct subject subject;

	(void)state;
	(void)buf_append_text(&message,
	    "Content-Type: message/rfc822\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "Subject: x\r\n\r\n");
	while (message.len < LIMIT_LETTERS_DECODED)
		(void)buf_append_text(&message, "0123456789\r\n");
	look(&subject, buf_text(&message));
	assert_int_equal(subject.verdict.action, VERDICT_ACCEPT);
	release(&subject);
	for (int i = 0; i < 10; i++)
		(void)buf_append_text(&message, "0123456789\r\n");
	look(&subject, buf_text(&message));
	assert_string_equal(subject.verdict.reason, "attachment_denied");
	release(&subject);
	buf_free(&message);
}

static bool refuse_to_read(
    void *arg, uint64_t offset, void *data, size_t len, struct error *err)
{
	(void)arg;
	(void)offset;
	(void)data;
	(void)len;
	err->kind = ERROR_IO;
	err->text[0] = '\0';
	return false;
}

static void what_cannot_be_read_is_for_later(void **state)
{
	struct subject subject = {.stage = STAGE_MESSAGE,
	    .settings = &settings,
	    .message = {.size = 100, .read = refuse_to_read}};

	(void)state;
	check_parts(&subject);
	assert_int_equal(subject.verdict.code, 451);
	release(&subject);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(attachments_are_noted_and_some_refused),
	    cmocka_unit_test(any_name_of_a_part_counts),
	    cmocka_unit_test(files_in_texts_and_in_letters_count),
	    cmocka_unit_test(parts_are_counted),
	    cmocka_unit_test(messages_within_messages_are_bounded),
	    cmocka_unit_test(what_is_decoded_is_bounded),
	    cmocka_unit_test(what_cannot_be_read_is_for_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
