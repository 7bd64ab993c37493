#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bounds.h"
#include "mail/spf.h"
#include "spf_rows.h"
#include "zone.h"

#include <stdio.h>
#include <string.h>

#define TWO_A "\ne.test A 192.0.2.1\nx.test A 192.0.3.7"
#define TWO_AAAA "\ne.test AAAA 2001:db8::1\nx.test AAAA 2001:db8:1::7"
#define REVERSE "\n1.2.0.192.in-addr.arpa PTR "
#define TEN(what) what what what what what what what what what what
#define FOUND "\nx.test A 192.0.2.77\nx.test MX x.test"

/* `first` + 1 names that are not the client's, and then one that is. */
static void fill_names(
    char *zone, size_t size, const char *first, const char *name, int count)
{
	size_t len = (size_t)snprintf(zone, size, "%s", first);

	for (int i = 0; i < count; i++)
		len += (size_t)snprintf(zone + len, size - len,
		    "\n%s m%d.e.test\nm%d.e.test A 192.0.2.%d", name, i, i,
		    i == count - 1 ? 1 : 100 + i);
}

/* Sections 5.3 and 5.6. */
static void a_compares_addresses(void **state)
{
	static const struct row rows[] = {
	    {"e.test TXT v=spf1 a -all" TWO_A, AUTH_PASS},
	    {"e.test TXT v=spf1 A -all" TWO_A, AUTH_PASS},
	    {"e.test TXT v=spf1 a -all" TWO_A, AUTH_FAIL, .ip = "192.0.2.2"},
	    {"e.test TXT v=spf1 a/24 -all" TWO_A, AUTH_PASS,
		.ip = "192.0.2.255"},
	    {"e.test TXT v=spf1 a/24 -all" TWO_A, AUTH_FAIL, .ip = "192.0.3.0"},
	    {"e.test TXT v=spf1 a/31 -all" TWO_A, AUTH_PASS, .ip = "192.0.2.0"},
	    {"e.test TXT v=spf1 a/31 -all" TWO_A, AUTH_FAIL, .ip = "192.0.2.2"},
	    {"e.test TXT v=spf1 ip4:192.0.2.16/28 -all", AUTH_FAIL,
		.ip = "192.0.2.15"},
	    {"e.test TXT v=spf1 ip4:192.0.2.16/28 -all", AUTH_PASS,
		.ip = "192.0.2.16"},
	    {"e.test TXT v=spf1 ip4:192.0.2.16/28 -all", AUTH_PASS,
		.ip = "192.0.2.31"},
	    {"e.test TXT v=spf1 ip4:192.0.2.16/28 -all", AUTH_FAIL,
		.ip = "192.0.2.32"},
	    {"e.test TXT v=spf1 ip6:2001:db8:8000::/33 -all", AUTH_PASS,
		.ip = "2001:db8:ffff::1"},
	    {"e.test TXT v=spf1 ip6:2001:db8:8000::/33 -all", AUTH_FAIL,
		.ip = "2001:db8:7fff::1"},
	    {"e.test TXT v=spf1 a/0 -all" TWO_A, AUTH_PASS, .ip = "8.8.8.8"},
	    {"e.test TXT v=spf1 a/32 -all" TWO_A, AUTH_PASS},
	    {"e.test TXT v=spf1 a/33 -all" TWO_A, AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a/024 -all" TWO_A, AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a/ -all" TWO_A, AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a/-1 -all" TWO_A, AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a// -all" TWO_A, AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a/24/64 -all" TWO_A, AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a//129 -all" TWO_A, AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a//64/24 -all" TWO_A, AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a/99999999999 -all" TWO_A, AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a//0 -all" TWO_A, AUTH_FAIL, .ip = "8.8.8.8"},
	    {"e.test TXT v=spf1 a:x.test/24 -all" TWO_A, AUTH_PASS,
		.ip = "192.0.3.9"},
	    {"e.test TXT v=spf1 a:x.test./24//64 -all" TWO_A, AUTH_PASS,
		.ip = "192.0.3.9"},
	    {"e.test TXT v=spf1 a:X.TEST -all" TWO_A, AUTH_PASS,
		.ip = "192.0.3.7"},
	    {"e.test TXT v=spf1 a:/24 -all" TWO_A, AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a -all" TWO_A TWO_AAAA, AUTH_PASS,
		.ip = "2001:db8::1"},
	    {"e.test TXT v=spf1 a -all" TWO_A, AUTH_FAIL, .ip = "2001:db8::1"},
	    {"e.test TXT v=spf1 a/0 -all" TWO_A TWO_AAAA, AUTH_FAIL,
		.ip = "2001:db8::2"},
	    {"e.test TXT v=spf1 a/32//64 -all" TWO_AAAA, AUTH_PASS,
		.ip = "2001:db8::ffff:0:0:2"},
	    {"e.test TXT v=spf1 a//128 -all" TWO_AAAA, AUTH_FAIL,
		.ip = "2001:db8::2"},
	    {"e.test TXT v=spf1 a//0 -all" TWO_AAAA, AUTH_PASS, .ip = "::2"},
	    {"e.test TXT v=spf1 a//47 -all" TWO_AAAA, AUTH_PASS,
		.ip = "2001:db8:1::1"},
	    /* IPv4 in an IPv6 address is IPv4. */
	    {"e.test TXT v=spf1 a -all" TWO_A, AUTH_PASS,
		.ip = "::ffff:192.0.2.1"},
	    {"e.test TXT v=spf1 a:x.test -all\nx.test TIMEOUT", AUTH_TEMPERROR},
	    {"e.test TXT v=spf1 a:x.test -all\nx.test A 192.0.3.1\n"
	     "x.test A 192.0.2.1",
		AUTH_PASS},
	    {"e.test TXT v=spf1 +all a:x.test\nx.test TIMEOUT", AUTH_PASS},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* Section 5.4. */
static void mx_compares_the_addresses_of_hosts(void **state)
{
	static const struct row rows[] = {
	    {"e.test TXT v=spf1 mx -all\ne.test MX m.test\n"
	     "m.test A 192.0.2.1",
		AUTH_PASS},
	    {"e.test TXT v=spf1 mx -all\ne.test MX m.test\n"
	     "m.test A 192.0.2.2",
		AUTH_FAIL},
	    {"e.test TXT v=spf1 mx -all\ne.test MX n.test\ne.test MX m.test\n"
	     "m.test A 192.0.2.1",
		AUTH_PASS},
	    /* No implicit MX. */
	    {"e.test TXT v=spf1 mx -all\ne.test A 192.0.2.1", AUTH_FAIL},
	    {"e.test TXT v=spf1 mx:x.test/24 -all\nx.test MX m.test\n"
	     "m.test A 192.0.2.200",
		AUTH_PASS},
	    {"e.test TXT v=spf1 mx/24//64 -all\ne.test MX m.test\n"
	     "m.test AAAA 2001:db8::5",
		AUTH_PASS, .ip = "2001:db8::9"},
	    {"e.test TXT v=spf1 mx//33 -all\ne.test MX m.test\n"
	     "m.test A 192.0.2.1",
		AUTH_PASS},
	    {"e.test TXT v=spf1 mx -all\ne.test MX .", AUTH_FAIL},
	    {"e.test TXT v=spf1 mx -all\ne.test MX m..test", AUTH_FAIL},
	    {"e.test TXT v=spf1 mx -all\ne.test MX TIMEOUT", AUTH_TEMPERROR},
	    {"e.test TXT v=spf1 mx -all\ne.test MX m.test\nm.test TIMEOUT",
		AUTH_TEMPERROR},
	    {"e.test TXT v=spf1 mx -all\ne.test MX m.test\n"
	     "e.test MX n.test\nm.test A 192.0.2.1\nn.test TIMEOUT",
		AUTH_PASS},
	    {"e.test TXT v=spf1 mx/33 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 mx//64/24 -all", AUTH_PERMERROR},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* Section 5.7. */
static void exists_asks_for_an_a_record(void **state)
{
	static const struct row rows[] = {
	    {"e.test TXT v=spf1 exists:x.test -all\nx.test A 127.0.0.2",
		AUTH_PASS},
	    {"e.test TXT v=spf1 exists:x.test -all\nx.test A 127.0.0.2",
		AUTH_PASS, .ip = "2001:db8::1"},
	    {"e.test TXT v=spf1 exists:x.test -all\nx.test AAAA ::2", AUTH_FAIL,
		.ip = "2001:db8::1"},
	    {"e.test TXT v=spf1 exists:x.test -all", AUTH_FAIL},
	    {"e.test TXT v=spf1 exists:x.test -all\nx.test A TIMEOUT",
		AUTH_TEMPERROR},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* Names that cannot be asked for match nothing, and are not asked for: they
 * are no void lookups. */
static void names_that_are_none_are_not_asked_for(void **state)
{
	static const struct row rows[] = {
	    {"e.test TXT v=spf1 a:%{l}.t mx:%{l}.t exists:%{l}.t -all",
		AUTH_FAIL, .sender = "x..y@e.test"},
	    {"e.test TXT v=spf1 a:%{l}.t mx:%{l}.t exists:%{l}.t -all",
		AUTH_PERMERROR, .sender = "x.y@e.test"},
	    /* Section 4.3. */
	    {"e TXT v=spf1 -all", AUTH_NONE, .sender = "x@e"},
	    {LABEL_64 ".test TXT v=spf1 -all", AUTH_NONE,
		.sender = "x@" LABEL_64 ".test"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* Section 5.5. */
static void ptr_needs_a_name_that_leads_back(void **state)
{
	static const struct row rows[] = {
	    {"e.test TXT v=spf1 ptr -all" REVERSE "m.e.test\n"
	     "m.e.test A 192.0.2.1",
		AUTH_PASS},
	    {"e.test TXT v=spf1 ptr -all" REVERSE "E.TEST\n"
	     "e.test A 192.0.2.1",
		AUTH_PASS},
	    {"e.test TXT v=spf1 ptr -all" REVERSE "m.e.test\n"
	     "m.e.test A 192.0.2.2",
		AUTH_FAIL},
	    {"e.test TXT v=spf1 ptr -all" REVERSE "fake.test\n"
	     "fake.test A 192.0.2.1",
		AUTH_FAIL},
	    {"e.test TXT v=spf1 ptr -all" REVERSE "notae.test\n"
	     "notae.test A 192.0.2.1",
		AUTH_FAIL},
	    {"e.test TXT v=spf1 ptr:x.test -all" REVERSE "a.b.X.test\n"
	     "a.b.x.test A 192.0.2.1",
		AUTH_PASS},
	    {"e.test TXT v=spf1 ptr -all" REVERSE "m.other" REVERSE
	     "m.e.test\nm.e.test A 192.0.2.1",
		AUTH_PASS},
	    /* Errors, and names without an address, are no match. */
	    {"e.test TXT v=spf1 ptr -all" REVERSE "TIMEOUT", AUTH_FAIL},
	    {"e.test TXT v=spf1 ptr -all" REVERSE "m.e.test", AUTH_FAIL},
	    {"e.test TXT v=spf1 ptr -all" REVERSE "m.e.test\n"
	     "m.e.test A TIMEOUT",
		AUTH_FAIL},
	    {"e.test TXT v=spf1 ptr -all" REVERSE "n.e.test" REVERSE
	     "m.e.test\nn.e.test A TIMEOUT\nm.e.test A 192.0.2.1",
		AUTH_PASS},
	    {"e.test TXT v=spf1 ptr -all", AUTH_FAIL},
	    {"e.test TXT v=spf1 ptr -all\n1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	     "0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR m.e.test\n"
	     "m.e.test AAAA 2001:db8::1",
		AUTH_PASS, .ip = "2001:db8::1"},
	    {"e.test TXT v=spf1 ptr -all" REVERSE "m.e.test\n"
	     "m.e.test A 192.0.2.1",
		AUTH_PASS, .ip = "::ffff:192.0.2.1"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* The table of section 5.2. */
static void include_turns_results_into_matches(void **state)
{
	static const struct row rows[] = {
	    {"e.test TXT v=spf1 include:x.test -all\nx.test TXT v=spf1 +all",
		AUTH_PASS},
	    {"e.test TXT v=spf1 ~include:x.test -all\nx.test TXT v=spf1 +all",
		AUTH_SOFTFAIL},
	    {"e.test TXT v=spf1 include:x.test ~all\nx.test TXT v=spf1 -all",
		AUTH_SOFTFAIL},
	    {"e.test TXT v=spf1 include:x.test +all\nx.test TXT v=spf1 ~all",
		AUTH_PASS},
	    {"e.test TXT v=spf1 include:x.test -all\nx.test TXT v=spf1 ?all",
		AUTH_FAIL},
	    {"e.test TXT v=spf1 include:x.test -all\nx.test TXT v=spf1",
		AUTH_FAIL},
	    {"e.test TXT v=spf1 include:x.test -all\nx.test TIMEOUT",
		AUTH_TEMPERROR},
	    {"e.test TXT v=spf1 include:x.test -all\n"
	     "x.test TXT v=spf1 a:y.test\ny.test TIMEOUT",
		AUTH_TEMPERROR},
	    {"e.test TXT v=spf1 include:x.test -all\nx.test TXT v=spf1 bad",
		AUTH_PERMERROR},
	    {"e.test TXT v=spf1 include:x.test -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 include:x.test -all\nx.test TXT hello",
		AUTH_PERMERROR},
	    {"e.test TXT v=spf1 include:x.test -all\nx.test TXT v=spf1\n"
	     "x.test TXT v=spf1 ",
		AUTH_PERMERROR},
	    /* The current domain is the included one's, and ours again. */
	    {"e.test TXT v=spf1 include:x.test a -all\n"
	     "x.test TXT v=spf1 -a:%{d} ?all\nx.test A 192.0.2.7\n"
	     "e.test A 192.0.2.1",
		AUTH_PASS},
	    {"e.test TXT v=spf1 include:%{d2} -all\n"
	     "x.e.test TXT v=spf1 include:%{d2} -all\n",
		AUTH_PERMERROR, .sender = "s@x.e.test"},
	    /* An included redirect is followed, an included exp is not. */
	    {"e.test TXT v=spf1 include:x.test -all\n"
	     "x.test TXT v=spf1 redirect=y.test\ny.test TXT v=spf1 +all",
		AUTH_PASS},
	    {"e.test TXT v=spf1 include:x.test -all\n"
	     "x.test TXT v=spf1 -all exp=y.test\ny.test TXT no",
		AUTH_FAIL},
	    /* Loops end at the limit. */
	    {"e.test TXT v=spf1 include:e.test -all", AUTH_PERMERROR},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* Section 6.1. */
static void redirect_replaces_the_record(void **state)
{
	static const struct row rows[] = {
	    {"e.test TXT v=spf1 redirect=x.test\nx.test TXT v=spf1 +all",
		AUTH_PASS},
	    {"e.test TXT v=spf1 redirect=x.test ip4:192.0.2.1\n"
	     "x.test TXT v=spf1 -all",
		AUTH_PASS},
	    {"e.test TXT v=spf1 redirect=x.test ip4:192.0.2.9\n"
	     "x.test TXT v=spf1 ~all",
		AUTH_SOFTFAIL},
	    {"e.test TXT v=spf1 redirect=x.test ?all\nx.test TXT v=spf1 -all",
		AUTH_NEUTRAL},
	    {"e.test TXT v=spf1 redirect=x.test", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 redirect=x.test\nx.test TXT hello",
		AUTH_PERMERROR},
	    {"e.test TXT v=spf1 redirect=x.test\nx.test TIMEOUT",
		AUTH_TEMPERROR},
	    {"e.test TXT v=spf1 redirect=x.test\nx.test TXT v=spf1 bad",
		AUTH_PERMERROR},
	    {"e.test TXT v=spf1 redirect=x.test/24\nx.test TXT v=spf1 +all",
		AUTH_PERMERROR},
	    {"e.test TXT v=spf1 redirect=x.test\nx.test TXT v=spf1 a -all\n"
	     "x.test A 192.0.2.1",
		AUTH_PASS},
	    {"e.test TXT v=spf1 redirect=%{l}.%{d}\n"
	     "s.e.test TXT v=spf1 +all",
		AUTH_PASS},
	    {"e.test TXT v=spf1 redirect=e.test", AUTH_PERMERROR},
	    /* Its explanation counts, ours does not. */
	    {"e.test TXT v=spf1 redirect=x.test exp=a.test\n"
	     "a.test TXT ours\nx.test TXT v=spf1 -all exp=b.test\n"
	     "b.test TXT theirs",
		AUTH_FAIL, "theirs"},
	    {"e.test TXT v=spf1 redirect=x.test exp=a.test\n"
	     "a.test TXT ours\nx.test TXT v=spf1 -all",
		AUTH_FAIL},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* Section 4.6.4. */
static void terms_that_ask_are_limited(void **state)
{
	static const struct row rows[] = {
	    {"e.test TXT v=spf1" TEN(" a:x.test") " -all" FOUND, AUTH_FAIL},
	    {"e.test TXT v=spf1" TEN(" a:x.test") " a:x.test -all" FOUND,
		AUTH_PERMERROR},
	    {"e.test TXT v=spf1" TEN(" a:x.test") " exists:x.test -all" FOUND,
		AUTH_PERMERROR},
	    {"e.test TXT v=spf1" TEN(" mx:x.test") " -all" FOUND, AUTH_FAIL},
	    {"e.test TXT v=spf1" TEN(" mx:x.test") " mx:x.test -all" FOUND,
		AUTH_PERMERROR},
	    {"e.test TXT v=spf1" TEN(
		 " ptr:x.test") " ptr -all" REVERSE
				"y.test\ny.test A 192.0.2.1",
		AUTH_PERMERROR},
	    {"e.test TXT v=spf1" TEN(" a:x.test") " redirect=y.test" FOUND
						  "\ny.test TXT v=spf1 +all",
		AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:x.test redirect=y.test" FOUND
	     "\ny.test TXT v=spf1 a:x.test a:x.test a:x.test a:x.test "
	     "a:x.test a:x.test a:x.test a:x.test +all",
		AUTH_PASS},
	    {"e.test TXT v=spf1 include:y.test -all" FOUND
	     "\ny.test TXT v=spf1" TEN(" a:x.test") " +all",
		AUTH_PERMERROR},
	    {"e.test TXT v=spf1 include:y.test a:x.test a:x.test -all" FOUND
	     "\ny.test TXT v=spf1 a:x.test a:x.test a:x.test a:x.test "
	     "a:x.test a:x.test a:x.test ?all",
		AUTH_FAIL},
	    /* What does not ask is free, and what is not reached. */
	    {"e.test TXT v=spf1" TEN(" ip4:1.2.3.4") TEN(" ip6:::1")
		    TEN(" a:x.test") " -all exp=y.test\ny.test TXT why" FOUND,
		AUTH_FAIL, "why"},
	    {"e.test TXT v=spf1 ip4:192.0.2.1" TEN(" a:x.test") TEN(" a:x.test")
		    FOUND,
		AUTH_PASS},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void answers_that_say_nothing_are_limited(void **state)
{
	static const struct row rows[] = {
	    {"e.test TXT v=spf1 a:1.t a:2.t -all", AUTH_FAIL},
	    {"e.test TXT v=spf1 a:1.t a:2.t a:3.t -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:1.t exists:2.t mx:3.t -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a a a -all\ne.test MX x.test", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:1.t ptr a:2.t -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:1.t include:x.test a:2.t -all\n"
	     "x.test TXT v=spf1 a:3.t",
		AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:1.t a:2.t a:3.t -all\n1.t AAAA ::2",
		AUTH_FAIL, .ip = "2001:db8::1"},
	    /* A record of another kind counts as nothing. */
	    {"e.test TXT v=spf1 a:1.t a:2.t a:3.t -all\n1.t A 1.2.3.4\n"
	     "2.t A 1.2.3.4\n3.t A 1.2.3.4",
		AUTH_PERMERROR, .ip = "2001:db8::1"},
	    /* Hosts of an mx are not terms. */
	    {"e.test TXT v=spf1 mx a:1.t a:2.t -all\ne.test MX x.test\n"
	     "e.test MX y.test\ne.test MX z.test",
		AUTH_FAIL},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void names_of_mx_and_ptr_are_limited(void **state)
{
	static const char mx[] = "e.test TXT v=spf1 mx -all";
	static const char ptr[] = "e.test TXT v=spf1 ptr -all";
	static const char reverse[] = "1.2.0.192.in-addr.arpa PTR";
	char zone[4000];
	struct row row = {zone, AUTH_PASS};

	(void)state;
	fill_names(zone, sizeof(zone), mx, "e.test MX", 10);
	check_rows(&row, 1);
	fill_names(zone, sizeof(zone), ptr, reverse, 10);
	check_rows(&row, 1);
	/* Too many MX are an error; of too many PTR the first ten count. */
	row.result = AUTH_PERMERROR;
	fill_names(zone, sizeof(zone), mx, "e.test MX", 11);
	check_rows(&row, 1);
	row.result = AUTH_FAIL;
	fill_names(zone, sizeof(zone), ptr, reverse, 11);
	check_rows(&row, 1);
}

/* At most: one record for each of 11 domains, ten times ten hosts, names of
 * the client, and an explanation. */
static void hostile_records_ask_a_bounded_number_of_questions(void **state)
{
	struct arena *arena = arena_new();
	struct zone *zone = zone_new();
	struct lookup lookup = zone_lookup(zone);
	struct spf_query query = {.sender = "s@e.test"};
	struct spf_outcome outcome;
	char text[4000];

	(void)state;
	fill_names(text, sizeof(text),
	    "e.test TXT v=spf1 mx mx mx mx mx mx mx mx mx mx mx mx -all",
	    "e.test MX", 10);
	assert_true(zone_add_text(zone, text));
	assert_true(ip_parse("8.8.8.8", 7, &query.ip));
	spf_check(&query, &lookup, arena, &outcome);
	assert_int_equal(outcome.result, AUTH_PERMERROR);
	assert_string_equal(
	    outcome.reason, "more than 10 terms that ask the DNS");
	assert_in_range(zone_questions(zone), 100, 112);
	zone_free(&zone);
	arena_free(&arena);
}

/* What an operator reads. */
static void an_outcome_says_what_decided(void **state)
{
	static const struct {
		const char *zone, *sender, *domain, *reason;
		bool helo;
	} rows[] = {
	    {"e.test TXT v=spf1 ip4:1.2.3.4 ~a:x.test", "s@e.test", "e.test",
		"no term matches", false},
	    {"e.test TXT v=spf1 ~ip4:192.0.2.0/24", "s@E.test", "E.test",
		"~ip4:192.0.2.0/24", false},
	    {"h.test TXT v=spf1 +all", "", "h.test", "+all", true},
	    {"e.test TXT v=spf1 b\xFF\x01z all", "s@e.test", "e.test",
		"syntax error: b??z", false},
	    {"e.test TXT hello", "s@e.test", "e.test", "no record", false},
	    {"e.test A 1.2.3.4", "s@[x\x01y]", "[x?y]", "not a domain name",
		false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *arena = arena_new();
		struct zone *zone = zone_new();
		struct lookup lookup = zone_lookup(zone);
		struct spf_query query = {
		    .sender = rows[i].sender, .helo = "h.test"};
		struct spf_outcome outcome;

		assert_true(ip_parse("192.0.2.1", 9, &query.ip));
		assert_true(zone_add_text(zone, rows[i].zone));
		spf_check(&query, &lookup, arena, &outcome);
		assert_string_equal(outcome.reason, rows[i].reason);
		assert_string_equal(outcome.domain, rows[i].domain);
		assert_int_equal(outcome.helo, rows[i].helo);
		zone_free(&zone);
		arena_free(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_compares_addresses),
	    cmocka_unit_test(mx_compares_the_addresses_of_hosts),
	    cmocka_unit_test(exists_asks_for_an_a_record),
	    cmocka_unit_test(names_that_are_none_are_not_asked_for),
	    cmocka_unit_test(ptr_needs_a_name_that_leads_back),
	    cmocka_unit_test(include_turns_results_into_matches),
	    cmocka_unit_test(redirect_replaces_the_record),
	    cmocka_unit_test(terms_that_ask_are_limited),
	    cmocka_unit_test(answers_that_say_nothing_are_limited),
	    cmocka_unit_test(names_of_mx_and_ptr_are_limited),
	    cmocka_unit_test(hostile_records_ask_a_bounded_number_of_questions),
	    cmocka_unit_test(an_outcome_says_what_decided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
