#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json_text.h"
#include "base/number.h"
#include "base/os.h"
#include "base/utf8.h"
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void buf_refuses_to_pass_its_limit(void **state)
{
	struct buf buf = buf_new(5);

	(void)state;
	assert_true(buf_append(&buf, "hello", 5));
	assert_false(buf_append_char(&buf, '!'));
	assert_string_equal(buf_text(&buf), "hello");
	buf_consume(&buf, 2);
	assert_true(buf_append(&buf, "ab", 2));
	assert_false(buf_printf(&buf, "%d", 1));
	assert_string_equal(buf_text(&buf), "lloab");
	buf_free(&buf);
}

static void arena_gives_aligned_memory_that_lasts(void **state)
{
	struct arena *arena = arena_new();
	char *first = arena_strdup(arena, "first");
	char *last = NULL;

	(void)state;
	for (int i = 1; i < 500; i++) {
		char *p = arena_alloc(arena, (size_t)i * 7);

		assert_int_equal((uintptr_t)p % sizeof(void *), 0);
		memset(p, i, (size_t)i * 7);
		last = p;
	}
	assert_string_equal(first, "first");
	arena_reset(arena);
	assert_ptr_equal(arena_alloc(arena, 1), last);
	arena_free(&arena);
	assert_null(arena);
}

static void clock_reads_what_it_writes(void **state)
{
	static const char *const bad[] = {"", "5m", "2026", "2026-13-01",
	    "2026-01-31T", "2026-01-31T12", "2026-01-31T12:34:56.",
	    "2026-01-31T12:34:56ZZ", "2026-01-31T12:34:56+01:00", "1969-01-31"};
	int64_t ms = -1;

	(void)state;
	assert_true(clock_parse_iso("2026-01-31T12:34:56.789Z", &ms));
	assert_int_equal(ms, 1769862896789);
	assert_true(clock_parse_iso("2026-01-31T12:34:56", &ms));
	assert_int_equal(ms, 1769862896000);
	assert_true(clock_parse_iso("2026-01-31T12:34Z", &ms));
	assert_int_equal(ms, 1769862840000);
	assert_true(clock_parse_iso("2026-01-31", &ms));
	assert_int_equal(ms, 1769817600000);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(clock_parse_iso(bad[i], &ms));
}

static void clock_formats_both_ways(void **state)
{
	char iso[CLOCK_ISO_SIZE], mail[CLOCK_MAIL_SIZE];

	(void)state;
	clock_format_iso(1769862896789, iso);
	assert_string_equal(iso, "2026-01-31T12:34:56.789Z");
	clock_format_mail(1769862896789, mail);
	assert_string_equal(mail, "Sat, 31 Jan 2026 12:34:56 +0000");
}

static void json_text_is_always_valid(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *out;
	} rows[] = {
	    {"plain", 5, "\"plain\""},
	    {"a\"b\\c\n\t\x01", 8, "\"a\\\"b\\\\c\\n\\t\\u0001\""},
	    {"\xC3\xA9", 2, "\"\xC3\xA9\""},
	    {"\xE9t", 2, "\"\xEF\xBF\xBDt\""},
	    {"\xED\xA0\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
	    {"\xF0\x9F\x98\x80", 4, "\"\xF0\x9F\x98\x80\""},
	    {"\xF0\x9F", 2, "\"\xEF\xBF\xBD\""},
	    {"\xE2\x82z\x80", 4, "\"\xEF\xBF\xBDz\xEF\xBF\xBD\""},
	    {"\0", 1, "\"\xEF\xBF\xBD\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf buf = buf_new(1000);

		assert_true(json_text_append(&buf, rows[i].in, rows[i].len));
		assert_string_equal(buf_text(&buf), rows[i].out);
		buf_free(&buf);
	}
}

static void utf8_tells_good_from_bad(void **state)
{
	static const struct {
		const char *text;
		size_t good;
	} rows[] = {
	    {"plain ascii that is longer than eight", 37},
	    {"12345678\xC3\xA9", 10},
	    {"\xC0\x80", 0},
	    {"ab\xE0\x9F\x80", 2},
	    {"\xF4\x8F\xBF\xBF", 4},
	    {"\xF4\x90\x80\x80", 0},
	    {"abc\xE2\x82", 3},
	};
	char out[UTF8_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
		    utf8_valid_prefix(rows[i].text, strlen(rows[i].text)),
		    rows[i].good);
	for (uint32_t c = 0; c <= 0x10FFFF; c += 97) {
		size_t len = utf8_encode(c, out);

		assert_true(utf8_valid(out, len));
		if (c < 0xD800 || c > 0xDFFF)
			assert_int_equal(utf8_decode(out, (int)len), c);
	}
	assert_int_equal(utf8_cut("a\xC3\xA9", 3, 2), 1);
	assert_int_equal(utf8_cut("a\xC3\xA9", 3, 3), 3);
}

static void json_text_leaves_a_cut_sequence_for_the_next_piece(void **state)
{
	struct buf buf = buf_new(1000);
	size_t used;

	(void)state;
	assert_true(json_text_append_part(&buf, "a\xE2\x82", 3, false, &used));
	assert_int_equal(used, 1);
	assert_true(
	    json_text_append_part(&buf, "\xE2\x82\xAC", 3, false, &used));
	assert_int_equal(used, 3);
	assert_string_equal(buf_text(&buf), "a\xE2\x82\xAC");
	buf_free(&buf);
}

static void number_takes_digits_up_to_its_bound(void **state)
{
	static const struct {
		const char *text;
		uint64_t most, number;
		const char *rest; /* NULL: refused */
	} rows[] = {
	    {"0", 0, 0, ""},
	    {"65535", 65535, 65535, ""},
	    {"65536", 65535, 0, NULL},
	    {"007x", 10, 7, "x"},
	    {"18446744073709551615", UINT64_MAX, UINT64_MAX, ""},
	    {"18446744073709551616", UINT64_MAX, 0, NULL},
	    {"99999999999999999999999", UINT64_MAX, 0, NULL},
	    {"", 10, 0, NULL},
	    {"-1", 10, 0, NULL},
	    {"+1", 10, 0, NULL},
	    {" 1", 10, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *text = rows[i].text;
		uint64_t number = 77;
		bool whole = rows[i].rest != NULL && rows[i].rest[0] == '\0';

		assert_int_equal(number_take(&text, rows[i].most, &number),
		    rows[i].rest != NULL);
		assert_string_equal(
		    text, rows[i].rest != NULL ? rows[i].rest : rows[i].text);
		assert_int_equal(
		    number, rows[i].rest != NULL ? rows[i].number : 77);
		assert_int_equal(
		    number_parse(rows[i].text, rows[i].most, &number), whole);
	}
}

static void decimals_are_read(void **state)
{
	static const char *const none[] = {"", ".", "-1", "+1", " 1", "1 ",
	    "1e3", "0x10", "inf", "nan", "1.2.3", "1,5"};
	char huge[400];
	double number = 77;

	(void)state;
	memset(huge, '9', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(number_parse_decimal(none[i], &number));
	assert_false(number_parse_decimal(huge, &number));
	assert_true(number == 77);
	assert_true(number_parse_decimal("0", &number) && number == 0);
	assert_true(number_parse_decimal("7.5", &number) && number == 7.5);
	assert_true(number_parse_decimal(".5", &number) && number == 0.5);
	assert_true(number_parse_decimal("15.", &number) && number == 15);
}

static void os_fails_the_nth_call_when_told(void **state)
{
	struct error err = {0};
	int fd;

	(void)state;
	os_break_for_test(OS_OPEN, 2, ENOSPC, false);
	assert_true(os_open(AT_FDCWD, "/dev/null", O_RDONLY, 0, &fd, &err));
	os_close(&fd);
	assert_false(os_open(AT_FDCWD, "/dev/null", O_RDONLY, 0, &fd, &err));
	assert_int_equal(err.kind, ERROR_FULL);
	assert_true(os_open(AT_FDCWD, "/dev/null", O_RDONLY, 0, &fd, &err));
	os_close(&fd);
	assert_int_equal(fd, -1);
}

static void write_file(const char *path, const char *data, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void a_named_file_is_read_as_text(void **state)
{
	char *dir = scratch_make(), path[200], other[200];
	struct buf text = buf_new((size_t)1024 * 1024);
	struct error err = {0};

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/text", dir);
	(void)snprintf(other, sizeof(other), "%s/other", dir);
	write_file(path, "192.0.2.1\n", 10);
	assert_int_equal(symlink("text", other), 0);
	assert_true(os_read_file(other, &text, &err));
	assert_string_equal(buf_text(&text), "192.0.2.1\n");
	/* What stands behind a NUL would be overlooked. */
	write_file(path, "192.0.2.1\n\0192.0.2.2\n", 21);
	assert_false(os_read_file(path, &text, &err));
	assert_non_null(strstr(err.text, "NUL"));
	assert_int_equal(unlink(other), 0);
	assert_int_equal(mkfifo(other, 0600), 0);
	assert_false(os_read_file(other, &text, &err));
	buf_free(&text);
	scratch_remove(&dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(buf_refuses_to_pass_its_limit),
	    cmocka_unit_test(arena_gives_aligned_memory_that_lasts),
	    cmocka_unit_test(clock_formats_both_ways),
	    cmocka_unit_test(clock_reads_what_it_writes),
	    cmocka_unit_test(json_text_is_always_valid),
	    cmocka_unit_test(utf8_tells_good_from_bad),
	    cmocka_unit_test(
		json_text_leaves_a_cut_sequence_for_the_next_piece),
	    cmocka_unit_test(number_takes_digits_up_to_its_bound),
	    cmocka_unit_test(decimals_are_read),
	    cmocka_unit_test(os_fails_the_nth_call_when_told),
	    cmocka_unit_test(a_named_file_is_read_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
