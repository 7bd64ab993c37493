#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/errors.h"
#include "dkim_fixture.h"
#include "forge.h"

#include <string.h>

/* --- what is signed --------------------------------------------------- */

static void fields_are_taken_from_the_bottom_up(void **state)
{
	static const char *const body = "\r\nbody\r\n";
	static const struct {
		const char *names, *before, *after;
		enum auth_result want;
	} rows[] = {
	    /* one more on top is not signed, one below is */
	    {"from:x", "X: 1\r\n", "X: 0\r\nX: 1\r\n", AUTH_PASS},
	    {"from:x", "X: 1\r\n", "X: 1\r\nX: 2\r\n", AUTH_FAIL},
	    {"from:x", "X: 1\r\nX: 2\r\n", "X: 9\r\nX: 2\r\n", AUTH_PASS},
	    {"from:x:x", "X: 1\r\nX: 2\r\n", "X: 9\r\nX: 2\r\n", AUTH_FAIL},
	    {"from:x:x", "X: 1\r\nX: 2\r\n", "X: 2\r\nX: 1\r\n", AUTH_FAIL},
	    {"from:x:X", "X: 1\r\nX: 2\r\n", "x: 1\r\nY: 3\r\nx: 2\r\n",
		AUTH_PASS},
	    /* signed once more than it is there */
	    {"from:x:x", "X: 1\r\n", "X: 0\r\nX: 1\r\n", AUTH_FAIL},
	    {"from:x", "", "X: 0\r\n", AUTH_FAIL},
	    {"from:from", "", "From: b@example.com\r\n", AUTH_FAIL},
	    /* RFC 6376 section 8.15: a From that nobody signed */
	    {"from", "", "From: b@example.com\r\n", AUTH_FAIL},
	    {"from:from", "From: b@example.com\r\n", "From: b@example.com\r\n",
		AUTH_PASS},
	    /* what stands elsewhere does not matter */
	    {"from:x", "X: 1\r\nY: 1\r\n", "Y: 2\r\nX: 1\r\nZ: 1\r\n",
		AUTH_PASS},
	};
	struct fixture *fixture = *state;
	struct arena *arena = fixture->arena;

	publish(fixture, "sel._domainkey.example.com", RECORD);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *field = forge_field(
		    arena_printf(arena,
			"DKIM-Signature: " BASE "c=relaxed; h=%s; bh=@BH; b=@B",
			rows[i].names),
		    arena_printf(arena, "%sFrom: a@example.com\r\n%s",
			rows[i].before, body),
		    "rsa1024", arena);

		check_verdict(
		    verify(fixture,
			arena_printf(arena, "%s%sFrom: a@example.com\r\n%s",
			    field, rows[i].after, body)),
		    rows[i].want, "", rows[i].names);
	}
}

static void what_servers_do_on_the_way_is_told_apart(void **state)
{
	static const struct {
		const char *c, *from, *to;
		enum auth_result want;
	} rows[] = {
	    {"simple/simple", "Joe.", "Jim.", AUTH_FAIL},
	    {"relaxed/relaxed", "Joe.", "Jim.", AUTH_FAIL},
	    {"simple/simple", "game.  Are", "game. Are", AUTH_FAIL},
	    {"relaxed/relaxed", "game.  Are", "game. \tAre", AUTH_PASS},
	    {"relaxed/relaxed", "game.  Are", "game.Are", AUTH_FAIL},
	    {"simple/simple", "Joe.\r\n", "Joe.\r\n\r\n\r\n", AUTH_PASS},
	    {"relaxed/relaxed", "Joe.\r\n", "Joe. \t\r\n \r\n", AUTH_PASS},
	    {"simple/simple", "Joe.\r\n", "Joe. \r\n", AUTH_FAIL},
	    {"simple/simple", "To: suzie", "TO: suzie", AUTH_FAIL},
	    {"relaxed/relaxed", "To: suzie", "TO : \t suzie", AUTH_PASS},
	    {"simple/simple", "From: Joe <", "From: Joe\r\n <", AUTH_FAIL},
	    {"relaxed/relaxed", "From: Joe <", "From: Joe\r\n\t<", AUTH_PASS},
	    {"relaxed/relaxed", "From: Joe <", "From: joe <", AUTH_FAIL},
	    {"relaxed/relaxed", "s=sel", "s =\r\n sel", AUTH_FAIL},
	    {"relaxed/relaxed", "; s=sel", ";\r\n\ts=sel", AUTH_PASS},
	    {"relaxed/relaxed", "DKIM-S", "dkim-s", AUTH_PASS},
	    {"relaxed/relaxed", "Subject", "Subject2", AUTH_PASS},
	};
	struct fixture *fixture = *state;
	struct arena *arena = fixture->arena;

	publish(fixture, "sel._domainkey.example.com", RECORD);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *mail = signed_with(fixture,
		    arena_printf(arena, BASE "c=%s; " END, rows[i].c), MESSAGE,
		    "rsa1024");
		const char *at = strstr(mail, rows[i].from);

		assert_non_null(at);
		check_verdict(
		    verify(fixture,
			arena_printf(arena, "%.*s%s%s", (int)(at - mail), mail,
			    rows[i].to, at + strlen(rows[i].from))),
		    rows[i].want, "", rows[i].to);
	}
}

static void malformed_messages_never_pass(void **state)
{
	static const struct {
		const char *message, *why;
	} rows[] = {
	    {"From: a@example.com\r\nno field\r\n\r\nbody\r\n", "no field"},
	    {"From: a@example.com\r\nTwo words: x\r\n\r\n", "no field"},
	    {"Subject: x\r\n\r\nbody\r\n", "no From"},
	};
	struct fixture *fixture = *state;

	publish(fixture, "sel._domainkey.example.com", RECORD);
	for (size_t i = 0; i < COUNT(rows); i++)
		check_verdict(verify(fixture, signed_with(fixture,
						  BASE "h=from; bh=@BH; b=@B",
						  rows[i].message, "rsa1024")),
		    AUTH_PERMERROR, rows[i].why, rows[i].message);
	/* The line that mailboxes begin with is none of it. */
	check_verdict(
	    verify(fixture,
		arena_printf(fixture->arena, "From joe Sat Jan 31\r\n%s",
		    signed_with(fixture, GOOD, MESSAGE, "rsa1024"))),
	    AUTH_PASS, "", "mbox");
	/* This is a field, and nobody signed it. */
	check_verdict(
	    verify(fixture,
		arena_printf(fixture->arena, "From : joe@example.com\r\n%s",
		    signed_with(fixture, GOOD, MESSAGE, "rsa1024"))),
	    AUTH_FAIL, "", "From in front");
	/* Neither body nor empty line. */
	check_verdict(
	    verify(fixture, signed_with(fixture, BASE "h=from; bh=@BH; b=@B",
				"From: a@example.com\r\n", "rsa1024")),
	    AUTH_PASS, "", "no body");
	(void)verify(fixture, "");
	assert_int_equal(fixture->dkim.result, AUTH_NONE);
}

/* --- many and large --------------------------------------------------- */

/* Of a signature that passes, has no answer, is too old, has no key. */
static const char *tags_of(char kind)
{
	switch (kind) {
	case 't':
		return "v=1; a=rsa-sha256; d=example.com; s=slow; " END;
	case 'f':
		return BASE "x=1; " END;
	case 'e':
		return "v=1; a=rsa-sha256; d=example.com; s=none; " END;
	default:
		return GOOD;
	}
}

static void the_verdict_follows_an_order(void **state)
{
	static const struct {
		const char *signatures;
		enum auth_result want;
		int decisive;
	} rows[] = {{"", AUTH_NONE, -1}, {"p", AUTH_PASS, 0},
	    {"eftp", AUTH_PASS, 3}, {"pfte", AUTH_PASS, 0},
	    {"fet", AUTH_TEMPERROR, 2}, {"eff", AUTH_FAIL, 1},
	    {"ee", AUTH_PERMERROR, 0}};
	struct fixture *fixture = *state;
	struct arena *arena = fixture->arena;

	publish(fixture, "sel._domainkey.example.com", RECORD);
	assert_true(zone_add_text(
	    fixture->zone, "slow._domainkey.example.com TXT TIMEOUT"));
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *mail = MESSAGE;

		for (size_t j = strlen(rows[i].signatures); j > 0; j--)
			mail = arena_printf(arena, "%s%s",
			    forge_field(
				arena_printf(arena, "DKIM-Signature: %s",
				    tags_of(rows[i].signatures[j - 1])),
				MESSAGE, "rsa1024", arena),
			    mail);
		(void)verify(fixture, mail);
		assert_int_equal(fixture->dkim.result, rows[i].want);
		assert_int_equal(fixture->dkim.signatures->count,
		    strlen(rows[i].signatures));
		if (rows[i].decisive >= 0)
			assert_ptr_equal(fixture->dkim.decisive,
			    &fixture->dkim.signatures->list[rows[i].decisive]);
	}
}

static void signatures_beyond_the_limit_are_not_looked_at(void **state)
{
	struct fixture *fixture = *state;
	struct arena *arena = fixture->arena;
	const char *bad = "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; "
			  "s=none; h=from; bh=@BH; b=@B";
	const char *mail = signed_with(fixture, GOOD, MESSAGE, "rsa1024");

	publish(fixture, "sel._domainkey.example.com", RECORD);
	bad = forge_field(bad, MESSAGE, "rsa1024", arena);
	for (int i = 1; i < LIMIT_SIGNATURES; i++)
		mail = arena_printf(arena, "%s%s", bad, mail);
	(void)verify(fixture, mail);
	assert_int_equal(fixture->dkim.result, AUTH_PASS);
	mail = arena_printf(arena, "%s%s", bad, mail);
	(void)verify(fixture, mail);
	assert_int_equal(fixture->dkim.result, AUTH_PERMERROR);
	assert_int_equal(fixture->dkim.signatures->count, LIMIT_SIGNATURES);
}

static void names_beyond_the_limit_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct buf tags = buf_new(100000);

	publish(fixture, "sel._domainkey.example.com", RECORD);
	assert_true(buf_append_text(&tags, BASE "bh=@BH; b=@B; h=from"));
	for (int i = 1; i < LIMIT_SIGNED_NAMES; i++)
		assert_true(buf_append_text(&tags, ":x"));
	check_verdict(verify(fixture, signed_with(fixture, buf_text(&tags),
					  MESSAGE, "rsa1024")),
	    AUTH_PASS, "", "1000");
	assert_true(buf_append_text(&tags, ":x"));
	check_verdict(verify(fixture, signed_with(fixture, buf_text(&tags),
					  MESSAGE, "rsa1024")),
	    AUTH_PERMERROR, "too many", "1001");
	buf_free(&tags);
}

static void a_large_header_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct arena *arena = fixture->arena;
	char *filler = arena_zalloc(arena, LIMIT_HEADER_BLOCK);

	publish(fixture, "sel._domainkey.example.com", RECORD);
	memset(filler, 'x', 200000);
	check_verdict(verify(fixture,
			  signed_with(fixture, GOOD,
			      arena_printf(arena, "X: %s\r\n" MESSAGE, filler),
			      "rsa1024")),
	    AUTH_PASS, "", "200000");
	memset(filler, 'x', LIMIT_HEADER_BLOCK - 1);
	check_verdict(verify(fixture, arena_printf(arena, "%sX: %s\r\n" MESSAGE,
					  forge_field("DKIM-Signature: " GOOD,
					      MESSAGE, "rsa1024", arena),
					  filler)),
	    AUTH_PERMERROR, "too large", "300000");
}

/* A message of any size that nobody has in memory. */
struct endless {
	const char *head;
	size_t len;
	bool breaks;
};

static bool read_endless(
    void *arg, uint64_t offset, void *data, size_t len, struct error *err)
{
	const struct endless *endless = arg;
	char *out = data;

	if (endless->breaks && offset > 100000)
		return error_set(err, ERROR_IO, "broken");
	for (size_t i = 0; i < len; i++) {
		uint64_t at = offset + i;

		if (at < endless->len)
			out[i] = endless->head[at];
		else
			out[i] =
			    "0123456789 \t \r\n\r\n"[(at - endless->len) % 17];
	}
	return true;
}

static void large_bodies_go_by_in_pieces(void **state)
{
	struct fixture *fixture = *state;
	struct arena *arena = fixture->arena;
	struct endless endless = {.head = "From: a@example.com\r\n\r\n"};
	struct source source = {
	    .size = 4000001, .read = read_endless, .arg = &endless};
	char *whole = arena_zalloc(arena, source.size + 1);
	const char *field;
	struct signed_mail *mail;
	struct error err;

	endless.len = strlen(endless.head);
	publish(fixture, "sel._domainkey.example.com", RECORD);
	assert_true(read_endless(&endless, 0, whole, source.size, &err));
	field = forge_field("DKIM-Signature: " BASE
			    "c=relaxed/relaxed; h=from; bh=@BH; b=@B",
	    whole, "rsa1024", arena);
	endless.head = arena_printf(arena, "%s%s", field, endless.head);
	source.size += strlen(field);
	endless.len += strlen(field);
	assert_true(signed_mail_open(&source, arena, &mail, &err));
	assert_true(dkim_verify(mail, &fixture->keys, &fixture->dkim, &err));
	assert_int_equal(fixture->dkim.result, AUTH_PASS);

	endless.breaks = true;
	assert_true(signed_mail_open(&source, arena, &mail, &err));
	assert_false(dkim_verify(mail, &fixture->keys, &fixture->dkim, &err));
	assert_string_equal(err.text, "broken");
	assert_false(dkim_verify(mail, &fixture->keys, &fixture->dkim, &err));
}

/* --- the examples of the RFCs ----------------------------------------- */

/* RFC 6376 appendix A, with errata 3192 and 4926. */
#define RFC6376_KEY                                                            \
	"v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQ"                        \
	"KBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt"                       \
	"IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v"                       \
	"/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi"                       \
	"tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
#define RFC6376_MESSAGE                                                        \
	"DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n"    \
	"      c=simple/simple; q=dns/txt; i=joe@football.example.com;\r\n"    \
	"      h=Received : From : To : Subject : Date : Message-ID;\r\n"      \
	"      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"           \
	"      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\r\n"     \
	"      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\r\n"       \
	"      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\r\n"       \
	"      4bmp/YzhwvcubU4=;\r\n"                                          \
	"Received: from client1.football.example.com  [192.0.2.1]\r\n"         \
	"      by submitserver.example.com with SUBMISSION;\r\n"               \
	"      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\r\n" RFC_FIELDS           \
	"\r\nHi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\n"         \
	"Joe.\r\n"
#define RFC_FIELDS                                                             \
	"From: Joe SixPack <joe@football.example.com>\r\n"                     \
	"To: Suzie Q <suzie@shopping.example.net>\r\n"                         \
	"Subject: Is dinner ready?\r\n"                                        \
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"                      \
	"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"

/* RFC 8463 appendix A. */
#define RFC8463_RSA                                                            \
	"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTz"   \
	"WRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3"   \
	"FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLz"   \
	"BfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
#define RFC8463_ED25519                                                        \
	"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define RFC8463_MESSAGE                                                        \
	"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"        \
	" d=football.example.com; i=@football.example.com;\r\n"                \
	" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"              \
	" subject : date : message-id : from : subject : date;\r\n"            \
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"                \
	" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"      \
	" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"                                \
	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"            \
	" d=football.example.com; i=@football.example.com;\r\n"                \
	" q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"        \
	" date : message-id : from : subject : date;\r\n"                      \
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"                \
	" b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"      \
	" DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"      \
	" dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8="          \
	"\r\n" RFC_FIELDS                                                      \
	"\r\nHi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\n"        \
	"Joe.\r\n\r\n"

static void the_examples_of_the_rfcs_pass(void **state)
{
	struct fixture *fixture = *state;
	const struct signature_verdict *both;

	publish(fixture, "brisbane._domainkey.example.com", RFC6376_KEY);
	publish(fixture, "brisbane._domainkey.football.example.com",
	    RFC8463_ED25519);
	publish(fixture, "test._domainkey.football.example.com", RFC8463_RSA);
	check_verdict(
	    verify(fixture, RFC6376_MESSAGE), AUTH_PASS, "", "RFC 6376");
	both = verify(fixture, RFC8463_MESSAGE);
	check_verdict(&both[0], AUTH_PASS, "", "RFC 8463, Ed25519");
	check_verdict(&both[1], AUTH_PASS, "", "RFC 8463, RSA");
	assert_int_equal(both[0].key_bits, 256);
	assert_string_equal(both[1].signature.selector, "test");
	assert_memory_equal(both[1].signature.text, "F45dVWDfMbQD", 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(fields_are_taken_from_the_bottom_up),
	    CASE(what_servers_do_on_the_way_is_told_apart),
	    CASE(malformed_messages_never_pass),
	    CASE(the_verdict_follows_an_order),
	    CASE(signatures_beyond_the_limit_are_not_looked_at),
	    CASE(names_beyond_the_limit_are_refused),
	    CASE(a_large_header_is_refused),
	    CASE(large_bodies_go_by_in_pieces),
	    CASE(the_examples_of_the_rfcs_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
