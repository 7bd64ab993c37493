#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "smtpd/data_scan.h"
#include "smtpd/header_watch.h"
#include "smtpd/uuencode_watch.h"

#include "naive_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 4096

struct content {
	char bytes[ROOM];
	size_t len;
};

static void collect(void *arg, const char *bytes, size_t len)
{
	struct content *content = arg;

	assert_true(len > 0 && content->len + len <= ROOM);
	memcpy(content->bytes + content->len, bytes, len);
	content->len += len;
}

/* Reads a piece out of memory of exactly its length. */
static bool read_piece(struct data_scan *scan, const char *bytes, size_t len,
    size_t *used, struct content *content)
{
	char *copy = malloc(len > 0 ? len : 1);
	bool ended;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	ended = data_scan_read(scan, copy, len, used, collect, content);
	free(copy);
	return ended;
}

struct mode {
	bool dots, normalize;
};

/* Reads `in` in pieces of `first`, then `step` bytes, and compares. */
static void compare_cut(const char *in, size_t len, struct mode mode,
    size_t first, size_t step, const struct naive_data *want)
{
	struct data_scan scan = data_scan_begin(mode.dots, mode.normalize);
	struct content content = {.len = 0};
	size_t at = 0, piece = first, used = 0;
	bool ended = false;

	while (at < len && !ended) {
		if (piece > len - at)
			piece = len - at;
		ended = read_piece(&scan, in + at, piece, &used, &content);
		assert_true(ended || used == piece);
		at += used;
		piece = step;
	}
	if (!mode.dots)
		data_scan_finish(&scan, collect, &content);
	assert_int_equal(ended, want->ended);
	assert_int_equal(at, want->used);
	assert_int_equal(scan.bare_newline, want->bare_newline);
	assert_int_equal(content.len, want->len);
	assert_memory_equal(content.bytes, want->content, want->len);
}

/* Whole, byte by byte, and (if short) cut in two at every point. */
static void compare(const char *in, size_t len, struct mode mode)
{
	char bytes[2 * ROOM];
	struct naive_data want = {.content = bytes};

	naive_data(in, len, mode.dots, mode.normalize, !mode.dots, &want);
	compare_cut(in, len, mode, len, len, &want);
	compare_cut(in, len, mode, 1, 1, &want);
	for (size_t cut = 1; cut < len; cut++)
		compare_cut(in, len, mode, cut, len, &want);
}

static const struct mode modes[] = {
    {true, false}, {true, true}, {false, false}, {false, true}};

static void every_short_text_of_four_letters_is_read_as_it_should(void **state)
{
	static const char letters[] = {'\r', '\n', '.', 'a'};
	char text[6];

	(void)state;
	for (size_t m = 0; m < 4; m++)
		for (unsigned long n = 0; n < 1ul << 12; n++) {
			for (size_t i = 0; i < sizeof(text); i++)
				text[i] = letters[n >> 2 * i & 3];
			for (size_t len = 0; len <= sizeof(text); len++)
				compare(text, len, modes[m]);
		}
}

static void an_oddity_anywhere_in_a_long_text_is_found(void **state)
{
	static const char *const oddities[] = {"\n", "\r", "\r\n.", "\r\n..",
	    "\r\n.\r\n", "\n.\r\n", "\r.\r\n", "\r\n.\n", "\r\n.\r.", "\r\r\n",
	    "\n\r\n", "\r\n"};
	char text[400];

	(void)state;
	for (size_t o = 0; o < sizeof(oddities) / sizeof(*oddities); o++)
		for (size_t at = 0; at < 200; at++)
			for (size_t m = 0; m < 4; m++) {
				char bytes[2 * ROOM];
				struct naive_data want = {.content = bytes};
				struct mode mode = modes[m];

				memset(text, 'x', sizeof(text));
				memcpy(text + at, oddities[o],
				    strlen(oddities[o]));
				memcpy(text + 300, "\r\n.\r\nQUIT", 9);
				naive_data(text, sizeof(text), mode.dots,
				    mode.normalize, !mode.dots, &want);
				compare_cut(text, sizeof(text), mode,
				    sizeof(text), 1, &want);
				compare_cut(text, sizeof(text), mode, at + 1,
				    150, &want);
			}
}

static void only_a_dot_between_crlfs_ends_the_data(void **state)
{
	static const struct {
		const char *in, *content;
		bool ended, bare;
	} rows[] = {
	    {".\r\n", "", true, false},
	    {"a\r\n.\r\nQUIT", "a\r\n", true, false},
	    {"a\r\n..\r\n.\r\n", "a\r\n.\r\n", true, false},
	    {"a\r\n.b\r\n.\r\n", "a\r\nb\r\n", true, false},
	    {"a.\r\n.\r\n", "a.\r\n", true, false},
	    {"a\n.\r\n", "a\n.\r\n", false, true},
	    {"a\n.\n", "a\n.\n", false, true},
	    {"a\r.\r\n", "a\r.\r\n", false, true},
	    {"a\r\n.\n", "a\r\n\n", false, true},
	    {"a\r\n.\r", "a\r\n", false, false},
	    {"a\r\n\0.\r\n", "a\r\n", false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct data_scan scan = data_scan_begin(true, false);
		struct content content = {.len = 0};
		size_t used;

		assert_int_equal(read_piece(&scan, rows[i].in,
				     strlen(rows[i].in), &used, &content),
		    rows[i].ended);
		assert_int_equal(scan.bare_newline, rows[i].bare);
		assert_int_equal(content.len, strlen(rows[i].content));
		assert_memory_equal(
		    content.bytes, rows[i].content, content.len);
	}
}

/* --- the header ------------------------------------------------------- */

struct header_row {
	const char *in;
	unsigned lines, received;
	size_t bytes;
	const char *message_id;
};

static void compare_header(const struct header_row *row, size_t step)
{
	struct header_watch watch = header_watch_begin();
	size_t len = strlen(row->in);
	const char *id;

	for (size_t at = 0; at < len; at += step)
		header_watch_read(
		    &watch, row->in + at, step < len - at ? step : len - at);
	assert_int_equal(watch.lines, row->lines);
	assert_int_equal(watch.received, row->received);
	assert_int_equal(watch.bytes, row->bytes);
	id = header_watch_message_id(&watch);
	if (row->message_id == NULL)
		assert_null(id);
	else
		assert_string_equal(id, row->message_id);
	header_watch_free(&watch);
}

static void the_header_is_watched_until_it_ends(void **state)
{
	static const struct header_row rows[] = {
	    {"", 0, 0, 0, NULL},
	    {"\r\n", 0, 0, 0, NULL},
	    {"A: b\r\n\r\nReceived: x\r\n", 1, 0, 6, NULL},
	    {"Received: a\r\n\tb\r\n c\r\nRECEIVED : d\r\n\r\n", 4, 2, 35,
		NULL},
	    {"X-Received: a\r\nReceived-SPF: b\r\n\r\n", 2, 0, 32, NULL},
	    {"Message-ID: <a@b>\r\n\r\n", 1, 0, 19, "a@b"},
	    {"message-id:a@b\r\n\r\n", 1, 0, 16, "a@b"},
	    {"Message-ID:\r\n <a@b> (x)\r\nTo: <c>\r\n\r\n", 3, 0, 34, "a@b"},
	    {"Message-ID: <a>\r\nMessage-ID: <b>\r\n\r\n", 2, 0, 34, "b"},
	    {"Message-ID: <>\r\n\r\n", 1, 0, 16, NULL},
	    {"Message-ID: \r\n\r\n", 1, 0, 14, NULL},
	    {"Message-ID: <a b>\r\n\r\n", 1, 0, 19, NULL},
	    {"Message-ID: <\xFF>\r\n\r\n", 1, 0, 17, NULL},
	    {"Message-ID: <\xC3\xA9>\r\n\r\n", 1, 0, 18, "\xC3\xA9"},
	    {"In-Reply-To: <a>\r\n\r\nMessage-ID: <b>\r\n", 1, 0, 18, NULL},
	    {"A: b\r\nno field\r\nReceived: x\r\n", 1, 0, 9, NULL},
	    {" A: b\r\nReceived: x\r\n", 0, 0, 0, NULL},
	    {": b\r\nReceived: x\r\n", 0, 0, 0, NULL},
	    {"From x 12:00\r\nReceived: x\r\n", 0, 0, 5, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t step = 1; step < 50; step++)
			compare_header(&rows[i], step);
}

static void only_a_clean_header_without_content_fields_is_undescribed(
    void **state)
{
	static const struct {
		const char *in;
		bool described;
	} rows[] = {
	    {"A: b\r\n\r\nContent-Type: x\r\n", false},
	    {"\r\nContent-Type: x\r\n", false},
	    {"Contents: a\r\n\r\n", false},
	    {"Content-Type: a/b\r\n\r\n", true},
	    {"A: b\r\ncontent-disposition : x\r\n\r\n", true},
	    {"Content-Type: a/b\r\n c\r\nA: b\r\n\r\n", true},
	    {"A~: b\r\n\r\n", false},
	    /* A lenient reader finds a header behind these. */
	    {"A: b\r\nno field\r\nContent-Type: x\r\n\r\n", true},
	    {" A: b\r\nContent-Type: x\r\n\r\n", true},
	    {"\xC3\xA9: b\r\nContent-Type: x\r\n\r\n", true},
	    {"A\r\n\r\n", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct header_watch watch = header_watch_begin();

		header_watch_read(&watch, rows[i].in, strlen(rows[i].in));
		assert_int_equal(watch.described, rows[i].described);
		header_watch_free(&watch);
	}
}

static void a_line_that_may_begin_a_file_is_seen_in_any_pieces(void **state)
{
	static const struct {
		const char *in;
		bool seen;
	} rows[] = {
	    {"", false},
	    {"A: b\r\n\r\nbegin 644 x\r\n", true},
	    {"A: b\n\nbegin 644 x", true},
	    {"A: b\r\n\r\nlong text\r\nbegin \r\n", true},
	    {"\nbegin ", true},
	    {"begin 644 x\r\n", false}, /* no header ends before it */
	    {"\r\n begin 644 x\r\n", false},
	    {"\r\nbegin\r\n", false},
	    {"\r\nBegin 644 x\r\n", false},
	    {"\r\nbegi\r\nn 644\r\n", false},
	    {"\n\n\nbegin 644 x\n", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t len = strlen(rows[i].in);

		for (size_t step = 1; step <= len + 1; step++) {
			struct uuencode_watch watch = {.seen = false};

			for (size_t at = 0; at < len; at += step)
				uuencode_watch_read(&watch, rows[i].in + at,
				    step < len - at ? step : len - at);
			if (watch.seen != rows[i].seen)
				fail_msg("row %zu in pieces of %zu", i, step);
		}
	}
}

/* Reads pieces of `first`, then again and again of the sizes in turn. */
static bool is_seen(const char *in, size_t len, size_t first)
{
	static const size_t sizes[] = {3, 90, 1, 6, 7, 2, 80, 5};
	struct uuencode_watch watch = {.seen = false};
	size_t piece = first;

	for (size_t at = 0, i = 0; at < len; i++) {
		char *copy;

		if (piece > len - at)
			piece = len - at;
		copy = malloc(piece);
		assert_non_null(copy);
		memcpy(copy, in + at, piece);
		uuencode_watch_read(&watch, copy, piece);
		free(copy);
		at += piece;
		piece = sizes[i % (sizeof(sizes) / sizeof(*sizes))];
	}
	return watch.seen;
}

static void a_line_that_may_begin_a_file_is_seen_anywhere(void **state)
{
	static const char line[] = "\nbegin ";
	const size_t line_len = sizeof(line) - 1;
	char text[300];

	(void)state;
	for (size_t at = 0; at + line_len <= sizeof(text); at++) {
		memset(text, 'x', sizeof(text));
		memcpy(text + at, line, line_len);
		for (size_t first = 1; first < 12; first++)
			assert_true(is_seen(text, sizeof(text), first));
		assert_true(is_seen(text, sizeof(text), sizeof(text)));
		assert_true(is_seen(text, at + line_len, at + line_len));
		for (size_t i = 0; i < line_len; i++) {
			text[at + i] ^= 1;
			assert_false(is_seen(text, sizeof(text), sizeof(text)));
			assert_false(is_seen(text, sizeof(text), 1 + at % 11));
			text[at + i] ^= 1;
		}
	}
}

static void a_long_message_id_is_cut_the_same_in_any_pieces(void **state)
{
	char field[3000], want[1000];
	struct header_row row = {field, 1, 0, sizeof(field) - 3, want};

	(void)state;
	memset(field, 'x', sizeof(field));
	memcpy(field, "Message-ID: <", 13);
	memcpy(field + sizeof(field) - 5, "\r\n\r\n", 5);
	memset(want, 'x', sizeof(want));
	want[998 - 2] = '\0'; /* without the blank and the bracket */
	for (size_t step = 1; step < sizeof(field); step += 97)
		compare_header(&row, step);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		every_short_text_of_four_letters_is_read_as_it_should),
	    cmocka_unit_test(an_oddity_anywhere_in_a_long_text_is_found),
	    cmocka_unit_test(only_a_dot_between_crlfs_ends_the_data),
	    cmocka_unit_test(the_header_is_watched_until_it_ends),
	    cmocka_unit_test(
		only_a_clean_header_without_content_fields_is_undescribed),
	    cmocka_unit_test(
		a_line_that_may_begin_a_file_is_seen_in_any_pieces),
	    cmocka_unit_test(a_line_that_may_begin_a_file_is_seen_anywhere),
	    cmocka_unit_test(a_long_message_id_is_cut_the_same_in_any_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
