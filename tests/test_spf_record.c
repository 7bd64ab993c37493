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

/* Section 4.3, and 2.4 for HELO. */
static void a_sender_without_a_domain_name_has_no_policy(void **state)
{
	static const struct row rows[] = {
	    {"e.test TXT v=spf1 -all", AUTH_FAIL},
	    {"e.test TXT v=spf1 -all", AUTH_FAIL, .sender = "s@E.Test"},
	    {"e.test TXT v=spf1 -all", AUTH_FAIL, .sender = "s@e.test."},
	    {"e.test TXT v=spf1 -all", AUTH_FAIL, .sender = "e.test"},
	    {"e.test TXT v=spf1 -all", AUTH_FAIL, .sender = "a@b@e.test"},
	    {"test TXT v=spf1 -all", AUTH_NONE, .sender = "s@test"},
	    {"localhost TXT v=spf1 -all", AUTH_NONE, .sender = "s@localhost"},
	    {"a.test TXT v=spf1 -all", AUTH_NONE, .sender = "s@a..test"},
	    {"a.test TXT v=spf1 -all", AUTH_NONE, .sender = "s@.a.test"},
	    {"a.test TXT v=spf1 -all", AUTH_NONE, .sender = "s@a.test.."},
	    {"a.test TXT v=spf1 -all", AUTH_NONE, .sender = "s@"},
	    {LABEL_63 ".test TXT v=spf1 -all", AUTH_FAIL,
		.sender = "s@" LABEL_63 ".test"},
	    {LABEL_64 ".test TXT v=spf1 -all", AUTH_NONE,
		.sender = "s@" LABEL_64 ".test"},
	    {"[192.0.2.1] TXT v=spf1 -all", AUTH_NONE,
		.sender = "s@[192.0.2.1]"},
	    {"x.test A 192.0.2.9", AUTH_NONE},
	    {"e.test A 192.0.2.9", AUTH_NONE},
	    /* The null sender: HELO decides. */
	    {"h.test TXT v=spf1 -all", AUTH_FAIL, .sender = ""},
	    {"h.test TXT v=spf1 +all", AUTH_PASS, .sender = "",
		.helo = "h.test."},
	    {"e.test TXT v=spf1 -all", AUTH_NONE, .sender = ""},
	    {"h TXT v=spf1 -all", AUTH_NONE, .sender = "", .helo = "h"},
	    {"h.test TXT v=spf1 -all", AUTH_NONE, .sender = "", .helo = ""},
	    {"[192.0.2.1] TXT v=spf1 -all", AUTH_NONE, .sender = "",
		.helo = "[192.0.2.1]"},
	    {"a\tb.test TXT v=spf1 -all", AUTH_NONE, .sender = "",
		.helo = "a\tb.test"},
	    /* RFC 5890: U-labels are asked for as A-labels. */
	    {"xn--bcher-kva.test TXT v=spf1 -all", AUTH_FAIL,
		.sender = "s@b\xC3\xBC"
			  "cher.test"},
	    {"xn--bcher-kva.test TXT v=spf1 -all", AUTH_FAIL,
		.sender = "s@B\xC3\x9C"
			  "cher.test"},
	    /* Without A-labels there is nobody to ask. */
	    {"e.test TXT v=spf1 -all", AUTH_NONE, .sender = "s@\xFF.e.test"},
	    {"?.e.test TXT v=spf1 -all", AUTH_NONE, .sender = "s@\xFF.e.test"},
	    {"???.e.test TXT v=spf1 -all", AUTH_NONE,
		.sender = "s@\xE2\x80\xA8.e.test"},
	    {"???.e.test TXT v=spf1 -all", AUTH_NONE, .sender = "",
		.helo = "\xE2\x80\xA8.e.test"},
	    {"e.test TXT v=spf1 exists:%{h} -all\n???.e.test A 127.0.0.2",
		AUTH_FAIL, .helo = "\xE2\x80\xA8.e.test"},
	    {"e.test TXT v=spf1 exists:%{H} -all\n%FF.e.test A 127.0.0.2",
		AUTH_FAIL, .helo = "\xFF.e.test"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* Sections 3.3, 4.4 and 4.5. */
static void exactly_one_record_is_selected(void **state)
{
	static const struct row rows[] = {
	    {"e.test TXT v=spf1", AUTH_NEUTRAL},
	    {"e.test TXT v=spf1 ", AUTH_NEUTRAL},
	    {"e.test TXT V=SpF1 -all", AUTH_FAIL},
	    {"e.test TXT v=spf10 -all", AUTH_NONE},
	    {"e.test TXT v=spf1-all", AUTH_NONE},
	    {"e.test TXT v=spf1\t-all", AUTH_NONE},
	    {"e.test TXT xv=spf1 -all", AUTH_NONE},
	    {"e.test TXT spf2.0/pra -all", AUTH_NONE},
	    {"e.test TXT \xFF\xFE text\ne.test TXT v=spf1 -all", AUTH_FAIL},
	    {"e.test TXT v=spf10\ne.test TXT v=spf1 -all", AUTH_FAIL},
	    {"e.test TXT v=spf1 -all\ne.test TXT v=spf1 +all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 -all\ne.test TXT v=spf1 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1\ne.test TXT v=spf1 bad", AUTH_PERMERROR},
	    {"e.test TIMEOUT", AUTH_TEMPERROR},
	    {"e.test TXT TIMEOUT", AUTH_TEMPERROR},
	    {"a.test TXT v=spf1 -all\ne.test CNAME a.test", AUTH_FAIL},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* Strings of one record are joined without blanks (section 3.3). */
static void strings_of_a_record_are_joined(void **state)
{
	struct arena *arena = arena_new();
	struct zone *zone = zone_new();
	struct lookup lookup = zone_lookup(zone);
	struct spf_query query = {.sender = "s@e.test"};
	struct spf_outcome outcome;
	json_t *names = json_loads("{\"e.test\": [{\"TXT\": [\"v=spf1 ip4:1\","
				   " \"92.0.2.1 -\", \"all\"]}]}",
	    0, NULL);

	(void)state;
	assert_true(zone_add_json(zone, names));
	assert_true(ip_parse("192.0.2.1", 9, &query.ip));
	spf_check(&query, &lookup, arena, &outcome);
	assert_int_equal(outcome.result, AUTH_PASS);
	assert_string_equal(outcome.reason, "ip4:192.0.2.1");
	json_decref(names);
	zone_free(&zone);
	arena_free(&arena);
}

/* Records over 450 bytes are allowed (section 3.4 only recommends). */
static void a_long_record_is_read(void **state)
{
	char zone[4096] = "e.test TXT v=spf1";
	struct row row = {zone, AUTH_PASS};
	size_t len = strlen(zone);

	(void)state;
	while (len < sizeof(zone) - 100) {
		memcpy(zone + len, " ip4:198.51.100.1", 17);
		len += 17;
	}
	memcpy(zone + len, " ip4:192.0.2.1 -all", 20);
	check_rows(&row, 1);
}

/* Sections 4.6.1 and 12: an error anywhere counts, also behind a match. */
static void terms_follow_the_grammar(void **state)
{
	static const struct row rows[] = {
	    {"e.test TXT v=spf1  +all  ", AUTH_PASS},
	    {"e.test TXT v=spf1 +ALL", AUTH_PASS},
	    {"e.test TXT v=spf1 ~all", AUTH_SOFTFAIL},
	    {"e.test TXT v=spf1 ?all", AUTH_NEUTRAL},
	    {"e.test TXT v=spf1 all", AUTH_PASS},
	    {"e.test TXT v=spf1 +all bad", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 +all -", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 --all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 *all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 =all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 all.", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 all:e.test", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 all/8", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip4:192.0.2.1 -al l", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip4:192.0.2.1\t-all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 +all\r", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:e.test\x96 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 moo\xC3\xA9=x -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 moo=\xC3\xA9 -all", AUTH_PERMERROR},
	    /* Modifiers that nobody knows, as often as they like. */
	    {"e.test TXT v=spf1 moo= moo= x-y_z.1=%{d}%%%_%- -all", AUTH_FAIL},
	    {"e.test TXT v=spf1 moo=cow:far_out=man:dog/cat +all", AUTH_PASS},
	    {"e.test TXT v=spf1 all=b +all", AUTH_PASS},
	    {"e.test TXT v=spf1 moo=%{r}%{c}%{t} -all", AUTH_FAIL},
	    {"e.test TXT v=spf1 moo=%a -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 moo=%{z} -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 +moo=x -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 1moo=x -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 =x -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 mo+o=x -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 redirect:a.test -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip4=192.0.2.1 -all", AUTH_FAIL},
	    {"e.test TXT v=spf1 +all redirect=a.test redirect=a.test",
		AUTH_PERMERROR},
	    {"e.test TXT v=spf1 -all exp=a.test EXP=b.test", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 -all redirect=", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 -all exp=", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 -all exp=com", AUTH_PERMERROR},
	    /* The first match decides (section 4.6.2). */
	    {"e.test TXT v=spf1 ~ip4:192.0.2.1 -all", AUTH_SOFTFAIL},
	    {"e.test TXT v=spf1 -ip4:192.0.2.1 +all", AUTH_FAIL},
	    {"e.test TXT v=spf1 +all -all", AUTH_PASS},
	    {"e.test TXT v=spf1 ip4:192.0.2.2", AUTH_NEUTRAL},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* Section 7.1, domain-spec. */
static void domain_specs_follow_the_grammar(void **state)
{
	static const struct row rows[] = {
	    {"e.test TXT v=spf1 a: ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:test ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:test. ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:. ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:192.0.2.1 ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:x.-test ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:x.test- ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:x.te_st ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:x.test:25 ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:x.test.. ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:%{d}test ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:%{d}. ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:x.te%st ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:x.test% ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:%{d ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:%{} ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:%{d0}.test ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:%{dd}.test ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:%{dr2}.test ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:%{d-r}.test ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:%{d!}.test ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:%(d).test ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:%{c}.test ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 a:%{R}.test ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 exists:%{t}.test ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 -all exp=%{r}.test", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 exists ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 exists: ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 exists:x.test/24 ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 include ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 include/24 ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 include:x.test/24 ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ptr: ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ptr/0 ?all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 mx: ?all", AUTH_PERMERROR},
	    /* Right, though nothing is there. */
	    {"e.test TXT v=spf1 a:x.1-1 ~all", AUTH_SOFTFAIL},
	    {"e.test TXT v=spf1 a:x.xn--zckzah ~all", AUTH_SOFTFAIL},
	    {"e.test TXT v=spf1 a:%{d} ~all", AUTH_SOFTFAIL},
	    {"e.test TXT v=spf1 a:x%% ~all", AUTH_SOFTFAIL},
	    {"e.test TXT v=spf1 a:%{D99R.-+,/_=}.test. ~all", AUTH_SOFTFAIL},
	    {"e.test TXT v=spf1 a:!x:/=.test ~all", AUTH_SOFTFAIL},
	    /* Right, and no name: nothing matches, and nothing is asked. */
	    {"e.test TXT v=spf1 a:x..test a:.x.test a:y..test a:z..test ~all",
		AUTH_SOFTFAIL},
	    {"e.test TXT v=spf1 a:" LABEL_64 ".test ~all", AUTH_SOFTFAIL},
	    {"e.test TXT v=spf1 exists:x..test mx:x..test ptr:x..test ~all",
		AUTH_SOFTFAIL},
	    {"e.test TXT v=spf1 include:x..test ~all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 redirect=x..test", AUTH_PERMERROR},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void ip4_and_ip6_follow_the_grammar(void **state)
{
	static const struct row rows[] = {
	    {"e.test TXT v=spf1 ip4:192.0.2.1 -all", AUTH_PASS},
	    {"e.test TXT v=spf1 ip4:192.0.2.1/32 -all", AUTH_PASS},
	    {"e.test TXT v=spf1 ip4:192.0.2.0/24 -all", AUTH_PASS},
	    {"e.test TXT v=spf1 ip4:192.0.2.200/24 -all", AUTH_PASS},
	    {"e.test TXT v=spf1 ip4:10.0.0.0/0 -all", AUTH_PASS},
	    {"e.test TXT v=spf1 ip4:128.0.0.0/1 -all", AUTH_PASS},
	    {"e.test TXT v=spf1 ip4:0.0.0.0/1 -all", AUTH_FAIL},
	    {"e.test TXT v=spf1 ip4:192.0.2.1 -all", AUTH_PASS,
		.ip = "::ffff:192.0.2.1"},
	    {"e.test TXT v=spf1 ip4:0.0.0.0/0 -all", AUTH_FAIL,
		.ip = "2001:db8::1"},
	    {"e.test TXT v=spf1 ip4 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip4: -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip4/24 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip4:192.0.2 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip4:192.0.2.1. -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip4:192.0.2.01 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip4:192.0.2.256 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip4:192.0.2.1/33 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip4:192.0.2.1/032 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip4:192.0.2.1// -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip4:192.0.2.1//32 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip4:192.0.2.1/24//64 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip4:192.0.2.1:25 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip4:2001:db8::1 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip4:%{i} -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip4:e.test -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip6:2001:db8::1 -all", AUTH_PASS,
		.ip = "2001:db8::1"},
	    {"e.test TXT v=spf1 ip6:2001:DB8:0:0::/33 -all", AUTH_PASS,
		.ip = "2001:db8:7fff::1"},
	    {"e.test TXT v=spf1 ip6:2001:db8::/33 -all", AUTH_FAIL,
		.ip = "2001:db8:8000::1"},
	    {"e.test TXT v=spf1 ip6:::/0 -all", AUTH_PASS, .ip = "2001:db8::1"},
	    {"e.test TXT v=spf1 ip6:::1.2.3.4 -all", AUTH_PASS,
		.ip = "::102:304"},
	    {"e.test TXT v=spf1 ip6:::/0 -all", AUTH_FAIL},
	    {"e.test TXT v=spf1 ip6:::/0 -all", AUTH_FAIL,
		.ip = "::ffff:192.0.2.1"},
	    {"e.test TXT v=spf1 ip6:::ffff:192.0.2.1 -all", AUTH_FAIL},
	    {"e.test TXT v=spf1 ip6 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip6: -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip6:192.0.2.1 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip6:2001:db8 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip6:2001::db8::1 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip6:[2001:db8::1] -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip6:2001:db8::g -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip6:fe80::1%eth0 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip6:2001:db8::1/129 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip6:2001:db8::1//64 -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip6:2001:db8::1/ -all", AUTH_PERMERROR},
	    {"e.test TXT v=spf1 ip6:2001:db8::1/064 -all", AUTH_PERMERROR},
	};

	(void)state;
	CHECK_ROWS(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_sender_without_a_domain_name_has_no_policy),
	    cmocka_unit_test(exactly_one_record_is_selected),
	    cmocka_unit_test(strings_of_a_record_are_joined),
	    cmocka_unit_test(a_long_record_is_read),
	    cmocka_unit_test(terms_follow_the_grammar),
	    cmocka_unit_test(domain_specs_follow_the_grammar),
	    cmocka_unit_test(ip4_and_ip6_follow_the_grammar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
