#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "mail/canonical.h"
#include "mail/tag_list.h"

#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void collect(void *arg, const char *bytes, size_t len)
{
	assert_true(buf_append(arg, bytes, len));
}

static void canonical_body(
    enum canonical kind, const char *text, size_t piece, struct buf *out)
{
	struct canonical_body body;
	size_t len = strlen(text);

	buf_clear(out);
	canonical_body_begin(&body, kind, collect, out);
	for (size_t at = 0; at < len; at += piece)
		canonical_body_write(
		    &body, text + at, piece < len - at ? piece : len - at);
	canonical_body_end(&body);
}

static void bodies_become_canonical(void **state)
{
	static const struct {
		const char *text, *simple, *relaxed;
	} rows[] = {
	    /* RFC 6376 section 3.4.5 */
	    {" C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"},
	    /* 3.4.3 and 3.4.4: nothing, and nothing but empty lines */
	    {"", "\r\n", ""},
	    {"\r\n", "\r\n", ""},
	    {"\r\n\r\n\r\n", "\r\n", ""},
	    {" \t\r\n \r\n", " \t\r\n \r\n", ""},
	    /* no line end at the end */
	    {"a", "a\r\n", "a\r\n"},
	    {"a \t", "a \t\r\n", "a\r\n"},
	    {" ", " \r\n", ""},
	    {"a\r\n ", "a\r\n \r\n", "a\r\n"},
	    /* empty lines in between stay */
	    {"\r\n\r\na\r\n\r\nb\r\n", "\r\n\r\na\r\n\r\nb\r\n",
		"\r\n\r\na\r\n\r\nb\r\n"},
	    {"a\r\n \r\n\t\r\nb", "a\r\n \r\n\t\r\nb\r\n",
		"a\r\n\r\n\r\nb\r\n"},
	    {"\ta  b\t\tc \r\n", "\ta  b\t\tc \r\n", " a b c\r\n"},
	    /* a bare LF ends a line, a bare CR does not */
	    {"a\nb \n\n", "a\r\nb \r\n", "a\r\nb\r\n"},
	    {"a\rb\r", "a\rb\r\r\n", "a\rb\r\r\n"},
	    {"\r\r\n\r\n", "\r\r\n", "\r\r\n"},
	    {"a \r \r\n", "a \r \r\n", "a \r\r\n"},
	};
	struct buf out = buf_new(1000);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t piece = 1; piece < 8; piece++) {
			canonical_body(
			    CANONICAL_SIMPLE, rows[i].text, piece, &out);
			assert_string_equal(buf_text(&out), rows[i].simple);
			canonical_body(
			    CANONICAL_RELAXED, rows[i].text, piece, &out);
			assert_string_equal(buf_text(&out), rows[i].relaxed);
		}
	}
	buf_free(&out);
}

static void fields_become_canonical(void **state)
{
	static const struct {
		const char *text, *simple, *relaxed;
	} rows[] = {
	    /* RFC 6376 section 3.4.5 */
	    {"A: X\r\n", "A: X\r\n", "a:X\r\n"},
	    {"B : Y\t\r\n\tZ  \r\n", "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n"},
	    {"Empty:\r\n", "Empty:\r\n", "empty:\r\n"},
	    {"E: \r\n \r\n", "E: \r\n \r\n", "e:\r\n"},
	    {"X:a\n b", "X:a\r\n b\r\n", "x:a b\r\n"},
	    {"X:a : b\r\n", "X:a : b\r\n", "x:a : b\r\n"},
	    {"\xC3\x84: a\rb\r\n", "\xC3\x84: a\rb\r\n", "\xC3\x84:a\rb\r\n"},
	};
	struct buf out = buf_new(1000);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_clear(&out);
		assert_true(canonical_field(
		    CANONICAL_SIMPLE, slice_of(rows[i].text), &out));
		assert_string_equal(buf_text(&out), rows[i].simple);
		buf_clear(&out);
		assert_true(canonical_field(
		    CANONICAL_RELAXED, slice_of(rows[i].text), &out));
		assert_string_equal(buf_text(&out), rows[i].relaxed);
	}
	buf_free(&out);
}

static void tag_lists_are_read(void **state)
{
	static const struct {
		const char *text;
		size_t count; /* 0: none */
		const char *name, *value;
	} rows[] = {
	    {"v=1", 1, "v", "1"},
	    {" v = 1 ; a_2=x y;", 2, "a_2", "x y"},
	    {"v=1;\r\n\ta=\r\n b\r\n ;\r\n", 2, "a", "b"},
	    {"v=1; V=2", 2, "V", "2"},
	    {"p=", 1, "p", ""},
	    {"p=a=b==", 1, "p", "a=b=="},
	    {"n=caf\xC3\xA9", 1, "n", "caf\xC3\xA9"},
	    {"", 0, NULL, NULL},
	    {";", 0, NULL, NULL},
	    {"v=1;;", 0, NULL, NULL},
	    {"v=1; ;a=2", 0, NULL, NULL},
	    {"v", 0, NULL, NULL},
	    {"=1", 0, NULL, NULL},
	    {"1v=1", 0, NULL, NULL},
	    {"_=1", 0, NULL, NULL},
	    {"v-1=1", 0, NULL, NULL},
	    {"a b=1", 0, NULL, NULL},
	    {"v=1; v=1", 0, NULL, NULL},
	    {"v=\x01", 0, NULL, NULL},
	    {"v=a\x7F", 0, NULL, NULL},
	};
	struct tag_list list;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *fault =
		    tag_list_parse(slice_of(rows[i].text), &list);

		assert_int_equal(fault == NULL, rows[i].count > 0);
		if (fault != NULL)
			continue;
		assert_int_equal(list.count, rows[i].count);
		assert_true(slice_equals(
		    tag_list_get(&list, rows[i].name)->value, rows[i].value));
	}
}

static void a_tag_list_has_a_limit(void **state)
{
	struct buf text = buf_new(10000);
	struct tag_list list;

	(void)state;
	for (int i = 0; i < LIMIT_TAGS; i++)
		assert_true(buf_printf(&text, "t%d=;", i));
	assert_null(tag_list_parse(slice_of(buf_text(&text)), &list));
	assert_true(buf_append_text(&text, "more=;"));
	assert_non_null(tag_list_parse(slice_of(buf_text(&text)), &list));
	buf_free(&text);
}

static void base64_is_read(void **state)
{
	static const struct {
		const char *text, *bytes; /* NULL: none */
	} rows[] = {{"Zm9v", "foo"}, {"Z m\r\n\t9 v", "foo"}, {"Zm8=", "fo"},
	    {"Zm8", "fo"}, {"Zg==", "f"}, {"Zg= =", "f"}, {"Zg", "f"},
	    {"Zm9vYmE", "fooba"}, {"", NULL}, {"Z", NULL}, {"=", NULL},
	    {"Zm9v=", NULL}, {"Zm9vZ", NULL}, {"Zg=", NULL}, {"Zg===", NULL},
	    {"Zm=v", NULL}, {"Zm9-", NULL}, {"Zm9v!", NULL}};
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t *bytes;
		size_t len;
		bool good =
		    tag_base64(slice_of(rows[i].text), arena, &bytes, &len);

		assert_int_equal(good, rows[i].bytes != NULL);
		if (!good)
			continue;
		assert_int_equal(len, strlen(rows[i].bytes));
		assert_memory_equal(bytes, rows[i].bytes, len);
	}
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bodies_become_canonical),
	    cmocka_unit_test(fields_become_canonical),
	    cmocka_unit_test(tag_lists_are_read),
	    cmocka_unit_test(a_tag_list_has_a_limit),
	    cmocka_unit_test(base64_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
