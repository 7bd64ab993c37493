/*
 * Whatever the message: four times as many bytes are about four times as much
 * work, and never more memory than a delivery agent may have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "bounds.h"
#include "deliver/payload.h"
#include "work_count.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define MIB ((size_t)1024 * 1024)
/* A body is beyond the size up to which texts are rendered at once (64 KiB).
 * Four times a header is below LIMIT_HEADER_BLOCK (288 KiB). */
#define BODY_SIZE ((size_t)70 * 1024)
#define HEADER_SIZE ((size_t)20 * 1024)
/* The work for four times the bytes: 4, and what buffers that grow add. */
#define RATIO 4.6
/* The work for one byte: what is linear may still be slow. */
#define DEAR 600
/* The memory that a byte of the worst header may take; that of an agent; and
 * what one step of a stream may add. */
#define HEADER_MEMORY 120
#define AGENT (16 * MIB)
#define STEP ((size_t)256 * 1024)

/* A message that begins with something and goes on with the same for as long
 * as one likes. "%" in the piece is its number. */
struct shape {
	const char *lead, *piece;
};

#define TEXT "Content-Type: text/plain; charset="
#define PLAIN TEXT "utf-8\n\n"
#define HTML "Content-Type: text/html\n\n"
#define MIXED "Content-Type: multipart/mixed; boundary=b\n\n"
#define ATTACHED "Content-Type: a/b\nContent-Transfer-Encoding: "
#define BASE64 ATTACHED "base64\n\n"
#define QUOTED TEXT "utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
#define FLOWED "Content-Type: text/plain; format=flowed; delsp=yes\n\n"

static const struct shape shapes[] = {
    /* Header fields. */
    {"X: ", "a"},
    {"X: ", "\n a"},
    {"X: ", "\r\n\t"},
    {"X: ", "\r"},
    {"", "a:b\n"},
    {"", "h%:b\n"},
    {"", "no colon\n"},
    {"", ":\n"},
    {"", " "},
    {"", "\n "},
    {"X: ", "\xE9"},
    {"X: ", "\xC3\x83\xC2\xA9"},
    /* Encoded words. */
    {"Subject: ", "=?"},
    {"Subject: ", "=?a"},
    {"Subject: ", "=?utf-8?Q?"},
    {"Subject: ", "=?utf-8?Q?=C3?= "},
    {"Subject: ", "=?utf-8?B?YQ?="},
    {"Subject: ", "=?iso-8859-%?Q?=E9?= "},
    {"Subject: ", "?="},
    {"Subject: =?utf-8?Q?", "= "},
    {"Subject: =?utf-8?B?", "="},
    {"Subject: ", "=?iso-2022-jp?B?GyRC?="},
    /* Address lists. */
    {"To: ", "a@b,"},
    {"To: ", "\"a\""},
    {"To: ", "\"a\"<b>"},
    {"To: ", "\"a\"b"},
    {"To: ", "a "},
    {"To: ", "(a)"},
    {"To: ", "("},
    {"To: ", "<"},
    {"To: ", "<a"},
    {"To: ", "<a>"},
    {"To: ", "a:"},
    {"To: ", ":;"},
    {"To: x:", "a,"},
    {"To: x:", "a:"},
    {"To: ", "@"},
    {"To: ", "a@"},
    {"To: ", "@a "},
    {"To: ", "a@ "},
    {"To: ", "\\"},
    {"To: \"", "\\\""},
    {"To: ", "\""},
    {"To: ", "=?utf-8?B?YUBiLA==?= "},
    {"To: ", "=?utf-8?B?YUBiLA==?=,"},
    {"To: ", "a@b (c) "},
    {"To: ", "x <a@b> "},
    {"", "To: a@b\n"},
    {"From: ", "\"a@b\" "},
    {"From: ", "-@-"},
    {"From: a", "@."},
    /* Parameters and file names. */
    {TEXT "x", ";a=b"},
    {TEXT "x", ";name*%*=x"},
    {TEXT "x", ";"},
    {TEXT "x; name=\"", "\\"},
    {TEXT "x; name=\"", "a"},
    {TEXT, "\""},
    {TEXT "x; name*=utf-8''", "%25"},
    {TEXT "x; name=", "=?utf-8?Q?a?="},
    {"Content-Disposition: attachment; filename=", "a/"},
    {"Content-Disposition: attachment; filename=", "%41"},
    {"Content-ID: ", "<"},
    {"Content-Type: ", "a/"},
    {"Content-Transfer-Encoding: ", "("},
    /* Parts. */
    {MIXED, "--b\n"},
    {MIXED, "--b\n\n"},
    {MIXED, "--b\n\nx\n"},
    {MIXED, "--b--\n"},
    {MIXED, "--bb\n"},
    {MIXED, "--"},
    {MIXED, "-"},
    {MIXED, "\n-"},
    {MIXED, "--b"},
    {MIXED, "--b\nContent-Type: "},
    {MIXED, "--b\nContent-Type: text/html\n\n<p>x\n"},
    {MIXED, "--b\nContent-Type: message/rfc822\n\nA: b\n\nx\n"},
    {MIXED, "--b\nContent-Type: multipart/x; boundary=b\n\n"},
    {MIXED "--b\nContent-Type: multipart/x; boundary=0\n\n",
	"--%\nContent-Type: multipart/x; boundary=%0\n\n"},
    {MIXED "--b\n", "a: b\n"},
    {MIXED "--b\n", "h\n"},
    {MIXED, "\n"},
    {MIXED, "\r"},
    {MIXED, "x"},
    {MIXED, "--b\nContent-Type: message/delivery-status\n\nStatus: 5\n"},
    /* Encodings. */
    {BASE64, "AAAA"},
    {BASE64, "A"},
    {BASE64, "="},
    {BASE64, "A=\n"},
    {BASE64, "*"},
    {QUOTED, "="},
    {QUOTED, "=\n"},
    {QUOTED, " "},
    {QUOTED, "= \t"},
    {QUOTED, "=E9"},
    {QUOTED, " \n"},
    {QUOTED, "\r"},
    {ATTACHED "quoted-printable\n\n", "="},
    {ATTACHED "quoted-printable\n\n", " "},
    {ATTACHED "x-uue\n\nbegin 644 x\n", "#0V%T\n"},
    {ATTACHED "x-uue\n\n", "begin 644 x\n"},
    {ATTACHED "x-uue\n\n", "M"},
    {PLAIN, "begin 644 x\n"},
    {PLAIN, "begin 644 x\n#0V%T\n"},
    {PLAIN, "begin "},
    {PLAIN "begin 644 x\n", "#0V%T\n"},
    {FLOWED, " \n"},
    {FLOWED, ">"},
    {FLOWED, "> \n"},
    {FLOWED, "a \n>b \n"},
    {FLOWED, "-- \n"},
    {FLOWED, " "},
    /* Charsets. */
    {TEXT "iso-2022-jp\n\n", "\x1B"},
    {TEXT "iso-2022-jp\n\n", "\x1B$B"},
    {TEXT "iso-2022-jp\n\n\x1B$B", "a"},
    {TEXT "iso-2022-jp\n\n", "\x8E"},
    {TEXT "utf-7\n\n", "+"},
    {TEXT "utf-7\n\n", "+2AA-"},
    {TEXT "utf-16\n\n", "\xD8"},
    {TEXT "utf-16\n\n", "\xFF\xFE"},
    {TEXT "gb18030\n\n", "\xFF"},
    {TEXT "gb18030\n\n", "\x81\x30"},
    {TEXT "big5\n\n", "\xA1\xFE"},
    {TEXT "big5\n\n", "\x88\x62"},
    {TEXT "euc-jp\n\n", "\xF9\xA1"},
    {TEXT "windows-1258\n\n", "a\xCC"},
    {TEXT "iso-2022-kr\n\n", "\x0E"},
    {PLAIN, "\xE2\x82"},
    {PLAIN, "\xF0"},
    {PLAIN, "\xC0"},
    /* HTML. */
    {HTML, "<div>"},
    {HTML, "</div>"},
    {HTML, "<b>x"},
    {HTML, "<"},
    {HTML, "<!--"},
    {HTML, "<!"},
    {HTML, "<script>"},
    {HTML, "<title>"},
    {HTML, "<script></scrip"},
    {HTML, "<a href="},
    {HTML, "<a href=x>"},
    {HTML, "<a href='x&amp;'>y</a>"},
    {HTML, "<p"},
    {HTML, "<p a"},
    {HTML "<p ", "a "},
    {HTML "<p ", "a='"},
    {HTML "<p style='", ";"},
    {HTML, "<p style='display:none'>x"},
    {HTML, "&"},
    {HTML, "&#"},
    {HTML "&#", "9"},
    {HTML, "&amp"},
    {HTML, "&notit;"},
    {HTML, "x"},
    {HTML, "x "},
    {HTML, "\n"},
    {HTML, "<br>"},
    {HTML, "<hr>"},
    {HTML, "<pre>\n"},
    {HTML, "<blockquote>"},
    {HTML, "<blockquote>x"},
    {HTML, "<ul>"},
    {HTML, "<ul><li>"},
    {HTML, "<ol><li>x"},
    {HTML, "<ol type=i start=3999><li>"},
    {HTML, "<li>x"},
    {HTML, "<table><tr><td>x"},
    {HTML, "<tr><td>"},
    {HTML, "<h1>x"},
    {HTML, "<h1>\xC3\x9F</h1>"},
    {HTML, "<img alt=a src=b>"},
    {HTML, "<p>x</p>"},
    {HTML, "</p>"},
    {HTML, "<body>x</body>"},
    {HTML, "\xE2\x80\x8B"},
    {HTML, "<body hidden>"},
    {MIXED "--b\nContent-Type: text/html\n\n<p>\n--b\n\n", "a\n\n"},
    {MIXED "--b\nContent-Type: text/html\n\n<p>\n--b\n\n", "\"  \n"},
};

static const struct recipient recipient = {.address = "r@example.com"};
static const struct envelope envelope = {
    .sender = "", .recipients = &recipient, .recipient_count = 1};
static const struct payload_options everything = {.include_headers = true,
    .include_body = true,
    .include_attachments = true,
    .include_raw = true,
    .max_parts = 1000};

static void append_piece(struct buf *text, const char *piece, size_t number)
{
	for (; *piece != '\0'; piece++)
		if (*piece == '%')
			(void)buf_printf(text, "%zu", number);
		else
			(void)buf_append_char(text, *piece);
}

static void build(struct buf *text, const struct shape *shape, size_t size)
{
	buf_clear(text);
	(void)buf_append_text(text, shape->lead);
	for (size_t i = 0; text->len < size; i++)
		append_piece(text, shape->piece, i);
}

static void produce(const struct source *source)
{
	struct payload *payload = NULL;
	static char piece[65536];
	struct error err = {0};
	size_t got = 1;

	assert_true(
	    payload_new(source, &envelope, 0, &everything, &payload, &err));
	while (got > 0)
		assert_true(
		    payload_read(payload, piece, sizeof(piece), &got, &err));
	payload_free(&payload);
}

static uint64_t work_for(
    struct buf *text, const struct shape *shape, size_t size)
{
	struct source source;

	build(text, shape, size);
	source = source_memory(text->data, text->len);
	work_begin();
	produce(&source);
	return work_done();
}

static void check_cost(const struct shape *shape, struct buf *text, size_t *bad)
{
	/* Where nothing leads, the first line is a body as often as not. */
	bool body =
	    shape->lead[0] == '\0' || strstr(shape->lead, "\n\n") != NULL;
	size_t size = body ? BODY_SIZE : HEADER_SIZE;
	size_t most = body ? AGENT : 4 * size * HEADER_MEMORY;
	uint64_t once = work_for(text, shape, size);
	uint64_t more = work_for(text, shape, 4 * size);
	size_t memory = work_peak_memory();

	if ((double)more <= RATIO * (double)once && more <= 4 * size * DEAR &&
	    memory <= most)
		return;
	print_error("%s%s...: %.2f times the work, %.0f a byte, %zu bytes\n",
	    shape->lead, shape->piece, (double)more / (double)once,
	    (double)more / (4.0 * (double)size), memory);
	(*bad)++;
}

static void four_times_the_bytes_are_four_times_the_work(void **state)
{
	struct buf text = buf_new(SIZE_MAX / 2);
	size_t bad = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++)
		check_cost(&shapes[i], &text, &bad);
	assert_int_equal(bad, 0);
	buf_free(&text);
}

/* A shape as a source that takes no memory: it is made when it is read. */
static bool read_shape(
    void *arg, uint64_t offset, void *data, size_t len, struct error *err)
{
	const struct shape *shape = arg;
	size_t lead = strlen(shape->lead), piece = strlen(shape->piece);
	char *to = data;

	(void)err;
	for (size_t i = 0; i < len; i++) {
		uint64_t at = offset + i;

		to[i] = at < lead ? shape->lead[at]
				  : shape->piece[(at - lead) % piece];
	}
	return true;
}

static size_t memory_for(const struct shape *shape, size_t size)
{
	struct shape copy = *shape;
	struct source source = {.size = size, .read = read_shape, .arg = &copy};

	work_begin();
	produce(&source);
	return work_peak_memory();
}

static void memory_does_not_grow_with_the_message(void **state)
{
	static const struct shape bodies[] = {{BASE64, "AAAA"},
	    {ATTACHED "quoted-printable\n\n", "=E9\n"},
	    {TEXT "iso-2022-jp\n\n", "\x1B$B!!"}, {HTML, "<p>text"},
	    {FLOWED, "> text \n"}, {MIXED, "--b\n\nx\n"}};

	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		size_t least = memory_for(&bodies[i], 2 * MIB);

		assert_in_range(
		    memory_for(&bodies[i], 3 * MIB), 0, least + STEP);
		assert_in_range(least, 0, AGENT);
	}
	assert_in_range(memory_for(&bodies[0], 25 * MIB), 0, 2 * MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(four_times_the_bytes_are_four_times_the_work),
	    cmocka_unit_test(memory_does_not_grow_with_the_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
