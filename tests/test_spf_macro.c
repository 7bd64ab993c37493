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

#define REVERSE "\n1.2.0.192.in-addr.arpa PTR "
#define V4 "%{i}.%{ir}.%{v}.test"
#define SIX_NIBBLES                                                            \
	"2.0.0.1.0.d.b.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1"
#define DENY "e.test TXT v=spf1 -all exp=x.e.test\nx.e.test TXT "

/* Section 7: the name that is asked for shows what was expanded. */
static void macros_expand(void **state)
{
	static const struct row rows[] = {
	    {"e.test TXT v=spf1 exists:%{s}.test -all\n"
	     "strong-bad@m.e.test.test A 127.0.0.1\n"
	     "m.e.test TXT v=spf1 exists:%{s}.test -all",
		AUTH_PASS, .sender = "strong-bad@m.e.test"},
	    {"m.e.test TXT v=spf1 exists:%{o}.%{d}.%{d4}.%{d3}.t -all\n"
	     "m.e.test.m.e.test.m.e.test.m.e.test.t A 127.0.0.1",
		AUTH_PASS, .sender = "a@m.e.test"},
	    {"m.e.test TXT v=spf1 exists:%{d2}.%{d1}.%{dr}.%{d2r}.t -all\n"
	     "e.test.test.test.e.m.e.m.t A 127.0.0.1",
		AUTH_PASS, .sender = "a@m.e.test"},
	    {"e.test TXT v=spf1 exists:%{l-}.%{lr}.%{lr-}.%{l1r-}.t -all\n"
	     "strong.bad.strong-bad.bad.strong.strong.t A 127.0.0.1",
		AUTH_PASS, .sender = "strong-bad@e.test"},
	    {"e.test TXT v=spf1 exists:%{lr+-=}.%{l2-/}.t -all\n"
	     "d.c.b.a.c.d.t A 127.0.0.1",
		AUTH_FAIL, .sender = "a+b-c=d@e.test"},
	    {"e.test TXT v=spf1 exists:%{lr+-=}.%{l2-/}.t -all\n"
	     "d.c.b.a.a+b.c=d.t A 127.0.0.1",
		AUTH_PASS, .sender = "a+b-c=d@e.test"},
	    {"e.test TXT v=spf1 exists:" V4 " -all\n"
	     "192.0.2.1.1.2.0.192.in-addr.test A 127.0.0.1",
		AUTH_PASS},
	    {"e.test TXT v=spf1 exists:%{i}.%{v}.test -all\n" SIX_NIBBLES
	     ".ip6.test A 127.0.0.1",
		AUTH_PASS, .ip = "2001:db8::1"},
	    {"e.test TXT v=spf1 exists:%{i12}.%{d99999999999999}.t -all\n"
	     "0.0.0.0.0.0.0.0.0.0.0.1.e.test.t A 127.0.0.1",
		AUTH_PASS, .ip = "2001:db8::1"},
	    {"e.test TXT v=spf1 exists:%{h}.t -all\nh.test.t A 127.0.0.1",
		AUTH_PASS},
	    {"e.test TXT v=spf1 exists:%{h}.t -all\n"
	     "[192.0.2.1].t A 127.0.0.1",
		AUTH_PASS, .helo = "[192.0.2.1]"},
	    {"e.test TXT v=spf1 exists:%%.%-.t -all\n%.%20.t A 127.0.0.1",
		AUTH_PASS},
	    /* Upper case is escaped for a URL. */
	    {"e.test TXT v=spf1 exists:%{L}.t -all\n"
	     "a%3Db%26~c-d_e%21.t A 127.0.0.1",
		AUTH_PASS, .sender = "a=b&~c-d_e!@e.test"},
	    {"e.test TXT v=spf1 exists:%{S1R=}.t -all\na.t A 127.0.0.1",
		AUTH_PASS, .sender = "a=b@e.test"},
	    /* No local part: postmaster's. */
	    {"e.test TXT v=spf1 exists:%{l}.t -all\n"
	     "postmaster.t A 127.0.0.1",
		AUTH_PASS, .sender = "@e.test"},
	    {"h.test TXT v=spf1 exists:%{s}.%{o}.t -all\n"
	     "postmaster@h.test.h.test.t A 127.0.0.1",
		AUTH_PASS, .sender = ""},
	    /* In an included record only d changes. */
	    {"e.test TXT v=spf1 include:x.test -all\n"
	     "x.test TXT v=spf1 exists:%{d}.%{o}.%{s}.t\n"
	     "x.test.e.test.s@e.test.t A 127.0.0.1",
		AUTH_PASS},
	    /* RFC 8616 section 4: nothing matches such a local part. */
	    {"e.test TXT v=spf1 exists:%{l}.t include:%{s}.t -all\n"
	     "j\xC3\xB6.t A 127.0.0.1",
		AUTH_FAIL, .sender = "j\xC3\xB6@e.test"},
	    {"e.test TXT v=spf1 exists:%{d}.t -all\ne.test.t A 127.0.0.1",
		AUTH_PASS, .sender = "j\xC3\xB6@e.test"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* Section 7.3. */
static void the_client_name_is_validated(void **state)
{
	static const struct row rows[] = {
	    {"e.test TXT v=spf1 exists:%{p}.t -all\nunknown.t A 127.0.0.1",
		AUTH_PASS},
	    {"e.test TXT v=spf1 exists:%{p}.t -all\nunknown.t A "
	     "127.0.0.1" REVERSE "TIMEOUT",
		AUTH_PASS},
	    {"e.test TXT v=spf1 exists:%{p}.t -all\nunknown.t A "
	     "127.0.0.1" REVERSE "m.test\nm.test A 192.0.2.9",
		AUTH_PASS},
	    {"e.test TXT v=spf1 exists:%{p}.t -all\nm.test.t A "
	     "127.0.0.1" REVERSE "m.test\nm.test A 192.0.2.1",
		AUTH_PASS},
	    {"e.test TXT v=spf1 exists:%{p}.t -all\nm.e.test.t A "
	     "127.0.0.1" REVERSE "m.test\nm.test A 192.0.2.1" REVERSE
	     "m.e.test\nm.e.test A 192.0.2.1",
		AUTH_PASS},
	    {"e.test TXT v=spf1 exists:%{p2r}.t -all\ntest.e.t A "
	     "127.0.0.1" REVERSE "m.e.test\nm.e.test A 192.0.2.1" REVERSE
	     "e.test\ne.test A 192.0.2.1",
		AUTH_PASS},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* Section 7.3: labels go from the left until 253 bytes are left. */
static void a_name_that_is_too_long_is_cut(void **state)
{
	static const char local[] = LABEL_63 "." LABEL_63 "." LABEL_63;
	char sender[400], zone[1200];
	struct row row = {zone, AUTH_PASS, .sender = sender};

	(void)state;
	/* first.<3 * 63>.<60 bytes>.test: 253 without the first label. */
	(void)snprintf(sender, sizeof(sender), "first.%s@e.test", local);
	(void)snprintf(zone, sizeof(zone),
	    "e.test TXT v=spf1 exists:%%{l}.%.56s.test -all\n"
	    "%s.%.56s.test A 127.0.0.1",
	    LABEL_63, local, LABEL_63);
	check_rows(&row, 1);
	/* The name fits: 253 bytes are no reason to cut. */
	(void)snprintf(sender, sizeof(sender), "%s@e.test", local);
	check_rows(&row, 1);
	/* Whatever its length, its end is what is asked for. */
	(void)snprintf(zone, sizeof(zone),
	    "e.test TXT v=spf1 exists:%s.%.56s.test -all\n"
	    "%s.%.56s.test A 127.0.0.1",
	    "%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}"
	    "%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}.%{l}",
	    LABEL_63, local, LABEL_63);
	check_rows(&row, 1);
}

/* Section 6.2. */
static void an_explanation_is_what_the_domain_says(void **state)
{
	static const struct row rows[] = {
	    {DENY "See us: %{s} %{c} %{r} %{t} %{h}%_%%%-", AUTH_FAIL,
		"See us: s@e.test 192.0.2.1 mx.our.test 1234567890 h.test "
		"%%20"},
	    {DENY "%{c}", AUTH_FAIL, "2001:db8::1", .ip = "2001:db8::1"},
	    {DENY "%{C}", AUTH_FAIL, "2001%3Adb8%3A%3A1", .ip = "2001:db8::1"},
	    {DENY "%{ir} %{d2}", AUTH_FAIL, "1.2.0.192 e.test"},
	    {DENY "one\nx.e.test TXT two", AUTH_FAIL},
	    {DENY "TIMEOUT", AUTH_FAIL},
	    {"e.test TXT v=spf1 -all exp=x.%{d}", AUTH_FAIL},
	    {"e.test TXT v=spf1 -all exp=x..test", AUTH_FAIL},
	    {"e.test TXT v=spf1 -all exp=%{l}.test\nj\xC3\xB6.test TXT no",
		AUTH_FAIL, .sender = "j\xC3\xB6@e.test"},
	    {DENY "wrong %{z}", AUTH_FAIL},
	    {DENY "wrong %", AUTH_FAIL},
	    {DENY "caf\xC3\xA9", AUTH_FAIL},
	    {DENY "%{l}", AUTH_FAIL, .sender = "j\xC3\xB6@e.test"},
	    {DENY "tab\there", AUTH_FAIL},
	    /* Only with a fail, and without counting as a lookup. */
	    {"e.test TXT v=spf1 ~all exp=x.test\nx.test TXT no", AUTH_SOFTFAIL},
	    {"e.test TXT v=spf1 +all exp=x.test\nx.test TXT no", AUTH_PASS},
	    {"e.test TXT v=spf1 a:1.t a:2.t -all exp=no.test", AUTH_FAIL},
	    {"e.test TXT v=spf1 -exists:x.test exp=y.test\nx.test A 1.1.1.1\n"
	     "y.test TXT why",
		AUTH_FAIL, "why"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void an_explanation_is_cut_at_its_limit(void **state)
{
	char zone[2000], expected[LIMIT_SPF_EXPLANATION + 1];
	struct row row = {zone, AUTH_FAIL, expected};

	(void)state;
	memset(expected, 'x', sizeof(expected));
	expected[LIMIT_SPF_EXPLANATION] = '\0';
	(void)snprintf(zone, sizeof(zone), DENY "%s", expected);
	check_rows(&row, 1);
	(void)snprintf(zone, sizeof(zone), DENY "%syy", expected);
	check_rows(&row, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(macros_expand),
	    cmocka_unit_test(the_client_name_is_validated),
	    cmocka_unit_test(a_name_that_is_too_long_is_cut),
	    cmocka_unit_test(an_explanation_is_what_the_domain_says),
	    cmocka_unit_test(an_explanation_is_cut_at_its_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
