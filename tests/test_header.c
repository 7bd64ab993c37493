#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "bounds.h"
#include "mail/encoded_word.h"
#include "mail/filename.h"
#include "mail/header.h"
#include "mail/header_table.h"
#include "mail/mailbox.h"
#include "mail/parameter.h"

#include <stdio.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* A text and what becomes of it. */
struct row {
	const char *in, *out;
};

static void check_rows(const struct row *rows, size_t count,
    bool (*convert)(struct slice text, struct buf *out))
{
	struct buf out = buf_new(100000);

	for (size_t i = 0; i < count; i++) {
		buf_clear(&out);
		assert_true(convert(slice_of(rows[i].in), &out));
		assert_string_equal(buf_text(&out), rows[i].out);
	}
	buf_free(&out);
}

static void header_walks_fields_and_skips_what_is_none(void **state)
{
	struct slice block = slice_of("From a@b Sat Jan 31 2026\n"
				      "Subject: one\r\n"
				      "X-Folded: a\r\n\tb\r\n c\n"
				      "no colon here\r\n"
				      " with a continuation\r\n"
				      ": no name\r\n"
				      "Two words: no field\r\n"
				      "Blank : before\r\n"
				      "Last:");
	static const struct row fields[] = {{"Subject", "one"},
	    {"X-Folded", "a\r\n\tb\r\n c"}, {"Blank", "before"}, {"Last", ""}};
	struct header_field field;

	(void)state;
	for (size_t i = 0; i < COUNT(fields); i++) {
		assert_true(header_next(&block, &field));
		assert_true(slice_equals(field.name, fields[i].in));
		assert_true(slice_equals(field.value, fields[i].out));
	}
	assert_false(header_next(&block, &field));
}

static void header_unfolds_each_fold_to_one_blank(void **state)
{
	static const struct row rows[] = {{"a\r\n b", "a b"},
	    {"  a\r\n\t \tb\n c \r\n ", "a b c"}, {"a\rb", "a b"}, {"", ""},
	    {"\xE9t\xE9", "\xEF\xBF\xBDt\xEF\xBF\xBD"},
	    {"\xC3\xA9", "\xC3\xA9"}, {"=?utf-8?Q?kept?=", "=?utf-8?Q?kept?="}};

	(void)state;
	check_rows(rows, COUNT(rows), header_unfold);
}

static void encoded_words_become_text(void **state)
{
	static const struct row rows[] = {
	    {"plain", "plain"},
	    {"=?utf-8?Q?caf=C3=A9?=", "caf\xC3\xA9"},
	    {"=?UTF-8?b?Y2Fmw6k=?= au lait", "caf\xC3\xA9 au lait"},
	    {"=?iso-8859-1?q?a_b=E9?=", "a b\xC3\xA9"},
	    /* Blanks between two words go, others stay. */
	    {"=?utf-8?Q?a?= \r\n\t=?utf-8?Q?b?=", "ab"},
	    {"=?utf-8?Q?a?= x =?utf-8?Q?b?=", "a x b"},
	    {"=?utf-8?Q?a?==?iso-8859-1?Q?=E9?=", "a\xC3\xA9"},
	    /* A character split between words, also of two encodings. */
	    {"=?utf-8?Q?=C3?= =?utf-8?Q?=A9?=", "\xC3\xA9"},
	    {"=?utf-8?B?w6nD?= =?UTF8?Q?=A9?=", "\xC3\xA9\xC3\xA9"},
	    {"=?utf-8?Q?=C3?= - =?utf-8?Q?=A9?=",
		"\xEF\xBF\xBD - \xEF\xBF\xBD"},
	    /* Inside a word, inside quotes, back to back. */
	    {"x=?utf-8?Q?a?=y", "xay"},
	    {"\"=?utf-8?Q?a?=\"", "\"a\""},
	    /* Padding in the middle, blanks in the wrong place. */
	    {"=?utf-8?B?YQ==Yg==?=", "ab"},
	    {"=?utf-8?Q?a= C3=\r\n A9?=", "a\xC3\xA9"},
	    {"=?utf-8?Q?100=?=", "100="},
	    {"=?us-ascii?Q?=E9?=", "\xC3\xA9"},
	    {"=?us-ascii*en?Q?x?=", "x"},
	    {"=?ISO_8859-1:1987?Q?=E9?=", "\xC3\xA9"},
	    {"=?utf-8?Q?a\vb\fc?=", "a b c"},
	    {"=?x-unknown?Q?caf=C3=A9?=", "caf\xC3\xA9"},
	    {"=?iso-2022-jp?B?GyRCRnxLXDhsGyhC?=",
		"\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E"},
	    /* What only looks like one. */
	    {"=?utf-8?Q?open", "=?utf-8?Q?open"},
	    {"=?utf-8?X?a?=", "=?utf-8?X?a?="},
	    {"=?\?Q?a?=", "=?\?Q?a?="},
	    {"=?utf-8?Q?\?=", ""},
	    {"=?=?=?utf-8?Q?a?=", "=?=?a"},
	    {"=?", "=?"},
	};

	(void)state;
	check_rows(rows, COUNT(rows), encoded_words_decode);
}

static bool repair(struct slice text, struct buf *out)
{
	if (!encoded_twice_repair(text, out))
		return buf_append(out, text.data, text.len);
	return true;
}

static void text_that_was_encoded_twice_is_mended_if_that_is_certain(
    void **state)
{
	static const struct row rows[] = {
	    {"caf\xC3\x83\xC2\xA9", "caf\xC3\xA9"},
	    {"\xC3\x83\xC2\xA9t\xC3\x83\xC2\xA9", "\xC3\xA9t\xC3\xA9"},
	    /* As Windows-1252: a-circumflex, euro, trade mark. */
	    {"it\xC3\xA2\xE2\x82\xAC\xE2\x84\xA2s", "it\xE2\x80\x99s"},
	    /* Cyrillic: pairs that follow each other. */
	    {"\xC3\x90\xC2\x9F\xC3\x91\xC2\x80", "\xD0\x9F\xD1\x80"},
	    {"caf\xC3\xA9", "caf\xC3\xA9"},
	    {"CAF\xC3\x89\xC2\xBB", "CAF\xC3\x89\xC2\xBB"},
	    {"\xC3\x83\xC2\xA9 and \xE2\x82\xAC",
		"\xC3\x83\xC2\xA9 and \xE2\x82\xAC"},
	    {"", ""},
	};

	(void)state;
	check_rows(rows, COUNT(rows), repair);
}

static void address_lists_read_as_a_person_does(void **state)
{
	static const struct row rows[] = {
	    {"a@b.c", "a@b.c"},
	    {"<a@b.c>", "a@b.c"},
	    {"Name <a@b.c>", "\"Name\" <a@b.c>"},
	    {"\"Last, First\" <a@b.c>, d@e.f",
		"\"Last, First\" <a@b.c>, d@e.f"},
	    {"a@b.c (A comment)", "\"A comment\" <a@b.c>"},
	    {"Name (comment) <a@b.c>", "\"Name\" <a@b.c>"},
	    {"=?utf-8?Q?J=C3=B6rg?= <a@b.c>", "\"J\xC3\xB6rg\" <a@b.c>"},
	    {"\"=?utf-8?Q?J=C3=B6rg?=\" <a@b.c>", "\"J\xC3\xB6rg\" <a@b.c>"},
	    {"Team: a@b.c, N <d@e.f>;, g@h.i",
		"Team: a@b.c, \"N\" <d@e.f>;, g@h.i"},
	    {"undisclosed-recipients:;", "undisclosed-recipients: ;"},
	    {"Outer: Inner: a@b.c;, d@e.f;", "Outer: a@b.c;, d@e.f"},
	    /* As mailparser has it: without an @ it is a name. */
	    {"<root>", "\"root\""},
	    {"<root", "\"root\""},
	    {"Name <root>", "\"Name\" <root>"},
	    {"root <root>", "\"root\""},
	    {"just a name", "\"just a name\""},
	    {"a@b.c; d@e.f", "a@b.c, d@e.f"},
	    {"Mail a@b.c here", "\"Mail here\" <a@b.c>"},
	    {"a@b.c a@b.c", "a@b.c"},
	    {"\"a@b.c\" <d@e.f>", "\"a@b.c\" <d@e.f>"},
	    {"\"x \\\"y\\\" z\" <a@b.c>", "\"x \"y\" z\" <a@b.c>"},
	    {"\"local part\"@b.c", "local part@b.c"},
	    {"=?utf-8?B?TiA8YUBiLmM+LCBkQGUuZg==?=", "\"N\" <a@b.c>, d@e.f"},
	    /* An encoded word in an address must not make another one. */
	    {"<=?utf-8?Q?a=40evil.example,?=@b.c>",
		"=?utf-8?Q?a=40evil.example,?=@b.c"},
	    {"N <a@xn--bcher-kva.example>", "\"N\" <a@xn--bcher-kva.example>"},
	    {"", ""},
	    {",,;", ""},
	    {"<", ""},
	    {"a:b:c:d:e:f:g@h.i, j@k.l", "a: g@h.i, j@k.l;"},
	};

	(void)state;
	check_rows(rows, COUNT(rows), mailbox_list_format);
}

static void parameters_are_put_together(void **state)
{
	static const struct {
		const char *header, *name, *value;
	} rows[] = {
	    {"text/plain; charset=utf-8", "charset", "utf-8"},
	    {"text/plain; CharSet = \"utf-8\" ; x=y", "charset", "utf-8"},
	    {"a; name=\"x;y=z\"; q=1", "name", "x;y=z"},
	    {"a; name=\"x;y=z\"; q=1", "q", "1"},
	    {"a; name=\"a\\\"b\\\\c\"", "name", "a\"b\\c"},
	    {"a; word; name=b", "name", "b"},
	    {"a; name=1; name=2", "name", "2"},
	    {"a; name*=utf-8'en'%C3%A9%20x", "name", "\xC3\xA9 x"},
	    {"a; name*0*=iso-8859-1''%E9; name*1=t; name*2*=%E9", "name",
		"\xC3\xA9t\xC3\xA9"},
	    {"a; name*1=b; name*0=a; name*10=d; name*9=c", "name", "abcd"},
	    {"a; name=plain; name*=utf-8''star", "name", "star"},
	    {"a; name*=no-quotes", "name", "no-quotes"},
	    {"a; name*0*=utf-8''a%C3; name*1*=%A9", "name", "a\xC3\xA9"},
	    {"a; name*=utf-8''100%", "name", "100%"},
	    {"a; name*=utf-8''=?utf-8?Q?=C3=A9?=", "name", "\xC3\xA9"},
	    {"a; name==?utf-8?Q?=C3=A9?=", "name", "\xC3\xA9"},
	    {"a; name=", "name", ""},
	    {"a", "name", NULL},
	    {"", "name", NULL},
	    {"a; names=x", "name", NULL},
	    {"a; name*x=y", "name", NULL},
	};
	struct arena *arena = arena_new();
	struct parameters parameters;
	const char *value;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		parameters_parse(slice_of(rows[i].header), arena, &parameters);
		value = parameters_get(&parameters, rows[i].name, arena);
		if (rows[i].value == NULL)
			assert_null(value);
		else
			assert_string_equal(value, rows[i].value);
	}
	arena_free(&arena);
}

static void parameters_stop_at_their_limit(void **state)
{
	struct arena *arena = arena_new();
	struct buf text = buf_new(100000);
	struct parameters parameters;

	(void)state;
	(void)buf_append_text(&text, "a");
	for (int i = 0; i < LIMIT_PARAMETERS; i++)
		(void)buf_printf(&text, ";n%d=%d", i, i);
	(void)buf_append_text(&text, ";over=1");
	parameters_parse(
	    (struct slice){text.data, text.len}, arena, &parameters);
	assert_int_equal(parameters.count, LIMIT_PARAMETERS);
	assert_string_equal(parameters_get(&parameters, "n63", arena), "63");
	assert_null(parameters_get(&parameters, "over", arena));
	buf_free(&text);
	arena_free(&arena);
}

static void file_names_lose_what_is_not_theirs(void **state)
{
	static const struct row rows[] = {
	    {"report.pdf", "report.pdf"},
	    {" spaced name.txt ", "spaced name.txt"},
	    {"na%C3%AFve%20file.txt", "na\xC3\xAFve file.txt"},
	    {"100%.txt", "100%.txt"},
	    {"50%25 of %E9.txt", "50%25 of %E9.txt"},
	    {"/etc/passwd", "passwd"},
	    {"C:\\dir\\x.exe", "x.exe"},
	    {"%2e%2e%2fx", "x"},
	    {"a\nb\x7F.t\x01xt", "ab.txt"},
	    /* NOLINTNEXTLINE(misc-misleading-bidirectional): on purpose */
	    {"\xE2\x80\xAEgpj.exe", "gpj.exe"},
	    {"bad \xE9.txt", "bad \xEF\xBF\xBD.txt"},
	    {"../../etc/passwd", "passwd"},
	    {"..\\..\\boot.ini", "boot.ini"},
	    {"/", NULL},
	    {"a/", NULL},
	    {"...", "..."},
	    {"a\r\nb.txt", "ab.txt"},
	    {"a\tb.txt", "ab.txt"},
	    {"\x7F\x1B[2Jx", "[2Jx"},
	    {"%2F%2Fx", "x"},
	    {"%00x", "x"},
	    {"x%0A.txt", "x.txt"},
	    {"%", "%"},
	    {"\xC2\x85x", "x"},
	    /* NOLINTNEXTLINE(misc-misleading-bidirectional): on purpose */
	    {"\xE2\x81\xA6x", "x"},
	    {"\xE9.txt", "\xEF\xBF\xBD.txt"},
	    {"CON", "CON"},
	    {".hidden", ".hidden"},
	    {"dir/", NULL},
	    {".", NULL},
	    {"..", NULL},
	    {"\x01", NULL},
	    {"", NULL},
	};
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *name = filename_clean(slice_of(rows[i].in), arena);

		if (rows[i].out == NULL)
			assert_null(name);
		else
			assert_string_equal(name, rows[i].out);
	}
	arena_free(&arena);
}

static void file_names_are_cut_before_their_extension(void **state)
{
	struct arena *arena = arena_new();
	char name[LIMIT_FILENAME + 2];
	const char *clean;

	(void)state;
	memset(name, 'n', sizeof(name));
	memcpy(name + LIMIT_FILENAME - 4, ".txt", 5);
	clean = filename_clean(slice_of(name), arena);
	assert_int_equal(strlen(clean), LIMIT_FILENAME);
	assert_string_equal(clean, name);
	memcpy(name + LIMIT_FILENAME - 3, ".txt", 5);
	clean = filename_clean(slice_of(name), arena);
	assert_int_equal(strlen(clean), LIMIT_FILENAME);
	assert_string_equal(clean + LIMIT_FILENAME - 5, "n.txt");
	arena_free(&arena);
}

static void file_names_tell_a_media_type(void **state)
{
	static const struct row rows[] = {{"a.pdf", "application/pdf"},
	    {"A.B.JPG", "image/jpeg"},
	    {"x.unheard", "application/octet-stream"},
	    {"plan.DWG", "application/acad"},
	    {"x.sfd-hdstx", "application/vnd.hydrostatix.sof-data"},
	    {"x.longer-than-any-extension", "application/octet-stream"},
	    {"archive.tar.gz", "application/x-gzip"},
	    {"", "application/octet-stream"},
	    {"no extension", "application/octet-stream"}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(
		    filename_media_type(slice_of(rows[i].in)), rows[i].out);
	for (size_t i = 1; i < media_type_count; i++)
		assert_true(strcmp(media_types[i - 1].extension,
				media_types[i].extension) < 0);
}

static void tables_know_each_name_once(void **state)
{
	struct arena *arena = arena_new();
	struct header_table table;
	const struct header_entry *entry;

	(void)state;
	header_table_build(
	    &table, slice_of("A: 1\nb: 2\na: 3\nB\xE9: 4\nB\xE8: 5\n"), arena);
	entry = header_table_find(&table, "a");
	assert_true(slice_equals(entry->first->raw, "1"));
	assert_true(slice_equals(entry->last->raw, "3"));
	assert_true(slice_equals(entry->next->name, "b"));
	/* Names that would look the same in JSON are the same. */
	entry = header_table_find(&table, "b\xEF\xBF\xBD");
	assert_true(slice_equals(entry->last->raw, "5"));
	assert_null(entry->next);
	assert_null(header_table_find(&table, "c"));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(header_walks_fields_and_skips_what_is_none),
	    cmocka_unit_test(header_unfolds_each_fold_to_one_blank),
	    cmocka_unit_test(encoded_words_become_text),
	    cmocka_unit_test(
		text_that_was_encoded_twice_is_mended_if_that_is_certain),
	    cmocka_unit_test(address_lists_read_as_a_person_does),
	    cmocka_unit_test(parameters_are_put_together),
	    cmocka_unit_test(parameters_stop_at_their_limit),
	    cmocka_unit_test(file_names_lose_what_is_not_theirs),
	    cmocka_unit_test(file_names_are_cut_before_their_extension),
	    cmocka_unit_test(file_names_tell_a_media_type),
	    cmocka_unit_test(tables_know_each_name_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
