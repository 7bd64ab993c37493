#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mail/dmarc.h"
#include "mail/dmarc_record.h"
#include "zone.h"

#include <stdio.h>
#include <string.h>

/* Rows leave out what is as usual. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* One message in one zone. Unset: From a@e.test; SPF and DKIM none; the policy
 * and the disposition are not compared. */
struct row {
	const char *zone;
	enum auth_result result;
	bool aligned;
	struct dmarc_identity spf, dkim, dkim2;
	const char *from;
	const char *policy_domain;
	const char *reason; /* a part of it */
	unsigned sample;
	int policy, disposition; /* 1 more than it is */
};

#define PASSES(name)                                                           \
	{                                                                      \
		AUTH_PASS, name                                                \
	}
#define POLICY(is) ((int)(is) + 1)

static void compare(const struct row *row, const struct dmarc_outcome *outcome)
{
	if (row->policy_domain != NULL)
		assert_string_equal(outcome->policy_domain, row->policy_domain);
	if (row->reason != NULL)
		assert_non_null(strstr(outcome->reason, row->reason));
	if (row->policy != 0)
		assert_int_equal(outcome->policy, row->policy - 1);
	if (row->disposition != 0)
		assert_int_equal(outcome->disposition, row->disposition - 1);
}

static void check_row(const struct row *row, size_t number)
{
	const struct dmarc_identity dkim[] = {row->dkim, row->dkim2};
	struct arena *arena = arena_new();
	struct zone *zone = zone_new();
	struct lookup lookup = zone_lookup(zone);
	struct author author;
	struct dmarc_query query = {.author = &author,
	    .spf = row->spf,
	    .dkim = dkim,
	    .dkim_count = 2,
	    .sample = row->sample};
	struct dmarc_outcome outcome;

	author_read(slice_of(arena_printf(arena, "From: %s\r\n",
			row->from == NULL ? "a@e.test" : row->from)),
	    arena, &author);
	assert_true(zone_add_text(zone, row->zone));
	dmarc_check(&query, &lookup, arena, &outcome);
	if (outcome.result != row->result || outcome.aligned != row->aligned)
		fail_msg("row %zu: %s\nis %d, aligned %d, %s", number,
		    row->zone, (int)outcome.result, (int)outcome.aligned,
		    outcome.reason);
	compare(row, &outcome);
	zone_free(&zone);
	arena_free(&arena);
}

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_row(&rows[i], i);
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

#define NONE_AT(name) "_dmarc." name " TXT v=DMARC1; p=none\n"
#define REJECT_AT(name) "_dmarc." name " TXT v=DMARC1; p=reject\n"

/* Pass or fail by alignment, whatever the policy says. */
static void the_verdict_is_whether_something_passed_for_the_domain(void **state)
{
	static const struct row rows[] = {
	    {REJECT_AT("e.test"), AUTH_PASS, true, PASSES("e.test"),
		.reason = "SPF"},
	    {NONE_AT("e.test"), AUTH_PASS, true, PASSES("e.test")},
	    {REJECT_AT("e.test"), AUTH_PASS, true, PASSES("E.TEST.")},
	    {REJECT_AT("e.test"), AUTH_PASS, true, .dkim = PASSES("e.test"),
		.reason = "DKIM"},
	    {REJECT_AT("e.test"), AUTH_PASS, true, .dkim2 = PASSES("e.test")},
	    {REJECT_AT("e.test"), AUTH_PASS, true, PASSES("x.test"),
		PASSES("y.test"), PASSES("e.test")},
	    {NONE_AT("e.test"), AUTH_FAIL, false, .reason = "neither"},
	    {REJECT_AT("e.test"), AUTH_FAIL, false},
	    {REJECT_AT("e.test"), AUTH_FAIL, false, PASSES("x.test")},
	    {REJECT_AT("e.test"), AUTH_FAIL, false, PASSES("note.test")},
	    {REJECT_AT("e.test"), AUTH_FAIL, false, PASSES("test")},
	    {REJECT_AT("e.test"), AUTH_FAIL, false, PASSES("")},
	    {REJECT_AT("e.test"), AUTH_FAIL, false, PASSES(NULL)},
	    {REJECT_AT("e.test"), AUTH_FAIL, false, {AUTH_FAIL, "e.test"}},
	    {REJECT_AT("e.test"), AUTH_FAIL, false, {AUTH_SOFTFAIL, "e.test"}},
	    {REJECT_AT("e.test"), AUTH_FAIL, false, {AUTH_NEUTRAL, "e.test"}},
	    {REJECT_AT("e.test"), AUTH_FAIL, false, {AUTH_PERMERROR, "e.test"}},
	    {REJECT_AT("e.test"), AUTH_FAIL, false,
		.dkim = {AUTH_FAIL, "e.test"}},
	    {REJECT_AT("e.test"), AUTH_FAIL, false,
		.dkim = {AUTH_PERMERROR, "e.test"}},
	    /* Nothing is asked of it: no verdict, but aligned all the same. */
	    {"", AUTH_NONE, false},
	    {"", AUTH_NONE, true, PASSES("e.test")},
	    {"", AUTH_NONE, true, .dkim = PASSES("m.e.test")},
	    {"", AUTH_NONE, true, PASSES("e.test"), .from = "a@m.e.test"},
	    {"", AUTH_NONE, true, PASSES("n.e.test"), .from = "a@m.e.test"},
	    {"", AUTH_NONE, false, PASSES("x.test")},
	    {"", AUTH_NONE, false, {AUTH_FAIL, "e.test"}},
	    {"", AUTH_NONE, false, PASSES("f.co.uk"), .from = "a@e.co.uk"},
	    {"", AUTH_NONE, false, PASSES("co.uk"), .from = "a@e.co.uk"},
	    {"", AUTH_NONE, true, PASSES("x.e.co.uk"), .from = "a@y.e.co.uk"},
	    /* Other domains' policies do not matter. */
	    {REJECT_AT("x.test"), AUTH_NONE, false, PASSES("x.test")},
	    {"e.test TXT v=DMARC1; p=reject", AUTH_NONE, false},
	    /* RFC 5890. */
	    {REJECT_AT("xn--bcher-kva.test"), AUTH_PASS, true,
		PASSES("xn--bcher-kva.test"),
		.from = "a@b\xC3\xBC"
			"cher.test"},
	    {REJECT_AT("xn--bcher-kva.test"), AUTH_PASS, true,
		PASSES("B\xC3\x9C"
		       "CHER.test"),
		.from = "a@b\xC3\xBC"
			"cher.test"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void dns_errors_leave_it_open(void **state)
{
	static const struct row rows[] = {
	    {"_dmarc.e.test TIMEOUT", AUTH_TEMPERROR, false},
	    {"_dmarc.e.test TIMEOUT", AUTH_TEMPERROR, true, PASSES("e.test")},
	    {"_dmarc.e.test TIMEOUT", AUTH_TEMPERROR, true, PASSES("m.e.test")},
	    {"_dmarc.e.test TIMEOUT", AUTH_TEMPERROR, false,
		.from = "a@m.e.test"},
	    /* Its own record is known. */
	    {REJECT_AT("m.e.test") "_dmarc.e.test TIMEOUT", AUTH_PASS, true,
		PASSES("m.e.test"), .from = "a@m.e.test"},
	    {REJECT_AT("m.e.test") "_dmarc.e.test TIMEOUT", AUTH_FAIL, false,
		.from = "a@m.e.test"},
	    {REJECT_AT("m.e.test") "_dmarc.e.test TIMEOUT", AUTH_TEMPERROR,
		true, PASSES("e.test"), .from = "a@m.e.test"},
	    {REJECT_AT("m.e.test") "_dmarc.e.test TIMEOUT", AUTH_FAIL, false,
		PASSES("x.test"), .from = "a@m.e.test"},
	    {"_dmarc.m.e.test TXT v=DMARC1; p=reject; aspf=s\n"
	     "_dmarc.e.test TIMEOUT",
		AUTH_FAIL, true, PASSES("e.test"), .from = "a@m.e.test"},
	    /* Strangers whose DNS is broken leave nothing open. */
	    {REJECT_AT("e.test") "_dmarc.x.test TIMEOUT", AUTH_FAIL, false,
		PASSES("x.test")},
	    {REJECT_AT("e.test") "_dmarc.x.test TIMEOUT", AUTH_FAIL, false,
		{AUTH_TEMPERROR, "x.test"}},
	    {REJECT_AT("e.test") "_dmarc.x.test TIMEOUT", AUTH_FAIL, false,
		.dkim = PASSES("m.x.test")},
	    {REJECT_AT("m.e.test") "_dmarc.e.test TIMEOUT", AUTH_FAIL, false,
		PASSES("x.example"), .from = "a@m.e.test"},
	    {REJECT_AT("m.e.test") REJECT_AT("x.test") "_dmarc.e.test TIMEOUT",
		AUTH_FAIL, false, PASSES("x.test"), .from = "a@m.e.test"},
	    {REJECT_AT("m.e.test") "_dmarc.e.test TIMEOUT\n"
				   "_dmarc.x.example TIMEOUT",
		AUTH_FAIL, false, PASSES("x.example"), .from = "a@m.e.test"},
	    {REJECT_AT("m.e.test") "_dmarc.e.test TIMEOUT\n"
				   "_dmarc.x.e.test TIMEOUT",
		AUTH_TEMPERROR, true, PASSES("x.e.test"), .from = "a@m.e.test"},
	    /* One below whose own record is open may yet be ours. */
	    {REJECT_AT("e.test") "_dmarc.x.e.test TIMEOUT", AUTH_TEMPERROR,
		true, PASSES("x.e.test")},
	    {REJECT_AT("e.test") "_dmarc.x.test TIMEOUT", AUTH_PASS, true,
		PASSES("x.test"), PASSES("e.test")},
	    /* SPF or DKIM had the error. */
	    {REJECT_AT("e.test"), AUTH_TEMPERROR, false,
		{AUTH_TEMPERROR, "e.test"}},
	    {REJECT_AT("e.test"), AUTH_TEMPERROR, false, {AUTH_FAIL, "e.test"},
		{AUTH_TEMPERROR, "m.e.test"}},
	    {REJECT_AT("e.test"), AUTH_FAIL, false, {AUTH_TEMPERROR, "x.test"},
		{AUTH_TEMPERROR, "y.test"}},
	    {REJECT_AT("e.test"), AUTH_PASS, true, {AUTH_TEMPERROR, "e.test"},
		PASSES("e.test")},
	    {"", AUTH_NONE, false, {AUTH_TEMPERROR, "e.test"}},
	};

	(void)state;
	CHECK_ROWS(rows);
}

#define STRICT_AT(name, tags)                                                  \
	"_dmarc." name " TXT v=DMARC1; p=reject; " tags "\n"

static void strict_alignment_wants_the_same_domain(void **state)
{
	static const struct row rows[] = {
	    {STRICT_AT("e.test", "aspf=s"), AUTH_PASS, true, PASSES("e.test")},
	    {STRICT_AT("e.test", "aspf=s"), AUTH_PASS, true, PASSES("E.test")},
	    {STRICT_AT("e.test", "aspf=s"), AUTH_FAIL, true,
		PASSES("m.e.test")},
	    {STRICT_AT("e.test", "aspf=s"), AUTH_PASS, true, PASSES("x.test"),
		PASSES("m.e.test")},
	    {STRICT_AT("e.test", "adkim=s"), AUTH_FAIL, true,
		.dkim = PASSES("m.e.test")},
	    {STRICT_AT("e.test", "adkim=s"), AUTH_PASS, true,
		PASSES("m.e.test")},
	    {STRICT_AT("e.test", "adkim=s"), AUTH_PASS, true,
		.dkim = PASSES("e.test")},
	    {STRICT_AT("e.test", "adkim=s; aspf=s"), AUTH_FAIL, true,
		PASSES("m.e.test"), PASSES("n.e.test")},
	    {STRICT_AT("e.test", "adkim=S;ASPF = S"), AUTH_FAIL, true,
		PASSES("m.e.test"), PASSES("n.e.test")},
	    {STRICT_AT("e.test", "adkim=r; aspf=r"), AUTH_PASS, true,
		PASSES("m.e.test")},
	    {STRICT_AT("e.test", "aspf=strict"), AUTH_PASS, true,
		PASSES("m.e.test")},
	    {STRICT_AT("e.test", "aspf="), AUTH_PASS, true, PASSES("m.e.test")},
	    /* Of the record that applies, also to a domain below it. */
	    {STRICT_AT("e.test", "aspf=s"), AUTH_FAIL, true, PASSES("e.test"),
		.from = "a@m.e.test"},
	    {STRICT_AT("e.test", "aspf=s"), AUTH_PASS, true, PASSES("m.e.test"),
		.from = "a@m.e.test"},
	    {STRICT_AT("e.test", "aspf=s") NONE_AT("m.e.test"), AUTH_PASS, true,
		PASSES("e.test"), .from = "a@m.e.test"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

#define LONG "a.b.c.d.e.f.g.h.i.j.mail.e.test"

/* RFC 9989 section 4.10. */
static void organisations_are_found_by_the_walk(void **state)
{
	static const struct row rows[] = {
	    {REJECT_AT("e.test"), AUTH_PASS, true, PASSES("e.test"),
		.from = "a@a.m.e.test", .policy_domain = "e.test"},
	    {REJECT_AT("e.test"), AUTH_PASS, true, PASSES("x.y.e.test"),
		.from = "a@a.m.e.test"},
	    {REJECT_AT("m.e.test") REJECT_AT("e.test"), AUTH_PASS, true,
		PASSES("e.test"), .from = "a@a.m.e.test",
		.policy_domain = "e.test"},
	    {REJECT_AT("m.e.test") REJECT_AT("e.test"), AUTH_PASS, true,
		PASSES("e.test"), .from = "a@m.e.test",
		.policy_domain = "m.e.test"},
	    /* The only record is the organisation, also below what is
	     * registered. */
	    {REJECT_AT("m.e.test"), AUTH_FAIL, false, PASSES("e.test"),
		.from = "a@m.e.test"},
	    {REJECT_AT("m.e.test"), AUTH_PASS, true, PASSES("x.m.e.test"),
		.from = "a@y.m.e.test"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* Tag psd. */
static void a_record_says_what_is_public(void **state)
{
	static const struct row rows[] = {
	    /* psd=n. */
	    {"_dmarc.m.e.test TXT v=DMARC1; p=none; psd=n\n" REJECT_AT(
		 "e.test"),
		AUTH_FAIL, false, PASSES("e.test"), .from = "a@a.m.e.test",
		.policy_domain = "m.e.test"},
	    {"_dmarc.m.e.test TXT v=DMARC1; p=none; psd=n\n" REJECT_AT(
		 "e.test"),
		AUTH_PASS, true, PASSES("b.m.e.test"), .from = "a@a.m.e.test"},
	    {"_dmarc.m.e.test TXT v=DMARC1; p=none; psd=n\n" REJECT_AT(
		 "e.test"),
		AUTH_FAIL, false, PASSES("m.e.test"), .from = "a@e.test"},
	    /* psd=y: the organisation is one label below it. */
	    {"_dmarc.test TXT v=DMARC1; p=reject; psd=y", AUTH_FAIL, false,
		PASSES("f.test"), .policy_domain = "test"},
	    {"_dmarc.test TXT v=DMARC1; p=reject; psd=y", AUTH_PASS, true,
		PASSES("m.e.test"), .policy_domain = "test"},
	    {"_dmarc.e.test TXT v=DMARC1; p=reject; psd=y", AUTH_FAIL, false,
		PASSES("n.e.test"), .from = "a@x.m.e.test",
		.policy_domain = "e.test"},
	    {"_dmarc.e.test TXT v=DMARC1; p=reject; psd=y\n" NONE_AT(
		 "m.e.test"),
		AUTH_PASS, true, PASSES("m.e.test"), .from = "a@x.m.e.test",
		.policy_domain = "m.e.test"},
	    /* psd=y where the walk began is that domain's own. */
	    {"_dmarc.e.test TXT v=DMARC1; p=reject; psd=y", AUTH_PASS, true,
		PASSES("e.test"), .policy_domain = "e.test"},
	    {"_dmarc.e.test TXT v=DMARC1; p=reject; psd=y", AUTH_FAIL, false,
		PASSES("m.e.test"), .policy_domain = "e.test"},
	    {"_dmarc.e.test TXT v=DMARC1; p=reject; psd=u", AUTH_PASS, true,
		PASSES("m.e.test")},
	    {"_dmarc.e.test TXT v=DMARC1; p=reject; psd=x", AUTH_PASS, true,
		PASSES("m.e.test")},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void registries_are_known_by_the_list(void **state)
{
	static const struct row rows[] = {
	    /* A registry without psd: the public suffix list knows it. */
	    {REJECT_AT("co.uk"), AUTH_FAIL, false, PASSES("f.co.uk"),
		.from = "a@e.co.uk", .policy_domain = "co.uk"},
	    {REJECT_AT("co.uk"), AUTH_PASS, true, PASSES("m.e.co.uk"),
		.from = "a@e.co.uk"},
	    /* A top-level domain that the list does not know is one name. */
	    {REJECT_AT("test"), AUTH_PASS, true, PASSES("f.test"),
		.policy_domain = "test"},
	    /* One with suffixes below it. */
	    {REJECT_AT("uk"), AUTH_FAIL, false, PASSES("f.co.uk"),
		.from = "a@e.co.uk", .policy_domain = "uk"},
	    {REJECT_AT("uk") NONE_AT("co.uk"), AUTH_FAIL, false,
		PASSES("f.co.uk"), .from = "a@e.co.uk",
		.policy_domain = "co.uk"},
	    {REJECT_AT("uk") NONE_AT("co.uk"), AUTH_PASS, true,
		PASSES("m.e.co.uk"), .from = "a@e.co.uk"},
	    {NONE_AT("uk") REJECT_AT("e.co.uk"), AUTH_FAIL, false,
		PASSES("co.uk"), .from = "a@m.e.co.uk",
		.policy_domain = "e.co.uk"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void the_walk_has_eight_queries(void **state)
{
	static const struct row rows[] = {
	    /* From 8 labels on it jumps to 7. */
	    {REJECT_AT("g.h.i.j.mail.e.test"), AUTH_FAIL, false,
		.from = "a@" LONG, .policy_domain = "g.h.i.j.mail.e.test"},
	    {REJECT_AT("f.g.h.i.j.mail.e.test"), AUTH_NONE, false,
		.from = "a@" LONG},
	    {REJECT_AT(LONG), AUTH_FAIL, false, .from = "a@" LONG,
		.policy_domain = LONG},
	    {REJECT_AT("b.c.d.e.f.g.e.test"), AUTH_NONE, false,
		.from = "a@a.b.c.d.e.f.g.e.test"},
	    {REJECT_AT("c.d.e.f.g.e.test"), AUTH_FAIL, false,
		.from = "a@b.c.d.e.f.g.e.test"},
	    {REJECT_AT("test"), AUTH_FAIL, false, .from = "a@test"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

#define AT "_dmarc.e.test TXT "

/* Sections 4.7 and 4.8. */
static void what_is_no_record_is_not_seen(void **state)
{
	static const struct row rows[] = {
	    {AT "v=DMARC1", AUTH_FAIL, false},
	    {AT "v=DMARC1;", AUTH_FAIL, false},
	    {AT "v=DMARC1;p=none", AUTH_FAIL, false},
	    {AT "v = DMARC1 ; p = none ;", AUTH_FAIL, false},
	    {AT "v\t=\tDMARC1\t;\tp\t=\tnone", AUTH_FAIL, false},
	    {AT "V=DMARC1;p=none", AUTH_FAIL, false},
	    {AT "v=dmarc1; p=reject", AUTH_NONE, false},
	    {AT "v=DMARC1 p=reject", AUTH_NONE, false},
	    {AT "v=DMARC1, p=reject", AUTH_NONE, false},
	    {AT "v=DMARC2; p=reject", AUTH_NONE, false},
	    {AT "v=DMARC1x; p=reject", AUTH_NONE, false},
	    {AT "v=DMARC10; p=reject", AUTH_NONE, false},
	    {AT "v=DMARC; p=reject", AUTH_NONE, false},
	    {AT "v=\"DMARC1\"; p=reject", AUTH_NONE, false},
	    {AT "p=reject; v=DMARC1", AUTH_NONE, false},
	    {AT "; v=DMARC1; p=reject", AUTH_NONE, false},
	    {AT "xv=DMARC1; p=reject", AUTH_NONE, false},
	    {AT " v=DMARC1; p=reject", AUTH_NONE, false},
	    {AT "v DMARC1; p=reject", AUTH_NONE, false},
	    {AT "v=spf1 -all", AUTH_NONE, false},
	    {AT "", AUTH_NONE, false},
	    /* Other texts there do not matter, a second record does. */
	    {AT "hello\n" AT "v=DMARC1; p=reject", AUTH_FAIL, false},
	    {AT "v=dmarc1;\n" AT "v=DMARC1; p=reject", AUTH_FAIL, false},
	    {AT "v=DMARC1; p=reject\n" AT "v=DMARC1; p=reject", AUTH_NONE,
		false},
	    {AT "v=DMARC1; p=reject\n" AT "v=DMARC1; p=none", AUTH_NONE, true,
		PASSES("e.test")},
	    {AT "v=DMARC1; p=reject\n" AT
		"v=DMARC1; p=none\n" REJECT_AT("test"),
		AUTH_FAIL, false, .policy_domain = "test"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void what_is_malformed_has_its_default(void **state)
{
	static const struct row rows[] = {
	    {AT "v=DMARC1; p=ReJect", AUTH_FAIL, false,
		.policy = POLICY(DMARC_REJECT)},
	    {AT "v=DMARC1; P=quarantine", AUTH_FAIL, false,
		.policy = POLICY(DMARC_QUARANTINE)},
	    {AT "v=DMARC1; adkim=s; p=reject", AUTH_FAIL, false,
		.policy = POLICY(DMARC_REJECT)},
	    {AT "v=DMARC1; p=reject;; ;", AUTH_FAIL, false,
		.policy = POLICY(DMARC_REJECT)},
	    {AT "v=DMARC1; x=y; zz; =; 1=2; p=reject", AUTH_FAIL, false,
		.policy = POLICY(DMARC_REJECT)},
	    {AT "v=DMARC1; p=reject; aspf=x; adkim=; psd=7; t=t; pct=-1",
		AUTH_PASS, true, PASSES("m.e.test"),
		.disposition = POLICY(DMARC_REJECT)},
	    {AT "v=DMARC1; p=reject; aspf=s; aspf=s", AUTH_PASS, true,
		PASSES("m.e.test")},
	    /* No policy is none; one that is not valid is no verdict... */
	    {AT "v=DMARC1; rua=mailto:a@b.test", AUTH_FAIL, false,
		.policy = POLICY(DMARC_NONE)},
	    {AT "v=DMARC1; p=", AUTH_PERMERROR, false},
	    {AT "v=DMARC1; p=rejct", AUTH_PERMERROR, false},
	    {AT "v=DMARC1; p=none none", AUTH_PERMERROR, false},
	    {AT "v=DMARC1; p=reject; p=none", AUTH_PERMERROR, false},
	    {AT "v=DMARC1; p=reject; sp=nil", AUTH_PERMERROR, false},
	    {AT "v=DMARC1; p=reject; np=nil", AUTH_PERMERROR, false},
	    {AT "v=DMARC1; p=rejct", AUTH_PERMERROR, true, PASSES("e.test")},
	    {AT "v=DMARC1; p=rejct; rua=", AUTH_PERMERROR, false},
	    {AT "v=DMARC1; p=rejct; rua=a@b.test", AUTH_PERMERROR, false},
	    {AT "v=DMARC1; p=rejct; rua=mailto:", AUTH_PERMERROR, false},
	    {AT "v=DMARC1; p=rejct; rua=mailto:x", AUTH_PERMERROR, false},
	    {AT "v=DMARC1; p=rejct; ruf=mailto:a@b.test", AUTH_PERMERROR,
		false},
	    /* ... unless somebody wants to hear of it. */
	    {AT "v=DMARC1; p=rejct; rua=mailto:a@b.test", AUTH_FAIL, false,
		.policy = POLICY(DMARC_NONE)},
	    {AT "v=DMARC1; p=reject; sp=nil; rua=x, https://b.test/r!10m",
		AUTH_FAIL, false, .policy = POLICY(DMARC_NONE)},
	    {AT "v=DMARC1; p=rejct; rua=mailto:a@b.test", AUTH_PASS, true,
		PASSES("e.test")},
	};

	(void)state;
	CHECK_ROWS(rows);
}

#define ORG(tags) "_dmarc.e.test TXT v=DMARC1; " tags "\n"
#define BELOW .from = "a@m.e.test"

/* Sections 4.10.1 and 4.7, t; RFC 7489 section 6.6.4, pct. */
static void the_policy_is_that_of_the_domain_or_for_those_below(void **state)
{
	static const struct row rows[] = {
	    {ORG("p=reject; sp=none"), AUTH_FAIL, false,
		.policy = POLICY(DMARC_REJECT)},
	    {ORG("p=reject; sp=none"), AUTH_FAIL, false, BELOW,
		.policy = POLICY(DMARC_NONE)},
	    {ORG("p=none; sp=quarantine"), AUTH_FAIL, false, BELOW,
		.policy = POLICY(DMARC_QUARANTINE)},
	    {ORG("p=reject"), AUTH_FAIL, false, BELOW,
		.policy = POLICY(DMARC_REJECT)},
	    {ORG("p=none; np=reject"), AUTH_FAIL, false, BELOW,
		.policy = POLICY(DMARC_REJECT)},
	    {ORG("p=none; np=reject") "m.e.test A 192.0.2.1", AUTH_FAIL, false,
		BELOW, .policy = POLICY(DMARC_NONE)},
	    {ORG("p=none; np=reject") "m.e.test TXT x", AUTH_FAIL, false, BELOW,
		.policy = POLICY(DMARC_NONE)},
	    {ORG("p=none; np=reject") "x.m.e.test TXT x", AUTH_FAIL, false,
		BELOW, .policy = POLICY(DMARC_NONE)},
	    {ORG("p=reject; sp=none; np=quarantine"), AUTH_FAIL, false, BELOW,
		.policy = POLICY(DMARC_QUARANTINE)},
	    {ORG("p=none; sp=reject"), AUTH_FAIL, false, BELOW,
		.policy = POLICY(DMARC_REJECT)},
	    {ORG("p=none; np=reject"), AUTH_FAIL, false,
		.policy = POLICY(DMARC_NONE)},
	    {ORG("p=reject; t=y"), AUTH_FAIL, false,
		.policy = POLICY(DMARC_REJECT),
		.disposition = POLICY(DMARC_QUARANTINE)},
	    {ORG("p=quarantine; t=y"), AUTH_FAIL, false,
		.disposition = POLICY(DMARC_NONE)},
	    {ORG("p=none; t=y"), AUTH_FAIL, false,
		.disposition = POLICY(DMARC_NONE)},
	    {ORG("p=reject; t=n"), AUTH_FAIL, false,
		.disposition = POLICY(DMARC_REJECT)},
	    {ORG("p=reject; pct=50"), AUTH_FAIL, false, .sample = 49,
		.disposition = POLICY(DMARC_REJECT)},
	    {ORG("p=reject; pct=50"), AUTH_FAIL, false, .sample = 50,
		.disposition = POLICY(DMARC_QUARANTINE)},
	    {ORG("p=reject; pct=050"), AUTH_FAIL, false, .sample = 50,
		.disposition = POLICY(DMARC_QUARANTINE)},
	    {ORG("p=reject; pct=0"), AUTH_FAIL, false,
		.disposition = POLICY(DMARC_QUARANTINE)},
	    {ORG("p=quarantine; pct=0"), AUTH_FAIL, false,
		.disposition = POLICY(DMARC_NONE)},
	    {ORG("p=reject; pct=100"), AUTH_FAIL, false, .sample = 99,
		.disposition = POLICY(DMARC_REJECT)},
	    {ORG("p=reject; pct=101"), AUTH_FAIL, false, .sample = 99,
		.disposition = POLICY(DMARC_REJECT)},
	    {ORG("p=reject; pct=x"), AUTH_FAIL, false, .sample = 99,
		.disposition = POLICY(DMARC_REJECT)},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* RFC 7489 section 6.6.3: a policy that is none is taken for p=none if there
 * is one valid address for reports, RFC 3986 and RFC 6068. */
static void reports_need_a_valid_address(void **state)
{
	static const struct {
		const char *rua;
		bool valid;
	} rows[] = {
	    {"mailto:a@b", true},
	    {"MAILTO:a@b", true},
	    {"mailto:a@b!10m", true},
	    {"https://b.test/r", true},
	    {"x-Y+z.1:~", true},
	    {"no, mailto:a@b", true},
	    {"mailto:a@b,no", true},
	    {"mailto:a@b; rua=mailto:a@b", false},
	    {"mailto", false},
	    {"mailto:", false},
	    {"mailto:a", false},
	    {"mailto:@b", false},
	    {"mailto:a@", false},
	    {"mailto:a@!1", false},
	    {"https:", false},
	    {":a", false},
	    {"1x:a", false},
	    {"x_y:a", false},
	    {"x y:a", false},
	    {"x:a b", false},
	    {"x:a\x7F", false},
	    {"x:a<", false},
	    {"x:\xE9", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[200];
		struct dmarc_record record;

		(void)snprintf(text, sizeof(text), "v=DMARC1; p=none_; rua=%s",
		    rows[i].rua);
		dmarc_record_parse(slice_of(text), &record);
		if (record.unusable == rows[i].valid)
			fail_msg("%s", text);
	}
}

/* No or several different From domains never pass. */
static void from_without_exactly_one_domain_never_passes(void **state)
{
	static const struct row rows[] = {
	    {REJECT_AT("e.test"), AUTH_NONE, false, PASSES("e.test"),
		.from = ""},
	    {REJECT_AT("e.test"), AUTH_NONE, false, PASSES("e.test"),
		.from = "a@[192.0.2.1]"},
	    {REJECT_AT("e.test"), AUTH_FAIL, false, PASSES("e.test"),
		.from = "a@e.test, b@f.test"},
	    {REJECT_AT("e.test"), AUTH_FAIL, false, PASSES("f.test"),
		.from = "a@e.test, b@f.test"},
	    {REJECT_AT("e.test") REJECT_AT("f.test"), AUTH_FAIL, false,
		PASSES("f.test"), PASSES("e.test"),
		.from = "a@e.test, b@f.test"},
	    {REJECT_AT("e.test"), AUTH_FAIL, false, PASSES("f.test"),
		.from = "a@f.test\r\nFrom: b@e.test"},
	    {REJECT_AT("e.test"), AUTH_FAIL, false, PASSES("f.test"),
		.from = "ceo@e.test <a@f.test>"},
	    {REJECT_AT("e.test"), AUTH_FAIL, false, PASSES("m.e.test"),
		.from = "a@e.test, b@m.e.test"},
	    {REJECT_AT("e.test"), AUTH_FAIL, false, PASSES("e.test"),
		.from = "<a@e.test"},
	    {"", AUTH_NONE, false, PASSES("f.test"),
		.from = "a@e.test, b@f.test"},
	    {"_dmarc.e.test TIMEOUT", AUTH_TEMPERROR, false, PASSES("f.test"),
		.from = "a@e.test, b@f.test"},
	    {NONE_AT("f.test") REJECT_AT("e.test"), AUTH_FAIL, false,
		.from = "a@f.test, b@e.test", .policy_domain = "e.test",
		.disposition = POLICY(DMARC_REJECT)},
	    {NONE_AT("f.test") REJECT_AT("e.test"), AUTH_FAIL, false,
		.from = "a@e.test, b@f.test", .policy_domain = "e.test",
		.disposition = POLICY(DMARC_REJECT)},
	    {REJECT_AT("f.test") REJECT_AT("e.test"), AUTH_FAIL, false,
		.from = "a@f.test, b@e.test", .policy_domain = "f.test",
		.reason = "several domains"},
	    {NONE_AT("f.test") "_dmarc.e.test TIMEOUT", AUTH_FAIL, false,
		.from = "a@e.test, b@f.test", .policy_domain = "f.test"},
	    {NONE_AT("f.test") "_dmarc.e.test TIMEOUT", AUTH_FAIL, false,
		.from = "a@f.test, b@e.test", .policy_domain = "f.test"},
	    /* What counts is what is asked for this message. */
	    {"_dmarc.f.test TXT v=DMARC1; p=reject; pct=0\n" REJECT_AT(
		 "e.test"),
		AUTH_FAIL, false, .from = "a@f.test, b@e.test",
		.policy_domain = "e.test", .disposition = POLICY(DMARC_REJECT)},
	    {REJECT_AT("e.test") "_dmarc.f.test TXT v=DMARC1; p=reject; t=y",
		AUTH_FAIL, false, .from = "a@e.test, b@f.test",
		.policy_domain = "e.test", .disposition = POLICY(DMARC_REJECT)},
	    /* A fault hides nothing that stands behind it. */
	    {REJECT_AT("e.test"), AUTH_FAIL, false, PASSES("f.test"),
		.from = "\"CEO <ceo@e.test>", .policy_domain = "e.test"},
	    {REJECT_AT("e.test"), AUTH_FAIL, false, PASSES("f.test"),
		.from = "a@[192.0.2.1], ceo@e.test"},
	    {REJECT_AT("e.test"), AUTH_FAIL, false, PASSES("f.test"),
		.from = "\\\r\nFrom: ceo@e.test"},
	    {REJECT_AT("e.test"), AUTH_FAIL, false, PASSES("f.test"),
		.from = "a@1.t, a@2.t, a@3.t, a@4.t, a@5.t, a@6.t, a@7.t, "
			"a@8.t, a@9.t, ceo@e.test",
		.policy_domain = "e.test"},
	    {"", AUTH_FAIL, false, PASSES("f.test"),
		.from = "a@1.t, a@2.t, a@3.t, a@4.t, a@5.t, a@6.t, a@7.t, "
			"a@8.t, a@9.t, a@10.t, ceo@e.test",
		.reason = "too many", .disposition = POLICY(DMARC_REJECT)},
	    /* Brackets in a name are none. */
	    {REJECT_AT("e.test"), AUTH_PASS, true, PASSES("e.test"),
		.from = "[x] <a@e.test>"},
	    /* The same domain twice is one. */
	    {REJECT_AT("e.test"), AUTH_PASS, true, PASSES("e.test"),
		.from = "a@e.test, b@E.test"},
	    {REJECT_AT("e.test"), AUTH_PASS, true, PASSES("e.test"),
		.from = "a@e.test\r\nFrom: b@e.test"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* Walks share what they asked; no domain costs more than eight queries. */
static void walks_ask_a_bounded_number_of_questions(void **state)
{
	struct arena *arena = arena_new();
	struct zone *zone = zone_new();
	struct lookup lookup = zone_lookup(zone);
	struct author author;
	const struct dmarc_identity dkim[] = {
	    PASSES("z." LONG), PASSES("y." LONG)};
	struct dmarc_query query = {.author = &author,
	    .spf = PASSES("x." LONG),
	    .dkim = dkim,
	    .dkim_count = 2};
	struct dmarc_outcome outcome;

	(void)state;
	author_read(slice_of("From: a@w." LONG "\r\n"), arena, &author);
	dmarc_check(&query, &lookup, arena, &outcome);
	assert_int_equal(outcome.result, AUTH_NONE);
	assert_true(outcome.aligned);
	/* From's eight, and one more for SPF's. */
	assert_int_equal(zone_questions(zone), 9);
	zone_free(&zone);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		the_verdict_is_whether_something_passed_for_the_domain),
	    cmocka_unit_test(dns_errors_leave_it_open),
	    cmocka_unit_test(strict_alignment_wants_the_same_domain),
	    cmocka_unit_test(organisations_are_found_by_the_walk),
	    cmocka_unit_test(a_record_says_what_is_public),
	    cmocka_unit_test(registries_are_known_by_the_list),
	    cmocka_unit_test(the_walk_has_eight_queries),
	    cmocka_unit_test(what_is_no_record_is_not_seen),
	    cmocka_unit_test(what_is_malformed_has_its_default),
	    cmocka_unit_test(
		the_policy_is_that_of_the_domain_or_for_those_below),
	    cmocka_unit_test(reports_need_a_valid_address),
	    cmocka_unit_test(from_without_exactly_one_domain_never_passes),
	    cmocka_unit_test(walks_ask_a_bounded_number_of_questions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
