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
	    {"@e.test", ""},
	    {"a@", ""},
	    {"a@,", ""},
	    {"a@[192.0.2.1]", ""},
	    {"<a@e.test", "e.test"},
	    {"a@e.test>", "e.test"},
	    {"<<a@e.test>>", ""},
	    {"<a@e.test b@f.test>", "e.test"},
	    {"<a@e.test, b@f.test>", "e.test"},
	    {"a@b@e.test", "b"},
	    {"\"a@e.test", ""},
	    {"a@e.test (x", "e.test"},
	    {"a@e.test)", "e.test"},
	    {"a@e.test \\", "e.test"},
	    {"<@r.test>", ""},
	    {"<@r.test a@e.test>", ""},
	    {"a@e..test", ""},
	    {"a@e.(x)test", "e"},
	    {"a@e(x).test", "e"},
	    {"a@e .test", "e"},
	    {"a@e.test\x01", "e.test"},
	    {"a@\xFF.test", ""},
	    {"a@e.test\xE2\x80\xAE <b@f.test>", ""},
	    {"a@1.t, a@2.t, a@3.t, a@4.t, a@5.t", "1.t 2.t 3.t 4.t"},
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
	check("Resent-From: a@e.test\r\nX-From: b@f.test\r\n", "", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(domains_are_found),
	    cmocka_unit_test(what_cannot_be_read_is_a_fault),
	    cmocka_unit_test(all_from_fields_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
