#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/window.h"
#include "bounds.h"
#include "mail/mime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* A parsed message. */
struct parsed {
	struct source source;
	struct window window;
	struct arena *arena;
	struct mime mime;
};

static void parse_max(
    struct parsed *parsed, const char *text, size_t len, size_t max_parts)
{
	struct error err = {0};

	parsed->source = source_memory(text, len);
	window_open(&parsed->window, &parsed->source, LIMIT_MIME_WINDOW);
	parsed->arena = arena_new();
	assert_true(mime_parse(
	    &parsed->window, max_parts, parsed->arena, &parsed->mime, &err));
}

static void parse(struct parsed *parsed, const char *text)
{
	parse_max(parsed, text, strlen(text), 1000);
}

static void forget(struct parsed *parsed)
{
	window_close(&parsed->window);
	arena_free(&parsed->arena);
}

/* The parts as one line each: depth, type, m(ultipart) t(ext) or
 * a(ttachment), and the body. */
static void describe(
    const struct parsed *parsed, const char *text, struct buf *out)
{
	for (size_t i = 0; i < parsed->mime.count; i++) {
		const struct mime_part *part = &parsed->mime.parts[i];
		char kind = mime_is_shown(part)        ? 't'
			    : mime_is_attachment(part) ? 'a'
						       : 'm';

		assert_true(part->header <= part->body);
		assert_true(part->body <= part->end);
		assert_true(part->end <= parsed->source.size);
		(void)buf_printf(
		    out, "%u %s %c", part->depth, part->type, kind);
		if (!part->multipart)
			(void)buf_printf(out, " [%.*s]",
			    (int)(part->end - part->body), text + part->body);
		(void)buf_append_char(out, '\n');
	}
}

static const struct {
	const char *message, *parts;
} messages[] = {
    {"Subject: x\r\n\r\nbody\r\n", "0 text/plain t [body\r\n]\n"},
    {"Subject: x\n\nbody", "0 text/plain t [body]\n"},
    {"", "0 text/plain t []\n"},
    {"\r\nbody", "0 text/plain t [body]\n"},
    {"Subject: x", "0 text/plain t []\n"},
    {"Content-Type: TEXT/HTML ; charset=x\n\n<p>", "0 text/html t [<p>]\n"},
    {"Content-Type: text/plain charset=broken\n\nx", "0 text/plain t [x]\n"},
    {"Content-Type:\n\nx", "0 text/plain t [x]\n"},
    {"Content-Type: image/png\n\nx", "0 image/png a [x]\n"},
    {"Content-Disposition: attachment\n\nx",
	"0 application/octet-stream a [x]\n"},
    {"Content-Disposition: attachment; filename=a.pdf\n\nx",
	"0 application/pdf a [x]\n"},
    {"Content-Type: text/plain\nContent-Disposition: inline; "
     "filename=x.txt\n\nx",
	"0 text/plain t [x]\n"},
    {"Content-Type: text/plain\nContent-Disposition: form-data\n\nx",
	"0 text/plain a [x]\n"},
    {"Content-Type: message/delivery-status\n\nx",
	"0 message/delivery-status t [x]\n"},
    {"Content-Type: multipart/mixed; boundary=b\n\npre\n--b\n\none\n"
     "--b\nContent-Type: a/b\n\ntwo\n\n--b--\nepilogue\n",
	"0 multipart/mixed m\n1 text/plain t [one]\n1 a/b a [two\n]\n"},
    {"Content-Type: multipart/mixed; boundary=\"b b\"\r\n\r\n--b b \t"
     "\r\n\r\none\r\n--b b-- \r\n",
	"0 multipart/mixed m\n1 text/plain t [one]\n"},
    /* No last boundary; one that is only at the end. */
    {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n",
	"0 multipart/mixed m\n1 text/plain t [one\n]\n"},
    {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--",
	"0 multipart/mixed m\n1 text/plain t [one]\n"},
    /* An outer boundary ends what is open inside. */
    {"Content-Type: multipart/a; boundary=o\n\n--o\n"
     "Content-Type: multipart/b; boundary=i\n\n--i\n\none\n--o\n\n"
     "two\n--o--\n",
	"0 multipart/a m\n1 multipart/b m\n2 text/plain t [one]\n"
	"1 text/plain t [two]\n"},
    /* A boundary after the closing one. */
    {"Content-Type: multipart/a; boundary=b\n\n--b\n\n1\n--b--\nx\n"
     "--b\n\n2\n--b--\n",
	"0 multipart/a m\n1 text/plain t [1]\n1 text/plain t [2]\n"},
    /* Boundaries that are beginnings of each other. */
    {"Content-Type: multipart/a; boundary=b\n\n--b\n"
     "Content-Type: multipart/b; boundary=b2\n\n--b2\n\n1\n--b2--\n"
     "--b\n\n2\n--b--\n",
	"0 multipart/a m\n1 multipart/b m\n2 text/plain t [1]\n"
	"1 text/plain t [2]\n"},
    {"Content-Type: multipart/a; boundary=b--\n\n--b--\n\n1\n--b----\n",
	"0 multipart/a m\n1 text/plain t [1]\n"},
    /* Without, or with another boundary it is text. */
    {"Content-Type: multipart/mixed\n\n--b\n\none\n",
	"0 text/plain t [--b\n\none\n]\n"},
    {"Content-Type: multipart/mixed; boundary=x\n\n--b\n\none\n",
	"0 text/plain t [--b\n\none\n]\n"},
    {"Content-Type: text/html; boundary=b\n\n--b\n\none\n--b--\n",
	"0 text/html m\n1 text/plain t [one]\n"},
    {"Content-Type: text/html; boundary=b\n\n<p>\n", "0 text/html t [<p>\n]\n"},
    /* Parts without a body, without a header, without anything. */
    {"Content-Type: multipart/mixed; boundary=b\n\n--b\n"
     "Content-Type: a/b\n--b\n--b\n\n--b--\n",
	"0 multipart/mixed m\n1 a/b a []\n1 text/plain t []\n"
	"1 text/plain t []\n"},
    {"Content-Type: multipart/mixed; boundary=b\n\n--b\nno header "
     "here\nat all\n--b--\n",
	"0 multipart/mixed m\n"
	"1 text/plain t [no header here\nat all]\n"},
    {"Subject: x\nno: blank line\nso this is the body\nall of it\n",
	"0 text/plain t [so this is the body\nall of it\n]\n"},
    /* Types that are written oddly. */
    {"Content-Type: text / html (page)\n\nx", "0 text/html t [x]\n"},
    {"Content-Type: text/html, text/plain\n\nx", "0 text/html t [x]\n"},
    /* Without a type only an attachment is opaque. */
    {"Content-Disposition: x-other\n\nx", "0 text/plain a [x]\n"},
    {"Content-Disposition: attachment\n\nx",
	"0 application/octet-stream a [x]\n"},
    /* Boundaries of all faults. */
    {"Content-Type: multipart/mixed; boundary=b\n\n--B\n\none\n--b--\n",
	"0 text/plain t [--B\n\none\n--b--\n]\n"},
    {"Content-Type: multipart/mixed; boundary=b\n\nx--b\n\none\n",
	"0 text/plain t [x--b\n\none\n]\n"},
    {"Content-Type: multipart/mixed; boundary=b\n\n--bc\n--b\n\none\n--bc\n",
	"0 multipart/mixed m\n1 text/plain t [one\n--bc\n]\n"},
    {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n\n--b--\n",
	"0 multipart/mixed m\n1 text/plain t []\n"},
    {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n\n\n--b--\n",
	"0 multipart/mixed m\n1 text/plain t [\n]\n"},
    {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\r\n"
     "--b--\r\n",
	"0 multipart/mixed m\n1 text/plain t [one\r]\n"},
    {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\r\n--b\r\n\r\n"
     "two\n--b--",
	"0 multipart/mixed m\n1 text/plain t [one]\n1 text/plain t [two]\n"},
    /* The same boundary inside: the inner parts are found first. */
    {"Content-Type: multipart/a; boundary=b\n\n--b\nContent-Type: "
     "multipart/b; boundary=b\n\n--b\n\none\n--b--\n--b\n\ntwo\n--b--\n",
	"0 multipart/a m\n1 multipart/b m\n2 text/plain t [one]\n"
	"2 text/plain t [two]\n"},
    /* Two levels that were left open are ended by the outermost. */
    {"Content-Type: multipart/a; boundary=o\n\n--o\nContent-Type: "
     "multipart/b; boundary=i\n\n--i\nContent-Type: multipart/c; "
     "boundary=j\n\n--j\n\none\n--o--\nx\n",
	"0 multipart/a m\n1 multipart/b m\n2 multipart/c m\n"
	"3 text/plain t [one]\n"},
    /* What only looks like a message, a part of one, a report. */
    {"Content-Type: message/partial; id=a; number=1\n\nx",
	"0 message/partial a [x]\n"},
    {"Content-Type: message/global\n\nA: b\n\nx",
	"0 message/global a [A: b\n\nx]\n"},
    {"Content-Type: message/feedback-report\n\nx",
	"0 message/feedback-report a [x]\n"},
    {"Content-Type: text/rfc822-headers\n\nx", "0 text/rfc822-headers a [x]\n"},
    /* Headers: folded, with 8-bit bytes, without a colon, twice. */
    {"Content-Type:\n multipart/mixed;\n\tboundary=b\n\n--b\n\none\n--b--",
	"0 multipart/mixed m\n1 text/plain t [one]\n"},
    {"\xE9: x\nContent-Type: image/png\nContent-Type: text/html\n\nx",
	"0 image/png a [x]\n"},
    {"oops\nContent-Type: image/png\n\nx", "0 image/png a [x]\n"},
    {"Content-Type : image/png\n\nx", "0 image/png a [x]\n"},
    {"From a@b Mon\nContent-Type: image/png\n\nx", "0 image/png a [x]\n"},
    {"\r\n\r\nx", "0 text/plain t [\r\nx]\n"},
    {"\r", "0 text/plain t []\n"},
    {"\n", "0 text/plain t []\n"},
    /* A message inside stays closed. */
    {"Content-Type: multipart/mixed; boundary=b\n\n--b\n"
     "Content-Type: message/rfc822\n\nContent-Type: multipart/x; "
     "boundary=i\n\n--i\n\nx\n--i--\n--b--\n",
	"0 multipart/mixed m\n1 message/rfc822 a [Content-Type: "
	"multipart/x; boundary=i\n\n--i\n\nx\n--i--]\n"},
};

static void parts_are_found(void **state)
{
	struct buf out = buf_new(100000);
	struct parsed parsed;

	(void)state;
	for (size_t i = 0; i < COUNT(messages); i++) {
		buf_clear(&out);
		parse(&parsed, messages[i].message);
		describe(&parsed, messages[i].message, &out);
		assert_string_equal(buf_text(&out), messages[i].parts);
		forget(&parsed);
	}
	buf_free(&out);
}

static void parts_say_what_they_are(void **state)
{
	struct parsed parsed;
	const struct mime_part *part;

	(void)state;
	parse(&parsed,
	    "Content-Type: text/plain; charset=\"koi8-r\"; format=Flowed;\n"
	    " delsp=yes; name=ignored.txt\n"
	    "Content-Type: image/png\n"
	    "Content-Transfer-Encoding: Base64 (comment)\n"
	    "Content-Disposition: inline; filename=\"a/b.txt\"\n"
	    "Content-ID: < id@1 >\n\n");
	part = &parsed.mime.parts[0];
	assert_string_equal(part->type, "text/plain");
	assert_string_equal(part->charset, "koi8-r");
	assert_true(part->flowed && part->delsp);
	assert_int_equal(part->encoding, TRANSFER_BASE64);
	assert_int_equal(part->disposition, MIME_INLINE);
	assert_string_equal(part->filename, "b.txt");
	assert_string_equal(part->content_id, "id@1");
	forget(&parsed);
	parse(&parsed, "Content-Type: multipart/report; boundary=b; "
		       "report-type=\"Delivery-Status\"\n\n--b\n\n");
	assert_string_equal(
	    parsed.mime.parts[0].report_type, "delivery-status");
	forget(&parsed);
}

static void nuls_in_fields_are_passed_over(void **state)
{
	static const char text[] = "Content-Type: mult\0ipart/mixed; "
				   "bou\0ndary=\0b\n\n--b\n"
				   "Content-ID: <\0a@b>\n"
				   "Content-Transfer-Encoding: \0base64\n\n\n";
	struct parsed parsed;

	(void)state;
	parse_max(&parsed, text, sizeof(text) - 1, 1000);
	assert_int_equal(parsed.mime.count, 2);
	assert_string_equal(parsed.mime.parts[1].content_id, "a@b");
	assert_int_equal(parsed.mime.parts[1].encoding, TRANSFER_BASE64);
	forget(&parsed);
}

/* Nested multiparts, each with the next one as its only part. */
static char *nest(size_t depth)
{
	struct buf text = buf_new(SIZE_MAX / 2);

	for (size_t i = 0; i < depth; i++) {
		if (i > 0)
			(void)buf_printf(&text, "--b%zu\n", i - 1);
		(void)buf_printf(&text,
		    "Content-Type: multipart/mixed; boundary=b%zu\n\n", i);
	}
	(void)buf_printf(&text, "--b%zu\n\ninside\n", depth - 1);
	return text.data;
}

static void multiparts_open_down_to_their_limit(void **state)
{
	struct parsed parsed;
	char *text;

	(void)state;
	text = nest(LIMIT_MIME_DEPTH);
	parse(&parsed, text);
	assert_int_equal(parsed.mime.count, LIMIT_MIME_DEPTH + 1);
	assert_string_equal(
	    parsed.mime.parts[LIMIT_MIME_DEPTH].type, "text/plain");
	forget(&parsed);
	free(text);
	/* One more stays closed: an attachment with all that is in it. */
	text = nest(LIMIT_MIME_DEPTH + 1);
	parse(&parsed, text);
	assert_int_equal(parsed.mime.count, LIMIT_MIME_DEPTH + 1);
	assert_true(mime_is_attachment(&parsed.mime.parts[LIMIT_MIME_DEPTH]));
	forget(&parsed);
	free(text);
}

static void the_last_part_allowed_holds_the_rest(void **state)
{
	static const char text[] = "Content-Type: multipart/mixed; "
				   "boundary=b\n\n--b\n\n1\n--b\n\n2\n--b\n\n"
				   "3\n--b--\n";
	struct parsed parsed;

	(void)state;
	parse_max(&parsed, text, strlen(text), 5);
	assert_int_equal(parsed.mime.count, 4);
	assert_false(parsed.mime.cut);
	forget(&parsed);
	parse_max(&parsed, text, strlen(text), 3);
	assert_int_equal(parsed.mime.count, 3);
	assert_true(parsed.mime.cut);
	assert_true(mime_is_attachment(&parsed.mime.parts[2]));
	assert_int_equal(parsed.mime.parts[2].end, strlen(text));
	forget(&parsed);
}

static void boundaries_have_a_limit(void **state)
{
	char boundary[LIMIT_BOUNDARY + 2];
	struct parsed parsed;
	struct buf text = buf_new(100000);

	(void)state;
	for (size_t len = LIMIT_BOUNDARY; len <= LIMIT_BOUNDARY + 1; len++) {
		memset(boundary, 'b', len);
		boundary[len] = '\0';
		buf_clear(&text);
		(void)buf_printf(&text,
		    "Content-Type: multipart/mixed; "
		    "boundary=%s\n\n--%s\n\nx\n--%s--\n",
		    boundary, boundary, boundary);
		parse(&parsed, text.data);
		assert_int_equal(
		    parsed.mime.count, len == LIMIT_BOUNDARY ? 2 : 1);
		forget(&parsed);
	}
	buf_free(&text);
}

/* A message larger than the window: the same parts wherever its boundaries
 * fall. */
static void a_moving_window_sees_the_same(void **state)
{
	static const char head[] =
	    "Content-Type: multipart/mixed; boundary=bound\r\n\r\n--bound\r\n"
	    "Content-Type: text/plain\r\n\r\n";
	static const char tail[] = "\r\n--bound\r\nContent-Type: a/b\r\n\r\n"
				   "second\r\n--bound--\r\n";
	size_t filler = LIMIT_MIME_WINDOW + 10, step = 128 * 1024;
	size_t size = filler + step + sizeof(head) + sizeof(tail);
	char *text = malloc(size);
	struct parsed parsed;

	(void)state;
	assert_non_null(text);
	for (size_t shift = 0; shift < 600; shift += 7) {
		size_t len = strlen(head), body = filler + step - shift;
		const struct mime_part *part;

		memcpy(text, head, len);
		memset(text + len, 'x', body);
		/* Some of it in lines, and a delimiter that is none. */
		for (size_t i = 0; i + 80 < body / 2; i += 80)
			text[len + i] = '\n';
		memcpy(text + len + 81, "--bound-\n", 9);
		memcpy(text + len + body, tail, sizeof(tail) - 1);
		parse_max(&parsed, text, len + body + sizeof(tail) - 1, 1000);
		assert_int_equal(parsed.mime.count, 3);
		part = &parsed.mime.parts[1];
		assert_int_equal(part->body, len);
		assert_int_equal(part->end, len + body);
		part = &parsed.mime.parts[2];
		assert_int_equal(part->end - part->body, 6);
		assert_memory_equal(text + part->body, "second", 6);
		forget(&parsed);
	}
	free(text);
}

static void a_line_without_end_is_passed_in_linear_time(void **state)
{
	size_t len = 4 * 1024 * 1024;
	char *text = malloc(len);
	struct parsed parsed;
	static const char head[] = "Content-Type: multipart/mixed; "
				   "boundary=b\n\n";

	(void)state;
	assert_non_null(text);
	memset(text, '-', len);
	memcpy(text, head, strlen(head));
	parse_max(&parsed, text, len, 1000);
	assert_int_equal(parsed.mime.count, 1);
	forget(&parsed);
	for (size_t i = strlen(head); i + 3 < len; i += 3)
		memcpy(text + i, "--\n", 3);
	parse_max(&parsed, text, len, 1000);
	assert_int_equal(parsed.mime.count, 1);
	forget(&parsed);
	/* A header line of that length. */
	memset(text, 'h', len);
	parse_max(&parsed, text, len, 1000);
	assert_int_equal(parsed.mime.parts[0].body, 0);
	forget(&parsed);
	free(text);
}

static bool fail_to_read(
    void *arg, uint64_t offset, void *data, size_t len, struct error *err)
{
	(void)arg;
	(void)offset;
	(void)data;
	(void)len;
	err->kind = ERROR_IO;
	return false;
}

static void a_source_that_cannot_be_read_is_an_error(void **state)
{
	struct source source = {.size = 100, .read = fail_to_read};
	struct arena *arena = arena_new();
	struct error err = {0};
	struct window window;
	struct mime mime;

	(void)state;
	window_open(&window, &source, LIMIT_MIME_WINDOW);
	assert_false(mime_parse(&window, 10, arena, &mime, &err));
	assert_int_equal(err.kind, ERROR_IO);
	window_close(&window);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parts_are_found),
	    cmocka_unit_test(parts_say_what_they_are),
	    cmocka_unit_test(nuls_in_fields_are_passed_over),
	    cmocka_unit_test(multiparts_open_down_to_their_limit),
	    cmocka_unit_test(the_last_part_allowed_holds_the_rest),
	    cmocka_unit_test(boundaries_have_a_limit),
	    cmocka_unit_test(a_moving_window_sees_the_same),
	    cmocka_unit_test(a_line_without_end_is_passed_in_linear_time),
	    cmocka_unit_test(a_source_that_cannot_be_read_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
