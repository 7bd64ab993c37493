#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dkim_fixture.h"
#include "forge.h"

#include <string.h>

#define AAR(i) "i=" #i "; mx.example.com; spf=pass"
#define AMS_OF(i) "i=" #i "; a=rsa-sha256; d=example.com; s=sel; "
#define AMS_END "c=relaxed/relaxed; h=from:to; bh=@BH; b=@B"
#define AMS(i) AMS_OF(i) AMS_END
#define SEAL(i, cv)                                                            \
	"i=" #i "; a=rsa-sha256; cv=" cv "; d=example.com; s=sel; b=@B"

static void check_chain(struct fixture *fixture, const char *mail,
    enum auth_result want, const char *why, const char *what)
{
	(void)verify(fixture, mail);
	if (fixture->arc.result != want ||
	    strstr(fixture->arc.why, why) == NULL)
		fail_msg("%s: %d (%s), not %d (%s)", what,
		    (int)fixture->arc.result, fixture->arc.why, (int)want, why);
}

/* Good sets from 1 to so many. */
static const char *chain(struct fixture *fixture, unsigned count)
{
	const char *mail = MESSAGE;

	publish(fixture, "sel._domainkey.example.com", RECORD);
	for (unsigned i = 1; i <= count; i++)
		mail = forge_set(i, NULL, NULL, NULL, mail, fixture->arena);
	return mail;
}

static void whole_chains_pass(void **state)
{
	struct fixture *fixture = *state;
	const char *mail = chain(fixture, 0);

	check_chain(fixture, mail, AUTH_NONE, "", "none");
	assert_int_equal(fixture->arc.instance, 0);
	for (unsigned i = 1; i <= LIMIT_ARC_SETS; i++) {
		mail = forge_set(i, NULL, NULL, NULL, mail, fixture->arena);
		check_chain(fixture, mail, AUTH_PASS, "", mail);
		assert_int_equal(fixture->arc.instance, i);
		assert_int_equal(fixture->arc.message->signature.instance, i);
		assert_int_equal(fixture->arc.seal->signature.instance, i);
	}
	/* RFC 8617 section 4.2.1. */
	mail = forge_set(
	    LIMIT_ARC_SETS + 1, NULL, NULL, NULL, mail, fixture->arena);
	check_chain(fixture, mail, AUTH_FAIL, "instance", "51");
}

/* One set with these texts; NULL is a good one. */
static const struct set_row {
	const char *results, *message, *seal;
	enum auth_result want;
	const char *why;
} first_sets[] = {
    {NULL, NULL, NULL, AUTH_PASS, ""},
    /* the instance of ARC-Authentication-Results, section 4.2.2 */
    {"i=1;", NULL, NULL, AUTH_PASS, ""},
    {" i = 1 ; x", NULL, NULL, AUTH_PASS, ""},
    {"\r\n\ti=1\r\n ; x", NULL, NULL, AUTH_PASS, ""},
    {"(a (b) \\( c) i(x)=(y)1(z); x", NULL, NULL, AUTH_PASS, ""},
    {"i=01; x", NULL, NULL, AUTH_PASS, ""},
    {"i=1", NULL, NULL, AUTH_FAIL, "instance"},
    {"x; i=1;", NULL, NULL, AUTH_FAIL, "instance"},
    {"I=1; x", NULL, NULL, AUTH_FAIL, "instance"},
    {"i=; x", NULL, NULL, AUTH_FAIL, "instance"},
    {"i=x; x", NULL, NULL, AUTH_FAIL, "instance"},
    {"i=0; x", NULL, NULL, AUTH_FAIL, "instance"},
    {"i=51; x", NULL, NULL, AUTH_FAIL, "instance"},
    {"i=001; x", NULL, NULL, AUTH_FAIL, "instance"},
    {"i=-1; x", NULL, NULL, AUTH_FAIL, "instance"},
    {"i=1 1; x", NULL, NULL, AUTH_FAIL, "instance"},
    {"", NULL, NULL, AUTH_FAIL, "instance"},
    {"i=2; x", NULL, NULL, AUTH_FAIL, "not complete"},
    /* ARC-Message-Signature, section 4.1.2 */
    {NULL, AMS(1), NULL, AUTH_PASS, ""},
    {NULL, AMS_OF(1) "h=from; bh=@BH; b=@B", NULL, AUTH_PASS, ""},
    {NULL, AMS_OF(1) "c=simple/simple; h=from; bh=@BH; b=@B", NULL, AUTH_PASS,
	""},
    {NULL, AMS_OF(1) "t=12345; x=1900000000; " AMS_END, NULL, AUTH_PASS, ""},
    {NULL, AMS_OF(1) "v=1; z=x; " AMS_END, NULL, AUTH_PASS, ""},
    {NULL, AMS_OF(1) "x=12345; " AMS_END, NULL, AUTH_FAIL, "expired"},
    {NULL, AMS_OF(1) "t=x; " AMS_END, NULL, AUTH_FAIL, "time"},
    {NULL, AMS_OF(1) "q=x; " AMS_END, NULL, AUTH_FAIL, "query"},
    {NULL, AMS_OF(1) "c=x; h=from; bh=@BH; b=@B", NULL, AUTH_FAIL,
	"canonicalisation"},
    {NULL, AMS_OF(1) "c=simple; h=to; bh=@BH; b=@B", NULL, AUTH_FAIL, "From"},
    {NULL, AMS_OF(1) "h=from:arc-authentication-results; bh=@BH; b=@B", NULL,
	AUTH_PASS, ""},
    {NULL, AMS_OF(1) "h=from:ARC-Seal; bh=@BH; b=@B", NULL, AUTH_FAIL,
	"ARC-Seal is signed"},
    {NULL, AMS_OF(1) "bh=@BH; b=@B", NULL, AUTH_FAIL, "no list"},
    {NULL, AMS_OF(1) "h=from; b=@B", NULL, AUTH_FAIL, "no body hash"},
    {NULL, AMS_OF(1) "h=from; bh=@BH", NULL, AUTH_FAIL, "no signature"},
    {NULL, AMS_OF(1) "h=from; bh=@BH; b=Zm9v", NULL, AUTH_FAIL,
	"does not match"},
    {NULL,
	AMS_OF(1) "h=from; b=@B; "
		  "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
	NULL, AUTH_FAIL, "body was altered"},
    {NULL, "a=rsa-sha256; d=example.com; s=sel; " AMS_END, NULL, AUTH_FAIL,
	"instance"},
    {NULL, "I=1; a=rsa-sha256; d=example.com; s=sel; " AMS_END, NULL, AUTH_FAIL,
	"instance"},
    {NULL, "i=1; d=example.com; s=sel; " AMS_END, NULL, AUTH_FAIL,
	"no algorithm"},
    {NULL, "i=1; a=rsa-sha1; d=example.com; s=sel; " AMS_END, NULL, AUTH_FAIL,
	"rsa-sha1"},
    {NULL, "i=1; a=rsa-sha256; s=sel; " AMS_END, NULL, AUTH_FAIL, "no domain"},
    {NULL, "i=1; a=rsa-sha256; d=example.com; " AMS_END, NULL, AUTH_FAIL,
	"no selector"},
    {NULL, "i=1; a=rsa-sha256; d=example.com; s=none; " AMS_END, NULL,
	AUTH_FAIL, "no key"},
    {NULL, "i=1; a=rsa-sha256; d=example.com; s=slow; " AMS_END, NULL,
	AUTH_FAIL, "no answer"},
    {NULL, AMS_OF(1) "i=1; " AMS_END, NULL, AUTH_FAIL, "instance"},
    {NULL, AMS_OF(1) "nothing; " AMS_END, NULL, AUTH_FAIL, "instance"},
    /* Comments in an instance and a chain status, section 3.9. */
    {NULL,
	"(a) i (b) = (c (c)) 1 (d); a=rsa-sha256; d=example.com; "
	"s=sel; " AMS_END,
	"(a)i=1(b); a=rsa-sha256; (x) cv (y)=(z) none; d=example.com; s=sel; "
	"b=@B",
	AUTH_PASS, ""},
    {NULL, NULL, "i=1; a=rsa-sha256; cv=none (; d=example.com; s=sel; b=@B",
	AUTH_PASS, ""},
    {NULL, NULL, "i=1; a=(x) rsa-sha256; cv=none; d=example.com; s=sel; b=@B",
	AUTH_FAIL, "algorithm"},
    {NULL, NULL, "i=1 1; a=rsa-sha256; cv=none; d=example.com; s=sel; b=@B",
	AUTH_FAIL, "instance"},
    {NULL, NULL, "i=1; a=rsa-sha256; cv=none x; d=example.com; s=sel; b=@B",
	AUTH_FAIL, "chain status"},
    /* ARC-Seal, section 4.1.3 */
    {NULL, NULL, SEAL(1, "none") "; t=12345; x=1; unknown=2;", AUTH_PASS, ""},
    {NULL, NULL,
	"b=@B;\r\n\ts= sel ;d=example.com;\r\n cv = none;a=rsa-sha256;i=1",
	AUTH_PASS, ""},
    {NULL, NULL, SEAL(1, "none") "; c=simple/simple", AUTH_PASS, ""},
    {NULL, NULL, SEAL(1, "none") "; h=from", AUTH_FAIL, "list"},
    {NULL, NULL, SEAL(1, "none") "; t=", AUTH_FAIL, "time"},
    {NULL, NULL, SEAL(1, "none") "; t=yesterday", AUTH_FAIL, "time"},
    {NULL, NULL, SEAL(1, "pass"), AUTH_FAIL, "wrong chain status"},
    {NULL, NULL, SEAL(1, "fail"), AUTH_FAIL, "broken before"},
    {NULL, NULL, SEAL(1, "None"), AUTH_FAIL, "chain status"},
    {NULL, NULL, SEAL(1, ""), AUTH_FAIL, "chain status"},
    {NULL, NULL, "i=1; a=rsa-sha256; d=example.com; s=sel; b=@B", AUTH_FAIL,
	"no chain status"},
    {NULL, NULL, "a=rsa-sha256; cv=none; d=example.com; s=sel; b=@B", AUTH_FAIL,
	"instance"},
    {NULL, NULL, "i=1; cv=none; d=example.com; s=sel; b=@B", AUTH_FAIL,
	"no algorithm"},
    {NULL, NULL, "i=1; a=rsa-sha256; cv=none; s=sel; b=@B", AUTH_FAIL,
	"no domain"},
    {NULL, NULL, "i=1; a=rsa-sha256; cv=none; d=example.com; b=@B", AUTH_FAIL,
	"no selector"},
    {NULL, NULL, "i=1; a=rsa-sha256; cv=none; d=example.com; s=sel", AUTH_FAIL,
	"no signature"},
    {NULL, NULL, "i=1; a=rsa-sha256; cv=none; d=example.com; s=sel; b=Zm9v",
	AUTH_FAIL, "does not match"},
    {NULL, NULL, "i=1; a=rsa-sha256; cv=none; d=example.com; s=none; b=@B",
	AUTH_FAIL, "no key"},
    {NULL, NULL, "i=1; a=rsa-sha256; cv=none; d=example.com; s=slow; b=@B",
	AUTH_FAIL, "no answer"},
    {NULL, NULL, SEAL(1, "none") ";; x=1", AUTH_FAIL, "instance"},
    {NULL, NULL, SEAL(2, "pass"), AUTH_FAIL, "not complete"},
};

static void first_sets_are_judged(void **state)
{
	struct fixture *fixture = *state;

	(void)chain(fixture, 0);
	assert_true(zone_add_text(
	    fixture->zone, "slow._domainkey.example.com TXT TIMEOUT"));
	for (size_t i = 0; i < COUNT(first_sets); i++) {
		const struct set_row *row = &first_sets[i];

		check_chain(fixture,
		    forge_set(1, row->results, row->message, row->seal, MESSAGE,
			fixture->arena),
		    row->want, row->why,
		    row->results != NULL   ? row->results
		    : row->message != NULL ? row->message
					   : row->seal);
	}
}

static void later_sets_are_judged(void **state)
{
	static const struct set_row rows[] = {
	    {NULL, NULL, NULL, AUTH_PASS, ""},
	    {NULL, NULL, SEAL(2, "none"), AUTH_FAIL, "wrong chain status"},
	    {NULL, NULL, SEAL(2, "fail"), AUTH_FAIL, "broken before"},
	    {AAR(3), AMS(3), SEAL(3, "pass"), AUTH_FAIL, "not complete"},
	    {AAR(1), AMS(1), SEAL(1, "none"), AUTH_FAIL, "twice"},
	    {AAR(1), NULL, NULL, AUTH_FAIL, "twice"},
	    {NULL, AMS(1), NULL, AUTH_FAIL, "twice"},
	    {NULL, NULL, SEAL(1, "none"), AUTH_FAIL, "twice"},
	};
	struct fixture *fixture = *state;
	const char *mail = chain(fixture, 1);

	for (size_t i = 0; i < COUNT(rows); i++)
		check_chain(fixture,
		    forge_set(2, rows[i].results, rows[i].message, rows[i].seal,
			mail, fixture->arena),
		    rows[i].want, rows[i].why, rows[i].why);
}

/* Section 5.2, step 5: it does not matter why one does not hold. */
static void an_older_message_signature_may_be_of_no_use(void **state)
{
	static const char *const messages[] = {
	    "i=1; a=rsa-sha1; d=example.com; s=sel; " AMS_END,
	    "i=1; a=other; d=example.com; s=sel; " AMS_END,
	    "i=1; a=rsa-sha256; d=example.com; s=none; " AMS_END,
	    AMS_OF(1) "c=other; h=from; bh=@BH; b=@B",
	    AMS_OF(1) "h=to; bh=@BH; b=@B",
	    AMS_OF(1) "h=from:arc-seal; bh=@BH; b=@B",
	    AMS_OF(1) "x=12345; " AMS_END,
	    AMS_OF(1) "t=never; " AMS_END,
	    AMS_OF(1) "h=from; b=@B",
	};
	struct fixture *fixture = *state;

	(void)chain(fixture, 0);
	for (size_t i = 0; i < COUNT(messages); i++) {
		const char *mail = forge_set(
		    1, NULL, messages[i], NULL, MESSAGE, fixture->arena);

		verify(fixture, mail);
		assert_int_equal(fixture->arc.result, AUTH_FAIL);
		check_chain(fixture,
		    forge_set(2, NULL, NULL, NULL, mail, fixture->arena),
		    AUTH_PASS, "", messages[i]);
	}
}

static const char *replaced(
    struct fixture *fixture, const char *mail, const char *from, const char *to)
{
	const char *at = strstr(mail, from);

	assert_non_null(at);
	return arena_printf(fixture->arena, "%.*s%s%s", (int)(at - mail), mail,
	    to, at + strlen(from));
}

static void what_happens_on_the_way_is_told_apart(void **state)
{
	static const struct {
		const char *from, *to;
		enum auth_result want;
		const char *why;
	} rows[] = {
	    /* RFC 8617 section 5.2: only the newest message signature counts,
	     * and all seals. */
	    {"Joe.", "Jim.", AUTH_FAIL, "body"},
	    {"From: Joe", "From: Jim", AUTH_FAIL, "match"},
	    {"Subject: Is", "Subject:\r\n\t Is", AUTH_PASS, ""},
	    {"i=2; mx", "i=2; my", AUTH_FAIL, "match"},
	    {"i=1; mx", "i=1; my", AUTH_FAIL, "match"},
	    {"i=1; mx", "I=1; mx", AUTH_FAIL, "instance"},
	    {"i=1; mx", "i=1;\r\n\tmx", AUTH_PASS, ""},
	    {"ARC-Seal", "arc-seal", AUTH_PASS, ""},
	    {"ARC-Seal", "X-Seal", AUTH_FAIL, "complete"},
	    {"ARC-Message", "X-Message", AUTH_FAIL, "complete"},
	    {"ARC-Auth", "X-Auth", AUTH_FAIL, "complete"},
	    {"cv=pass", "cv=none", AUTH_FAIL, "wrong chain"},
	    {"cv=none", "cv=pass", AUTH_FAIL, "wrong chain"},
	    {"From: Joe", "From: x@example.org\r\nFrom: Joe", AUTH_FAIL,
		"From"},
	    {"From: Joe", "nonsense\r\nFrom: Joe", AUTH_FAIL, "no field"},
	};
	struct fixture *fixture = *state;
	const char *mail = chain(fixture, 2);

	for (size_t i = 0; i < COUNT(rows); i++)
		check_chain(fixture,
		    replaced(fixture, mail, rows[i].from, rows[i].to),
		    rows[i].want, rows[i].why, rows[i].to);
}

static void a_forwarder_may_change_the_message(void **state)
{
	struct fixture *fixture = *state;
	const char *mail = replaced(
	    fixture, chain(fixture, 2), "Subject: Is", "Subject: [list] Is");

	check_chain(fixture, mail, AUTH_FAIL, "match", "altered");
	check_chain(fixture,
	    forge_set(3, NULL, NULL, NULL, mail, fixture->arena), AUTH_PASS, "",
	    "altered and sealed");
}

/* Section 5.1.1: by instance, wherever the fields stand. */
static void the_place_of_the_fields_does_not_matter(void **state)
{
	struct fixture *fixture = *state;
	const char *mail = chain(fixture, 2);
	const char *second = strstr(mail, "ARC-Seal: i=1");
	const char *rest = strstr(mail, "From:");

	check_chain(fixture,
	    arena_printf(fixture->arena, "%.*sReceived: x\r\n%.*s%s",
		(int)(rest - second), second, (int)(second - mail), mail, rest),
	    AUTH_PASS, "", "the second set first");
}

static void keys_are_those_of_dkim(void **state)
{
	static const struct {
		const char *record;
		enum auth_result want;
		const char *why;
	} rows[] = {{"t=s:y; p=@RSA1024", AUTH_PASS, ""},
	    {"p=@RSA2048", AUTH_FAIL, "match"}, {"p=", AUTH_FAIL, "revoked"},
	    {"k=ed25519; p=@ED25519", AUTH_FAIL, "another algorithm"},
	    {"h=sha1; p=@RSA1024", AUTH_FAIL, "SHA-256"},
	    {"p=@RSA768", AUTH_FAIL, "too short"}};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		(void)fixture_tear_down(state);
		(void)fixture_set_up(state);
		publish(fixture, "sel._domainkey.example.com", rows[i].record);
		check_chain(fixture,
		    forge_set(1, NULL, NULL, NULL, MESSAGE, fixture->arena),
		    rows[i].want, rows[i].why, rows[i].record);
	}
}

/* The newest two sets of RFC 8617 appendix B.3, whose keys are not known. */
static void the_example_of_the_rfc_is_read(void **state)
{
	static const char mail[] =
	    "ARC-Seal: i=1; a=rsa-sha256; cv=none; d=clochette.example.org; "
	    "s=\r\n"
	    "        clochette; t=12345; b=CU87XzXlNlk5X/yW4l73UvPUcP9ivwYWxy"
	    "BWcVrRs7\r\n"
	    "        +HPx3K05nJhny2fvymbReAmOA9GTH/y+k9kEc59hAKVg==\r\n"
	    "ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; "
	    "d=\r\n"
	    "        clochette.example.org; h=message-id:date:from:to:subject; "
	    "s=\r\n"
	    "        clochette; t=12345; bh=KWSe46TZKCcDbH4klJPo+tjk5LWJnVRlP5"
	    "pvjXFZY\r\n"
	    "        LQ=; b=o71vwyLsK+Wm4cOSlirXoRwzEvi0vqIjd/2/GkYFYlSd/GGfKz"
	    "kAgPqxf\r\n"
	    "        K7ccBMP7Zjb/mpeggswHjEMS8x5NQ==\r\n"
	    "ARC-Authentication-Results: i=1; clochette.example.org; "
	    "spf=fail\r\n"
	    "    smtp.from=jqd@d1.example; dkim=fail (512-bit key)\r\n"
	    "    header.i=@d1.example; dmarc=fail; arc=pass\r\n"
	    "From: John Q Doe <jqd@d1.example>\r\n"
	    "\r\n"
	    "Hey gang,\r\nThis is a test message.\r\n--J.\r\n";
	struct fixture *fixture = *state;

	check_chain(fixture, mail, AUTH_FAIL, "no key", "RFC 8617");
	assert_string_equal(
	    fixture->arc.message->signature.domain, "clochette.example.org");
	assert_string_equal(
	    fixture->arc.message->signature.selector, "clochette");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(whole_chains_pass),
	    CASE(first_sets_are_judged),
	    CASE(later_sets_are_judged),
	    CASE(an_older_message_signature_may_be_of_no_use),
	    CASE(what_happens_on_the_way_is_told_apart),
	    CASE(a_forwarder_may_change_the_message),
	    CASE(the_place_of_the_fields_does_not_matter),
	    CASE(keys_are_those_of_dkim),
	    CASE(the_example_of_the_rfc_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
