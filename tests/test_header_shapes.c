/* Headers as strangers and broken programs write them. (test_header.c has the
 * ordinary ones.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/utf8.h"
#include "bounds.h"
#include "mail/encoded_word.h"
#include "mail/filename.h"
#include "mail/header.h"
#include "mail/header_table.h"
#include "mail/mailbox.h"
#include "mail/parameter.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define BAD UTF8_REPLACEMENT
#define E_ACUTE "\xC3\xA9"

struct row {
	const char *in, *out;
};

/* In memory of exactly this length, so that sanitizers see its end. */
static void check_rows(const struct row *rows, size_t count,
    bool (*convert)(struct slice text, struct buf *out))
{
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(rows[i].in);
		char *exact = malloc(len > 0 ? len : 1);
		struct buf out = buf_new(100000);

		assert_non_null(exact);
		memcpy(exact, rows[i].in, len);
		assert_true(convert((struct slice){exact, len}, &out));
		assert_string_equal(buf_text(&out), rows[i].out);
		assert_true(utf8_valid(buf_text(&out), out.len));
		buf_free(&out);
		free(exact);
	}
}

static void encoded_words_are_abused_in_every_way(void **state)
{
	static const struct row rows[] = {
	    /* Characters split across words, of every length. */
	    {"=?utf-8?Q?=E2?= =?utf-8?Q?=82?= =?utf-8?Q?=AC?=", "\xE2\x82\xAC"},
	    {"=?utf-8?B?8J8=?= =?utf-8?B?mIA=?=", "\xF0\x9F\x98\x80"},
	    {"=?gb2312?Q?=C4?= =?gb2312?Q?=E3?=", "\xE4\xBD\xA0"},
	    {"=?utf-8?Q?=E2?= =?utf-8?Q?=82?=", BAD},
	    {"=?utf-8?Q?=E2?= =?iso-8859-1?Q?=82?=", BAD "\xE2\x80\x9A"},
	    /* A state that the first word leaves open goes on. */
	    {"=?iso-2022-jp?B?GyRCRnw=?= =?iso-2022-jp?B?S1wbKEI=?=",
		"\xE6\x97\xA5\xE6\x9C\xAC"},
	    /* Unknown, empty, odd charsets. */
	    {"=?foo?Q?caf=C3=A9?=", "caf" E_ACUTE},
	    {"=?foo?Q?=E9?=", BAD},
	    {"=?utf-8*?Q?x?=", "x"},
	    {"=?utf-8*en-us*?Q?x?=", "x"},
	    {"=?UTF_8?Q?=C3=A9?=", E_ACUTE},
	    {"=?ISO-8859-1?Q?=93x=94?=", "\xE2\x80\x9Cx\xE2\x80\x9D"},
	    /* Encodings that are none, or in the other case. */
	    {"=?utf-8?q?=c3=a9?=", E_ACUTE},
	    {"=?utf-8?b?w6k?=", E_ACUTE},
	    {"=?utf-8?QQ?x?=", "=?utf-8?QQ?x?="},
	    {"=?utf-8?\?x?=", "=?utf-8?\?x?="},
	    /* Too long, too short, cut. */
	    {"=?utf-8?Q?=C3=A9", "=?utf-8?Q?=C3=A9"},
	    {"=?utf-8?Q?=C3=A9?", "=?utf-8?Q?=C3=A9?"},
	    {"=?utf-8?Q", "=?utf-8?Q"},
	    {"=?utf-8?B?w6k", "=?utf-8?B?w6k"},
	    {"=?utf-8?B?w?=", ""},
	    {"=?utf-8?B?!!!!?=", ""},
	    {"=?utf-8?Q?=4?=", "=4"},
	    {"=?utf-8?Q?=GZ?=", "=GZ"},
	    /* Blanks inside, folds, tabs between. */
	    {"=?utf-8?Q?a b c?=", "a b c"},
	    {"=?utf-8?Q?a_b?= \t =?utf-8?Q?_c?=", "a b c"},
	    {"a =?utf-8?Q?b?= c", "a b c"},
	    {"=?utf-8?Q?a?=,=?utf-8?Q?b?=", "a,b"},
	    /* In quotes, in brackets, in words. */
	    {"\"=?utf-8?Q?=C3=A9?=\" <a@b>", "\"" E_ACUTE "\" <a@b>"},
	    {"(=?utf-8?Q?=C3=A9?=)", "(" E_ACUTE ")"},
	    {"re:=?utf-8?Q?=C3=A9?=!", "re:" E_ACUTE "!"},
	    /* Two in one, one beside raw bytes. */
	    {"=?utf-8?Q?a?=?=", "a?="},
	    {"=?utf-8?Q?=?utf-8?Q?b?=?=", "=?utf-8?Q?b?="},
	    {"\xE9=?utf-8?Q?=C3=A9?=\xC3\xA9", BAD E_ACUTE E_ACUTE},
	    {"=?utf-8?Q?\xC3\xA9?=", E_ACUTE},
	};

	(void)state;
	check_rows(rows, COUNT(rows), encoded_words_decode);
}

static void odd_lines_are_skipped_or_fields(void **state)
{
	static const struct {
		const char *block;
		const char *fields; /* name=value; of each */
	} rows[] = {
	    {"A:1\nB: 2\r\nC :3\n", "A=1;B=2;C=3;"},
	    {"A:\nB:\r\n", "A=;B=;"},
	    {"A: 1\n\t2\n 3\nB: 4", "A=1\n\t2\n 3;B=4;"},
	    {" continues nothing\nA: 1\n", "A=1;"},
	    {"no colon\nA: 1\nnone either\n", "A=1;"},
	    {"no colon\n goes on: here\nA: 1\n", "A=1;"},
	    {"From x@y Mon\n>From: z\nA: 1\n", ">From=z;A=1;"},
	    {": empty\nA: 1\n", "A=1;"},
	    {"two words: x\nA: 1\n", "A=1;"},
	    {"A\x01: x\nB: 1\n", "B=1;"},
	    {"\xC3\xA9: x\nB: \xE9\n", "\xC3\xA9=x;B=\xE9;"},
	    {"A: 1\rB: 2\nC: 3", "A=1\rB: 2;C=3;"},
	    {"A: b: c: d\n", "A=b: c: d;"},
	    {"A:: b\n", "A=: b;"},
	    {"A: 1\n\n", "A=1;"},
	    {"\n\n\nA: 1", "A=1;"},
	    {"", ""},
	    {":", ""},
	    {"\r", ""},
	    {"A", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice block = slice_of(rows[i].block);
		struct buf out = buf_new(10000);
		struct header_field field;

		while (header_next(&block, &field))
			(void)buf_printf(&out, "%.*s=%.*s;",
			    (int)field.name.len, field.name.data,
			    (int)field.value.len, field.value.data);
		assert_int_equal(block.len, 0);
		assert_string_equal(buf_text(&out), rows[i].fields);
		buf_free(&out);
	}
}

static void nuls_are_bytes_like_others(void **state)
{
	static const char block[] = "A: 1\0002\nB\0: 3\nC: 4\0";
	struct slice rest = {block, sizeof(block) - 1};
	struct header_field field;
	struct buf out = buf_new(100);

	(void)state;
	assert_true(header_next(&rest, &field));
	assert_int_equal(field.value.len, 3);
	assert_true(header_decode(field.value, &out));
	assert_int_equal(out.len, 3);
	assert_memory_equal(out.data, "1\0002", 3);
	/* A name has none. */
	assert_true(header_next(&rest, &field));
	assert_true(slice_equals(field.name, "C"));
	assert_false(header_next(&rest, &field));
	buf_free(&out);
}

static void bytes_without_a_charset_are_utf8_or_replaced(void **state)
{
	static const struct row rows[] = {
	    {"caf\xC3\xA9", "caf" E_ACUTE},
	    {"caf\xE9", "caf" BAD},
	    {"\xE9\xC3\xA9", BAD E_ACUTE},
	    {"\xF0\x9F\x98", BAD},
	    {"\xC3\n \xA9", BAD " " BAD},
	    {"=?utf-8?Q?a?= \xE9", "a " BAD},
	    {"\xFF\xFE", BAD BAD},
	};

	(void)state;
	check_rows(rows, COUNT(rows), header_decode);
}

static void the_first_of_several_is_found(void **state)
{
	static const char block[] = "X: y\nSUBJECT : 1\nsubject: 2\n";
	struct header_field field;

	(void)state;
	assert_true(header_first(slice_of(block), "subject", &field));
	assert_true(slice_equals(field.value, "1"));
	assert_false(header_first(slice_of(block), "subjec", &field));
	assert_false(header_first(slice_of(block), "subjects", &field));
	assert_true(header_is_single(slice_of("subject")));
	assert_false(header_is_single(slice_of("received")));
}

/* RFC 2231 as it is, and as it is not. */
static void parameters_are_abused_in_every_way(void **state)
{
	static const struct {
		const char *header, *value;
	} rows[] = {
	    {"a; name*0*=utf-8''%C3; name*1*=%A9.txt", E_ACUTE ".txt"},
	    {"a; name*1*=%A9.txt; name*0*=utf-8''%C3", E_ACUTE ".txt"},
	    {"a; name*0=\"a b\"; name*1=\"; c\"", "a b; c"},
	    {"a; name*0*=utf-8'en'a%20; name*1=\"b%20c\"", "a b c"},
	    {"a; name*=iso-8859-1''%E9", E_ACUTE},
	    {"a; name*=''%C3%A9", E_ACUTE},
	    {"a; name*=foo''%C3%A9", E_ACUTE},
	    {"a; name*=utf-8''%", "%"},
	    {"a; name*=utf-8''%4", "%4"},
	    {"a; name*=utf-8''%zz%41", "%zzA"},
	    {"a; name*=utf-8''%00a", "a"},
	    {"a; name*=utf-8''%FF", BAD},
	    {"a; name*=utf-8'x", "utf-8'x"},
	    {"a; name*=\"utf-8''%C3%A9\"", E_ACUTE},
	    {"a; NAME*0*=UTF-8''A; Name*1=B", "AB"},
	    {"a; name*00=x; name*1=y", "xy"},
	    {"a; name*1=only", "only"},
	    {"a; name*99999999999999999999=x", "x"},
	    {"a; name*-1=x; name=y", "y"},
	    {"a; name**=x; name=y", "y"},
	    {"a; name*0**=x; name=y", "y"},
	    /* Encoded words where none belong. */
	    {"a; name=\"=?utf-8?Q?=C3=A9?=\"", E_ACUTE},
	    {"a; name=\"=?utf-8?B?w6k=?= =?utf-8?B?w6k=?=\"", E_ACUTE E_ACUTE},
	    {"a; name==?utf-8?Q?a=3Bb?=; x=y", "a;b"},
	    {"a; name=\"x =?utf-8?Q?=C3=A9?= y\"", "x " E_ACUTE " y"},
	    /* Quotes that do not end, or stand anywhere. */
	    {"a; name=\"open", "open"},
	    {"a; name=\"open; x=y", "open; x=y"},
	    {"a; name=a\"b;c\"d", "ab;cd"},
	    {"a; name=\"a\\", "a\\"},
	    {"a; name='single'", "'single'"},
	    {"a; name = spaced ", "spaced"},
	    {"a;name=x;", "x"},
	    {";;name=x", "x"},
	    {"a; =x; name=y", "y"},
	    {"a; name", NULL},
	    {"a; name=\xC3\xA9", E_ACUTE},
	};
	struct arena *arena = arena_new();
	struct parameters parameters;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *value;

		parameters_parse(slice_of(rows[i].header), arena, &parameters);
		value = parameters_get(&parameters, "name", arena);
		if (rows[i].value == NULL) {
			assert_null(value);
			continue;
		}
		assert_non_null(value);
		assert_string_equal(value, rows[i].value);
	}
	arena_free(&arena);
}

static void address_lists_of_all_faults_are_text(void **state)
{
	static const struct row rows[] = {
	    {"a@b.c,", "a@b.c"},
	    {",a@b.c", "a@b.c"},
	    {"a@b.c,,d@e.f", "a@b.c, d@e.f"},
	    {"<a@b.c", "a@b.c"},
	    {"a@b.c>", "a@b.c>"},
	    {"Name <>", "\"Name\""},
	    {"<>", ""},
	    {"(only a comment)", "\"only a comment\""},
	    {"\"open <a@b.c>", "open <a@b.c>"},
	    {"(open a@b.c", "\"open\" <a@b.c>"},
	    {"Group: a@b.c", "Group: a@b.c;"},
	    {"Group:;", "Group: ;"},
	    {"Group: (c);", "Group: \"c\";"},
	    {"N <a@b.c> <d@e.f>", "\"N d@e.f\" <a@b.c>"},
	    {"a@b.c (x) (y)", "\"x y\" <a@b.c>"},
	    {"j\xC3\xB6@b\xC3\xBC.c", "j\xC3\xB6@b\xC3\xBC.c"},
	    {"\xE9 <a@b.c>", "\"" BAD "\" <a@b.c>"},
	    {"a@b.c\td@e.f", "\"d@e.f\" <a@b.c>"},
	    {"@", "@"},
	    {"a@@b", "a@@b"},
	    {"\"\" <a@b.c>", "a@b.c"},
	    {"\"say \\\"hi\\", "\"say \"hi\""},
	    {"=?utf-8?Q?_a_?= <a@b.c>", "\" a \" <a@b.c>"},
	};
	struct buf out = buf_new(100000);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_clear(&out);
		assert_true(mailbox_list_format(slice_of(rows[i].in), &out));
		assert_true(utf8_valid(buf_text(&out), out.len));
		assert_string_equal(buf_text(&out), rows[i].out);
	}
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(encoded_words_are_abused_in_every_way),
	    cmocka_unit_test(odd_lines_are_skipped_or_fields),
	    cmocka_unit_test(nuls_are_bytes_like_others),
	    cmocka_unit_test(bytes_without_a_charset_are_utf8_or_replaced),
	    cmocka_unit_test(the_first_of_several_is_found),
	    cmocka_unit_test(parameters_are_abused_in_every_way),
	    cmocka_unit_test(address_lists_of_all_faults_are_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
