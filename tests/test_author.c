#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mail/author.h"

#include <stdio.h>
#include <string.h>

/* The domains, with a blank between them. */
static const char *domains_of(const struct author *author, char out[2000])
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < author->count; i++)
		len += (size_t)snprintf(out + len, 2000 - len, "%s%s",
		    i == 0 ? "" : " ", author->domains[i]);
	return out;
}

static void check(const char *header, const char *domains, bool trusted)
{
	struct arena *arena = arena_new();
	struct author author;
	char found[2000];

	author_read(slice_of(header), arena, &author);
	if (strcmp(domains_of(&author, found), domains) != 0 ||
	    (author.fault == NULL) != trusted)
		fail_msg("%s\nis \"%s\", %s", header, found,
		    author.fault == NULL ? "trusted" : author.fault);
	arena_free(&arena);
}

static void domains_are_found(void **state)
{
	static const struct {
		const char *value, *domains;
	} rows[] = {
	    {"a@e.test", "e.test"},
	    {"<a@e.test>", "e.test"},
	    {"A B <a@e.test>", "e.test"},
	    {"A. B. <a.b+c@E.Test>", "E.Test"},
	    {"\"B, A\" <a@e.test>", "e.test"},
	    {"\"ceo@bank.test\" <a@e.test>", "e.test"},
	    {"\"x\\\" <ceo@bank.test>\" <a@e.test>", "e.test"},
	    {"(ceo@bank.test) a@e.test (x \\) (y))", "e.test"},
	    {"a (x) @ (y) e.test (z)", "e.test"},
	    {"=?utf-8?Q?ceo=40bank=2Etest?= <a@e.test>", "e.test"},
	    {"J\xC3\xB6rg <j\xC3\xB6rg@e.test>", "e.test"},
	    {"a@b\xC3\xBC"
	     "cher.test",
		"xn--bcher-kva.test"},
	    {"\"a b\"@e.test", "e.test"},
	    {"\"a@x.test\"@e.test", "e.test"},
	    {"Long\r\n Name\r\n\t<a@e.test>", "e.test"},
	    {"<@r.test,@s.test:a@e.test>", "e.test"},
	    {"a@e.test, b@E.TEST", "e.test"},
	    {"a@e.test,, b@e.test,", "e.test"},
	    {"Team: a@e.test, B <b@e.test>;", "e.test"},
	    {"Smith, John <a@e.test>", "e.test"},
	    {"a@e.test <a@e.test>", "e.test"},
	    {"a@localhost", "localhost"},
	    /* Several: whoever trusts them must notice. */
	    {"a@e.test, b@f.test", "e.test f.test"},
	    {"ceo@bank.test <a@e.test>", "bank.test e.test"},
	    {"<ceo@bank.test> <a@e.test>", "bank.test e.test"},
	    {"\"A\" <ceo@bank.test>, <a@e.test>", "bank.test e.test"},
	    /* Brackets that are no address literal say nothing. */
	    {"[List] A <a@e.test>", "e.test"},
	    {"A] <a@e.test> [b]", "e.test"},
	    {"[ceo@bank.test] <a@e.test>", "bank.test e.test"},
	    {"a@1.t, a@2.t, a@3.t, a@4.t, a@5.t, a@6.t, a@7.t, a@8.t, a@9.t, "
	     "a@10.t",
		"1.t 2.t 3.t 4.t 5.t 6.t 7.t 8.t 9.t 10.t"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char header[400];

		(void)snprintf(header, sizeof(header),
		    "To: x@y.test\r\nFrom: %s\r\nSubject: s\r\n",
		    rows[i].value);
		check(header, rows[i].domains, true);
	}
}

static void what_cannot_be_read_is_a_fault(void **state)
{
	static const struct {
		const char *value, *domains;
	} rows[] = {
	    {"", ""},
	    {"A B", ""},
	    {"<>", ""},
	    {"Team:;", ""},
	    {"@e.test", "e.test"},
	    {"a@", ""},
	    {"a@,", ""},
	    {"a@[192.0.2.1]", ""},
	    {"a@[192.0.2.1], b@e.test", "e.test"},
	    {"<[a] b@e.test>", "e.test"},
	    {"<a@e.test", "e.test"},
	    {"a@e.test>", "e.test"},
	    {"<<a@e.test>>", "e.test"},
	    {"<> <a@e.test>", "e.test"},
	    {"<a@e.test b@f.test>", "e.test f.test"},
	    {"<a@e.test, b@f.test>", "e.test f.test"},
	    {"a@b@e.test", "b e.test"},
	    {"\"a@e.test", "e.test"},
	    {"\"A <a@e.test>", "e.test"},
	    {"(A <a@e.test>", "e.test"},
	    {"A) <a@e.test>", "e.test"},
	    {"\"b@f.test\" \\ <a@e.test>", "f.test e.test"},
	    {"a@e.test (x", "e.test"},
	    {"a@e.test)", "e.test"},
	    {"a@e.test \\", "e.test"},
	    {"<@r.test>", "r.test"},
	    {"<@r.test a@e.test>", "r.test e.test"},
	    {"a@e..test", ""},
	    {"a@e.(x)test", "e e.test"},
	    {"a@(x)e (y) . (z (z)) test . u", "e e.test.u"},
	    {"a@e.(x", "e"},
	    {"a@e(x).test", "e e.test"},
	    {"a@e .test", "e e.test"},
	    {"a@e.test\x01", "e.test"},
	    {"a@\xFF.test", ""},
	    {"a@e.test\xE2\x80\x8F <b@f.test>", "f.test"},
	    {"a@1.t, a@2.t, a@3.t, a@4.t, a@5.t, a@6.t, a@7.t, a@8.t, a@9.t, "
	     "a@10.t, a@11.t",
		"1.t 2.t 3.t 4.t 5.t 6.t 7.t 8.t 9.t 10.t"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char header[400];

		(void)snprintf(
		    header, sizeof(header), "From: %s\r\n", rows[i].value);
		check(header, rows[i].domains, false);
	}
}

static void all_from_fields_count(void **state)
{
	(void)state;
	check("Subject: x\r\n", "", false);
	check("From: a@e.test\nFrom: b@e.test\n", "e.test", true);
	check("From: a@e.test\r\nFROM : b@f.test\r\n", "e.test f.test", true);
	check("From: a@e.test\r\nFrom: b\r\n", "e.test", true);
	check("From: a@e.test\r\nFrom: <b\r\n", "e.test", false);
	check("From: <b\r\nFrom: a@e.test\r\n", "e.test", false);
	check("From : a@e.test\r\nFrom: b@f.test\r\n", "e.test f.test", true);
	check("Resent-From: a@e.test\r\nX-From: b@f.test\r\n", "", false);
}

/* A malformed field of nothing but such signs is not worth the time. */
static void signs_are_counted(void **state)
{
	char header[2000];
	struct author author;
	struct arena *arena = arena_new();
	size_t len;

	(void)state;
	len = (size_t)snprintf(header, sizeof(header), "From: ");
	memset(header + len, '@', LIMIT_AUTHOR_SIGNS);
	len += LIMIT_AUTHOR_SIGNS;
	(void)snprintf(header + len, sizeof(header) - len, "\r\n");
	author_read(slice_of(header), arena, &author);
	assert_false(author.too_many);
	(void)snprintf(header + len, sizeof(header) - len, "@e.test\r\n");
	author_read(slice_of(header), arena, &author);
	assert_true(author.too_many);
	assert_int_equal(author.count, 0);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(domains_are_found),
	    cmocka_unit_test(what_cannot_be_read_is_a_fault),
	    cmocka_unit_test(all_from_fields_count),
	    cmocka_unit_test(signs_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
