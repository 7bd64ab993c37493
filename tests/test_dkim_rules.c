#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dkim_fixture.h"
#include "forge.h"
#include "mail/rsa_key.h"
#include "mail/tag_list.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <string.h>

static const struct row signatures[] = {
    {GOOD, AUTH_PASS, ""},
    {GOOD ";", AUTH_PASS, ""},
    {GOOD " ; \r\n\t", AUTH_PASS, ""},
    {"b=@B;bh=@BH;h=from;s=sel;d=example.com;a=rsa-sha256;v=1", AUTH_PASS, ""},
    {"v\r\n\t=\r\n 1; a = rsa-sha256; d =example.com;\r\n s= sel ; "
     "h = From : To \r\n : Subject; bh=@BH; b=\r\n @B ",
	AUTH_PASS, ""},
    {BASE "c=relaxed/simple; " END, AUTH_PASS, ""},
    {BASE "c=simple/relaxed; " END, AUTH_PASS, ""},
    {BASE "c=relaxed/relaxed; " END, AUTH_PASS, ""},
    {BASE "c=relaxed; " END, AUTH_PASS, ""},
    {BASE "c=simple; " END, AUTH_PASS, ""},
    {BASE "z=From:joe=40example.com|To:x; r=y; X_y=1; " END, AUTH_PASS, ""},
    {"v=1; a=rsa-sha256; d=sub.example.com; s=s.2; " END, AUTH_PASS, ""},
    {"v=1; a=rsa-sha256; d=EXAMPLE.com; s=SEL; " END, AUTH_PASS, ""},
    {"v=1; a=ed25519-sha256; d=example.com; s=ed; " END, AUTH_PASS, ""},
    /* q= */
    {BASE "q=dns/txt; " END, AUTH_PASS, ""},
    {BASE "q=x-other : dns/txt; " END, AUTH_PASS, ""},
    {BASE "q=x-other; " END, AUTH_PERMERROR, "query method"},
    {BASE "q=; " END, AUTH_PERMERROR, "query method"},
    /* i= */
    {BASE "i=@example.com; " END, AUTH_PASS, ""},
    {BASE "i=joe@Example.Com; " END, AUTH_PASS, ""},
    {BASE "i=a=20b\r\n @sub.example.com; " END, AUTH_PASS, ""},
    {BASE "i=joe@other@a.b.example.com; " END, AUTH_PASS, ""},
    {BASE "i=@example.org; " END, AUTH_PERMERROR, "identity"},
    {BASE "i=@badexample.com; " END, AUTH_PERMERROR, "identity"},
    {BASE "i=@com; " END, AUTH_PERMERROR, "identity"},
    {BASE "i=example.com; " END, AUTH_PERMERROR, "identity"},
    {BASE "i=joe@; " END, AUTH_PERMERROR, "identity"},
    {BASE "i=; " END, AUTH_PERMERROR, "identity"},
    /* what must be there */
    {"a=rsa-sha256; d=example.com; s=sel; " END, AUTH_PERMERROR, "no version"},
    {"v=1; d=example.com; s=sel; " END, AUTH_PERMERROR, "no algorithm"},
    {"v=1; a=rsa-sha256; s=sel; " END, AUTH_PERMERROR, "no domain"},
    {"v=1; a=rsa-sha256; d=example.com; " END, AUTH_PERMERROR, "no selector"},
    {BASE "bh=@BH; b=@B", AUTH_PERMERROR, "no list"},
    {BASE "h=from; b=@B", AUTH_PERMERROR, "no body hash"},
    {BASE "h=from; bh=@BH", AUTH_PERMERROR, "no signature"},
    /* what it may be */
    {"v=2; a=rsa-sha256; d=example.com; s=sel; " END, AUTH_PERMERROR,
	"version"},
    {"v=1.0; a=rsa-sha256; d=example.com; s=sel; " END, AUTH_PERMERROR,
	"version"},
    {"v=1; a=rsa-sha1; d=example.com; s=sel; " END, AUTH_PERMERROR, "rsa-sha1"},
    {"v=1; a=RSA-SHA256; d=example.com; s=sel; " END, AUTH_PERMERROR,
	"algorithm"},
    {"v=1; a=ed25519-sha1; d=example.com; s=sel; " END, AUTH_PERMERROR,
	"algorithm"},
    {"v=1; a=ed25519-sha256; d=example.com; s=sel; " END, AUTH_PERMERROR,
	"another algorithm"},
    {"v=1; a=rsa-sha256; d=example.com; s=ed; " END, AUTH_PERMERROR,
	"another algorithm"},
    {BASE "c=strict; " END, AUTH_PERMERROR, "canonicalisation"},
    {BASE "c=relaxed/; " END, AUTH_PERMERROR, "canonicalisation"},
    {BASE "c=relaxed/relaxed/x; " END, AUTH_PERMERROR, "canonicalisation"},
    {BASE "c=Relaxed; " END, AUTH_PERMERROR, "canonicalisation"},
    {"v=1; a=rsa-sha256; d=; s=sel; " END, AUTH_PERMERROR, "domain"},
    {"v=1; a=rsa-sha256; d=com; s=sel; " END, AUTH_PERMERROR, "domain"},
    {"v=1; a=rsa-sha256; d=-example.com; s=sel; " END, AUTH_PERMERROR,
	"domain"},
    {"v=1; a=rsa-sha256; d=example-.com; s=sel; " END, AUTH_PERMERROR,
	"domain"},
    {"v=1; a=rsa-sha256; d=example.com-; s=sel; " END, AUTH_PERMERROR,
	"domain"},
    {"v=1; a=rsa-sha256; d=example.com.; s=sel; " END, AUTH_PERMERROR,
	"domain"},
    {"v=1; a=rsa-sha256; d=example..com; s=sel; " END, AUTH_PERMERROR,
	"domain"},
    {"v=1; a=rsa-sha256; d=.example.com; s=sel; " END, AUTH_PERMERROR,
	"domain"},
    {"v=1; a=rsa-sha256; d=exa mple.com; s=sel; " END, AUTH_PERMERROR,
	"domain"},
    {"v=1; a=rsa-sha256; d=example.com; s=a/b; " END, AUTH_PERMERROR,
	"selector"},
    {"v=1; a=rsa-sha256; d=example.com; s=; " END, AUTH_PERMERROR, "selector"},
    {BASE "v=1; " END, AUTH_PERMERROR, "repeated"},
    {BASE "x-y=1; " END, AUTH_PERMERROR, "tag name"},
    {BASE "; " END, AUTH_PERMERROR, "without a value"},
    {BASE "h=from; bh=@BH; b=", AUTH_PERMERROR, "signature"},
    {BASE "h=from; bh=@BH; b=!@B", AUTH_PERMERROR, "signature"},
    {BASE "h=from; bh=; b=@B", AUTH_PERMERROR, "body hash"},
    {BASE "h=from; bh=Zm9v; b=@B", AUTH_PERMERROR, "body hash"},
    {BASE "h=from; bh=@BH; b=Zm9v", AUTH_FAIL, "does not match"},
    /* h= */
    {BASE "h=FROM; bh=@BH; b=@B", AUTH_PASS, ""},
    {BASE "h=from:x-none:cc; bh=@BH; b=@B", AUTH_PASS, ""},
    {BASE "h=from:from:dkim-signature; bh=@BH; b=@B", AUTH_PASS, ""},
    {BASE "h=to; bh=@BH; b=@B", AUTH_PERMERROR, "From is not"},
    {BASE "h=; bh=@BH; b=@B", AUTH_PERMERROR, "list"},
    {BASE "h=from:; bh=@BH; b=@B", AUTH_PERMERROR, "list"},
    {BASE "h=from::to; bh=@BH; b=@B", AUTH_PERMERROR, "list"},
    {BASE "h=from to; bh=@BH; b=@B", AUTH_PERMERROR, "list"},
    /* t= and x=, at NOW */
    {BASE "t=1799999999; x=1800000001; " END, AUTH_PASS, ""},
    {BASE "x=1799999701; " END, AUTH_PASS, ""},
    {BASE "x=1799999699; " END, AUTH_FAIL, "expired"},
    {BASE "x=0; " END, AUTH_FAIL, "expired"},
    {BASE "t=1800043200; " END, AUTH_PASS, ""},
    {BASE "t=1800043201; " END, AUTH_FAIL, "future"},
    {BASE "t=1800000000; x=1800000000; " END, AUTH_PERMERROR,
	"before it was made"},
    {BASE "t=x; " END, AUTH_PERMERROR, "time"},
    {BASE "t=-1; " END, AUTH_PERMERROR, "time"},
    {BASE "t=; " END, AUTH_PERMERROR, "time"},
    {BASE "x=1234567890123; " END, AUTH_PERMERROR, "expiry"},
    {BASE "x=999999999999; " END, AUTH_PASS, ""},
    /* l= */
    {BASE "l=x; " END, AUTH_PERMERROR, "length"},
    {BASE "l=; " END, AUTH_PERMERROR, "length"},
    {BASE "l=56; " END, AUTH_FAIL, "shorter"},
    {BASE "l=99999999999999999999999999999; " END, AUTH_FAIL, "shorter"},
    /* who is asked */
    {"v=1; a=rsa-sha256; d=example.com; s=none; " END, AUTH_PERMERROR,
	"no key"},
    {"v=1; a=rsa-sha256; d=sub.example.com; s=sel; " END, AUTH_PERMERROR,
	"no key"},
};

static void signatures_are_judged(void **state)
{
	check_rows(*state, signatures, COUNT(signatures));
}

static void a_part_of_the_body_may_be_signed(void **state)
{
	struct fixture *fixture = *state;
	const struct signature_verdict *one;

	publish(fixture, "sel._domainkey.example.com", RECORD);
	one = verify(
	    fixture, signed_with(fixture,
			 BASE "l=0; h=from; b=@B; bh="
			      "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
			 MESSAGE, "rsa1024"));
	check_verdict(one, AUTH_PASS, "", "l=0");
	assert_int_equal(one->uncovered, 55);
	one = verify(fixture,
	    signed_with(fixture, BASE "l=55; " END, MESSAGE, "rsa1024"));
	check_verdict(one, AUTH_PASS, "", "l=55");
	assert_int_equal(one->uncovered, 0);
	/* What was added is not signed, and that is known. */
	one = verify(fixture,
	    arena_printf(fixture->arena, "%sBuy!\r\n",
		signed_with(fixture, BASE "l=55; " END, MESSAGE, "rsa1024")));
	check_verdict(one, AUTH_PASS, "", "l=55 and more");
	assert_int_equal(one->uncovered, 6);
}

/* One look at the body is enough for signatures of several forms, and each is
 * judged by its own. */
static void each_signature_has_its_form_of_the_body(void **state)
{
	static const char *const forms[] = {"c=simple/simple; " END,
	    "c=relaxed/relaxed; " END,
	    "c=simple/relaxed; l=10; h=from; b=@B; "
	    "bh=w3PkBv2geLvoUsenJIlvjoXAcQ77RUYLdhIoLlCq+NE=",
	    "c=relaxed/simple; l=3; h=from; b=@B; "
	    "bh=F/RETzky+KHFVMfN6pIgjb7LA7AXOitqecwjEKBcX60=",
	    "c=relaxed/simple; " END};
	static const enum auth_result changed[] = {
	    AUTH_FAIL, AUTH_PASS, AUTH_PASS, AUTH_PASS, AUTH_FAIL};
	struct fixture *fixture = *state;
	char *letter = arena_strdup(fixture->arena, MESSAGE "a  b \r\n");
	const struct signature_verdict *all;

	publish(fixture, "sel._domainkey.example.com", RECORD);
	for (size_t i = COUNT(forms); i > 0; i--)
		letter = signed_with(fixture,
		    arena_printf(fixture->arena, BASE "%s", forms[i - 1]),
		    letter, "rsa1024");
	all = verify(fixture, letter);
	for (size_t i = 0; i < COUNT(forms); i++)
		check_verdict(&all[i], AUTH_PASS, "", forms[i]);
	all = verify(fixture, arena_printf(fixture->arena, "%s\r\n", letter));
	for (size_t i = 0; i < COUNT(forms); i++)
		check_verdict(&all[i], AUTH_PASS, "", forms[i]);
	strstr(letter, "a  b ")[1] = '\t';
	all = verify(fixture, letter);
	for (size_t i = 0; i < COUNT(forms); i++)
		check_verdict(&all[i], changed[i],
		    changed[i] == AUTH_PASS ? "" : "body", forms[i]);
}

static void keys_are_judged(void **state)
{
	static const struct {
		const char *record, *key;
		enum auth_result want;
		const char *why;
	} rows[] = {
	    {"v=DKIM1; p=@RSA1024", "rsa1024", AUTH_PASS, ""},
	    {"p=@RSA1024", "rsa1024", AUTH_PASS, ""},
	    {"v=DKIM1;k=rsa;p=@RSA1024;", "rsa1024", AUTH_PASS, ""},
	    {" v = DKIM1 ; p = @RSA1024 ; ", "rsa1024", AUTH_PASS, ""},
	    {"v=DKIM1; n=some notes; g=*; x=1; p=@RSA1024", "rsa1024",
		AUTH_PASS, ""},
	    {"p=@RSA2048", "rsa2048", AUTH_PASS, ""},
	    {"p=@RSA4096", "rsa4096", AUTH_PASS, ""},
	    {"p=@RSA8192", "rsa8192", AUTH_PASS, ""},
	    {"p=@RSA2048", "rsa1024", AUTH_FAIL, "does not match"},
	    /* RFC 8301 section 3.2 */
	    {"p=@RSA1023", "rsa1023", AUTH_PERMERROR, "too short"},
	    {"p=@RSA768", "rsa768", AUTH_PERMERROR, "too short"},
	    {"p=@RSA512", "rsa512", AUTH_PERMERROR, "too short"},
	    /* v= */
	    {"v=DKIM2; p=@RSA1024", "rsa1024", AUTH_PERMERROR, "version"},
	    {"v=dkim1; p=@RSA1024", "rsa1024", AUTH_PERMERROR, "version"},
	    {"p=@RSA1024; v=DKIM1", "rsa1024", AUTH_PERMERROR, "version"},
	    /* k= and h= */
	    {"k=dsa; p=@RSA1024", "rsa1024", AUTH_PERMERROR, "unknown type"},
	    {"k=ed25519; p=@RSA1024", "rsa1024", AUTH_PERMERROR,
		"another algorithm"},
	    {"h=sha256; p=@RSA1024", "rsa1024", AUTH_PASS, ""},
	    {"h=sha1 : sha256 : x; p=@RSA1024", "rsa1024", AUTH_PASS, ""},
	    {"h=sha1; p=@RSA1024", "rsa1024", AUTH_PERMERROR, "SHA-256"},
	    /* s= */
	    {"s=*; p=@RSA1024", "rsa1024", AUTH_PASS, ""},
	    {"s=email; p=@RSA1024", "rsa1024", AUTH_PASS, ""},
	    {"s=other : email; p=@RSA1024", "rsa1024", AUTH_PASS, ""},
	    {"s=tlsrpt; p=@RSA1024", "rsa1024", AUTH_PERMERROR, "for mail"},
	    {"s=; p=@RSA1024", "rsa1024", AUTH_PERMERROR, "for mail"},
	    /* t= */
	    {"t=y; p=@RSA1024", "rsa1024", AUTH_PASS, ""},
	    {"t=s:x; p=@RSA1024", "rsa1024", AUTH_PASS, ""},
	    /* p= */
	    {"v=DKIM1; p=", "rsa1024", AUTH_PERMERROR, "revoked"},
	    {"v=DKIM1", "rsa1024", AUTH_PERMERROR, "without a key"},
	    {"p=@RSA1024=", "rsa1024", AUTH_PERMERROR, "malformed key"},
	    {"p=Zm9v", "rsa1024", AUTH_PERMERROR, "malformed key"},
	    {"p=AAAA@RSA1024", "rsa1024", AUTH_PERMERROR, "malformed key"},
	    {"p=@ED25519", "rsa1024", AUTH_PERMERROR, "malformed key"},
	    {"p=@EC", "rsa1024", AUTH_PERMERROR, "malformed key"},
	    /* not one at all */
	    {"p=@RSA1024; p=@RSA1024", "rsa1024", AUTH_PERMERROR,
		"malformed key record"},
	    {"v=spf1 -all", "rsa1024", AUTH_PERMERROR, "version"},
	    {"hello", "rsa1024", AUTH_PERMERROR, "malformed key record"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		(void)fixture_tear_down(state);
		(void)fixture_set_up(state);
		publish(fixture, "sel._domainkey.example.com", rows[i].record);
		check_verdict(verify(fixture, signed_with(fixture, GOOD,
						  MESSAGE, rows[i].key)),
		    rows[i].want, rows[i].why, rows[i].record);
	}
}

static void ed25519_keys_are_judged(void **state)
{
	static const struct {
		const char *record, *why;
	} rows[] = {{"k=ed25519; p=@ED25519", ""},
	    {"p=@ED25519", "another algorithm"},
	    {"k=ed25519; p=@RSA1024", "malformed key"},
	    {"k=ed25519; p=Zm9v", "malformed key"}};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		(void)fixture_tear_down(state);
		(void)fixture_set_up(state);
		publish(fixture, "sel._domainkey.example.com", rows[i].record);
		check_verdict(
		    verify(fixture,
			signed_with(fixture,
			    "v=1; a=ed25519-sha256; d=example.com; s=sel; " END,
			    MESSAGE, "ed25519")),
		    rows[i].why[0] == '\0' ? AUTH_PASS : AUTH_PERMERROR,
		    rows[i].why, rows[i].record);
	}
}

static void flags_of_keys_count(void **state)
{
	struct fixture *fixture = *state;
	const struct signature_verdict *one;

	publish(fixture, "sel._domainkey.example.com", "t=s:y; p=@RSA1024");
	one = verify(
	    fixture, signed_with(fixture, BASE "i=@sub.example.com; " END,
			 MESSAGE, "rsa1024"));
	check_verdict(one, AUTH_PERMERROR, "subdomains", "t=s");
	one = verify(fixture, signed_with(fixture, BASE "i=a@EXAMPLE.com; " END,
				  MESSAGE, "rsa1024"));
	check_verdict(one, AUTH_PASS, "", "t=s");
	assert_true(one->testing);
	assert_int_equal(one->key_bits, 1024);
}

static void any_of_several_keys_will_do(void **state)
{
	struct fixture *fixture = *state;
	const char *mail = signed_with(fixture, GOOD, MESSAGE, "rsa1024");

	publish(fixture, "sel._domainkey.example.com", "v=spf1 -all");
	publish(fixture, "sel._domainkey.example.com", "p=@RSA2048");
	check_verdict(verify(fixture, mail), AUTH_FAIL, "not match", "2");
	publish(fixture, "sel._domainkey.example.com", "v=DKIM1; p=");
	publish(fixture, "sel._domainkey.example.com", RECORD);
	check_verdict(verify(fixture, mail), AUTH_PASS, "", "4");
}

static void a_query_without_answer_is_a_temperror(void **state)
{
	struct fixture *fixture = *state;

	assert_true(zone_add_text(
	    fixture->zone, "sel._domainkey.example.com TXT TIMEOUT"));
	check_verdict(
	    verify(fixture, signed_with(fixture, GOOD, MESSAGE, "rsa1024")),
	    AUTH_TEMPERROR, "no answer", "timeout");
	/* An altered body needs no key. */
	check_verdict(verify(fixture,
			  arena_printf(fixture->arena, "%sx\r\n",
			      signed_with(fixture, GOOD, MESSAGE, "rsa1024"))),
	    AUTH_FAIL, "body", "altered");
	assert_int_equal(zone_questions(fixture->zone), 1);
}

/* A key of any numbers, for which there is no private one. */
static const char *made_up_key(
    struct arena *arena, int modulus_bits, int exponent_bits)
{
	BIGNUM *n = BN_new(), *e = BN_new();
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;
	unsigned char *der = NULL, *text;
	OSSL_PARAM *numbers;
	int len;

	(void)BN_rand(n, modulus_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
	(void)BN_rand(e, exponent_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
	(void)OSSL_PARAM_BLD_push_BN(build, "n", n);
	(void)OSSL_PARAM_BLD_push_BN(build, "e", e);
	numbers = OSSL_PARAM_BLD_to_param(build);
	assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
	assert_int_equal(
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, numbers), 1);
	len = i2d_PUBKEY(key, &der);
	text = arena_alloc(arena, (size_t)len * 2);
	(void)EVP_EncodeBlock(text, der, len);
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(numbers);
	OSSL_PARAM_BLD_free(build);
	BN_free(e);
	BN_free(n);
	return arena_printf(arena, "p=%s", (char *)text);
}

static void rsa_keys_are_read_in_two_forms(void **state)
{
	struct fixture *fixture = *state;
	const char *record = forge_record("@RSA1024", fixture->arena);
	struct rsa_key key;
	uint8_t *der;
	size_t len;

	assert_true(tag_base64(slice_of(record), fixture->arena, &der, &len));
	/* SubjectPublicKeyInfo, and what is in it. */
	for (size_t from = 0; from <= 22; from += 22) {
		assert_true(rsa_key_read(der + from, len - from, &key));
		assert_int_equal(key.modulus_bits, 1024);
		assert_int_equal(key.modulus_len, 128);
		assert_int_equal(key.exponent_bits, 17);
		assert_memory_equal(key.exponent, "\x01\x00\x01", 3);
		for (size_t i = 0; i < len - from; i++)
			assert_false(rsa_key_read(der + from, i, &key));
	}
	der[len - 5]--; /* the exponent's tag */
	assert_false(rsa_key_read(der, len, &key));
	der[len - 5]++;
	der[10]++; /* another algorithm */
	assert_false(rsa_key_read(der, len, &key));
}

static void keys_that_cost_much_are_refused(void **state)
{
	static const struct {
		int modulus, exponent;
		enum auth_result want;
		const char *why;
	} rows[] = {{LIMIT_RSA_BITS, 17, AUTH_FAIL, "not match"},
	    {LIMIT_RSA_BITS + 8, 17, AUTH_PERMERROR, "too long"},
	    {16384, 17, AUTH_PERMERROR, "too long"},
	    {2048, LIMIT_RSA_EXPONENT_BITS, AUTH_FAIL, "not match"},
	    {2048, LIMIT_RSA_EXPONENT_BITS + 1, AUTH_PERMERROR, "exponent"},
	    {2048, 2047, AUTH_PERMERROR, "exponent"}};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		(void)fixture_tear_down(state);
		(void)fixture_set_up(state);
		publish(fixture, "sel._domainkey.example.com",
		    made_up_key(
			fixture->arena, rows[i].modulus, rows[i].exponent));
		check_verdict(verify(fixture, signed_with(fixture, GOOD,
						  MESSAGE, "rsa2048")),
		    rows[i].want, rows[i].why, rows[i].why);
	}
}

#define LONG_LABEL                                                             \
	"\xE3\x81\xB2\xE3\x82\x89\xE3\x81\x8C\xE3\x81\xAA"                     \
	"\xE3\x81\xAE\xE3\x81\xA8\xE3\x81\xA6\xE3\x82\x82"                     \
	"\xE3\x81\xAA\xE3\x81\x8C\xE3\x81\x84\xE3\x81\xAA"                     \
	"\xE3\x81\xBE\xE3\x81\x88\xE3\x81\xAE\xE3\x81\xA9"                     \
	"\xE3\x82\x81\xE3\x81\x84\xE3\x82\x93\xE3\x81\xA7"                     \
	"\xE3\x81\x99\xE3\x82\x88\xE3\x81\xAD\xE3\x81\x88"

static void internationalised_domains_are_asked_for(void **state)
{
	static const struct row rows[] = {
	    {"v=1; a=rsa-sha256; d=b\xC3\xBC"
	     "cher.example; s=sel; " END,
		AUTH_PASS, ""},
	    {"v=1; a=rsa-sha256; d=xn--bcher-kva.example; s=sel; "
	     "i=@a.b\xC3\xBC"
	     "cher.example; " END,
		AUTH_PASS, ""},
	    /* 72 bytes, and an A-label of 38. */
	    {"v=1; a=rsa-sha256; d=" LONG_LABEL ".example; s=sel; " END,
		AUTH_PASS, ""},
	    {"v=1; a=rsa-sha256; d=b\xFF"
	     "cher.example; s=sel; " END,
		AUTH_PERMERROR, "domain"},
	};

	publish(*state, "sel._domainkey.xn--bcher-kva.example", RECORD);
	publish(*state,
	    "sel._domainkey.xn--n8jalbqa8gtenepgcc4ceh5d3njcm8le0x.example",
	    RECORD);
	check_rows(*state, rows, COUNT(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(signatures_are_judged),
	    CASE(a_part_of_the_body_may_be_signed),
	    CASE(each_signature_has_its_form_of_the_body),
	    CASE(keys_are_judged),
	    CASE(ed25519_keys_are_judged),
	    CASE(flags_of_keys_count),
	    CASE(any_of_several_keys_will_do),
	    CASE(a_query_without_answer_is_a_temperror),
	    CASE(rsa_keys_are_read_in_two_forms),
	    CASE(keys_that_cost_much_are_refused),
	    CASE(internationalised_domains_are_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
