#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dkim_fixture.h"
#include "forge.h"
#include "mail/dkim_sign.h"

#include <stdio.h>
#include <string.h>

static struct dkim_signer *signer(
    struct fixture *fixture, const char *key, const char *selector)
{
	char path[512], pem[8192];
	struct dkim_signer *made;
	struct error err;
	FILE *file;
	size_t len;

	(void)snprintf(path, sizeof(path), "%s/%s.pem", KEYS, key);
	file = fopen(path, "r");
	assert_non_null(file);
	len = fread(pem, 1, sizeof(pem), file);
	(void)fclose(file);
	(void)fixture;
	if (!dkim_signer_new("example.com", selector, pem, len, &made, &err))
		return NULL;
	return made;
}

/* The field for the message. */
static const char *sign(struct fixture *fixture, const char *message,
    const char *key, const struct dkim_sign_options *options)
{
	struct source source = source_memory(message, strlen(message));
	struct dkim_signer *one = signer(fixture, key, "sel");
	struct buf field = buf_new(100000);
	struct error err;
	const char *text;

	assert_true(dkim_sign(&source, &one, 1, options, &field, &err));
	text = arena_strdup(fixture->arena, buf_text(&field));
	buf_free(&field);
	dkim_signer_free(&one);
	return text;
}

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

static void what_is_signed_verifies(void **state)
{
	static const char *const keys[][2] = {{"rsa1024", "p=@RSA1024"},
	    {"rsa2048", "p=@RSA2048"}, {"rsa4096", "p=@RSA4096"},
	    {"ed25519", "k=ed25519; p=@ED25519"}};
	struct fixture *fixture;

	for (size_t i = 0; i < COUNT(keys) * 4; i++) {
		struct dkim_sign_options options = {
		    .header = i & 1 ? CANONICAL_RELAXED : CANONICAL_SIMPLE,
		    .body = i & 2 ? CANONICAL_RELAXED : CANONICAL_SIMPLE,
		    .now_s = NOW,
		    .lifetime_s = 86400,
		    .identity = i & 1 ? "joe@sub.example.com" : NULL};
		const char *field;

		(void)fixture_tear_down(state);
		(void)fixture_set_up(state);
		fixture = *state;
		publish(fixture, "sel._domainkey.example.com", keys[i / 4][1]);
		field = sign(fixture, MESSAGE, keys[i / 4][0], &options);
		check_verdict(verify(fixture, arena_printf(fixture->arena,
						  "%s" MESSAGE, field)),
		    AUTH_PASS, "", field);
		assert_true(has(field, "t=1800000000;"));
		assert_true(has(field, "x=1800086400;"));
		assert_int_equal(has(field, "i=joe@sub"), i & 1);
	}
}

/* RFC 6376 section 8.15, RFC 5322 section 2.1.1. */
static void the_field_is_sealed_and_folded(void **state)
{
	struct fixture *fixture = *state;
	struct dkim_sign_options options = {
	    .header = CANONICAL_RELAXED, .body = CANONICAL_RELAXED};
	const char *field = sign(fixture,
	    "From: a@example.com\r\nX-Other: x\r\nTo: b\r\nList-Id: c\r\n"
	    "Received: d\r\n\r\n",
	    "rsa2048", &options);
	const char *line = field, *end;
	struct buf flat = buf_new(10000);

	assert_true(has(field, "DKIM-Signature: v=1; a=rsa-sha256; "
			       "c=relaxed/relaxed; d=example.com; s=sel;"));
	assert_false(has(field, "t="));
	for (; (end = strstr(line, "\r\n")) != NULL; line = end + 2)
		assert_true(end - line <= 78);
	assert_string_equal(line, "");
	for (const char *c = field; *c != '\0'; c++)
		if (strchr(" \t\r\n", *c) == NULL)
			assert_true(buf_append_char(&flat, *c));
	assert_true(has(buf_text(&flat),
	    "h=From:From:Date:Subject:To:To:Cc:Reply-To:Sender:Message-ID:"
	    "In-Reply-To:References:MIME-Version:Content-Type:"
	    "Content-Transfer-Encoding:List-Id;bh="));
	buf_free(&flat);
}

static void the_list_may_be_given(void **state)
{
	static const struct dkim_signed_name names[] = {
	    {"Subject", false}, {"X", true}, {"From", false}, {"Y", false}};
	struct dkim_sign_options options = {
	    .names = names, .name_count = COUNT(names)};
	const char *field =
	    sign(*state, "X: 1\r\nFrom: a\r\nX: 2\r\nSubject: s\r\n\r\n",
		"rsa1024", &options);

	assert_true(has(field, "c=simple/simple;"));
	assert_true(has(field, "h=From:From:Subject:X:X:X;"));
}

static void several_keys_sign_in_one_go(void **state)
{
	struct fixture *fixture = *state;
	struct dkim_signer *both[] = {
	    signer(fixture, "rsa2048", "r"), signer(fixture, "ed25519", "e")};
	struct dkim_sign_options options = {.body = CANONICAL_RELAXED};
	struct source source = source_memory(MESSAGE, strlen(MESSAGE));
	struct buf field = buf_new(10000);
	const struct signature_verdict *verdicts;
	struct error err;

	publish(fixture, "r._domainkey.example.com", "p=@RSA2048");
	publish(fixture, "e._domainkey.example.com", "k=ed25519; p=@ED25519");
	assert_true(dkim_sign(&source, both, 2, &options, &field, &err));
	verdicts = verify(fixture,
	    arena_printf(fixture->arena, "%s" MESSAGE, buf_text(&field)));
	assert_int_equal(fixture->dkim.signatures->count, 2);
	check_verdict(&verdicts[0], AUTH_PASS, "", "RSA");
	check_verdict(&verdicts[1], AUTH_PASS, "", "Ed25519");
	/* Nothing is left of a failure. */
	field.limit = field.len + 10;
	assert_false(dkim_sign(&source, both, 2, &options, &field, &err));
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_int_equal(field.len, field.limit - 10);
	dkim_signer_free(&both[0]);
	dkim_signer_free(&both[1]);
	buf_free(&field);
}

static void what_cannot_be_signed_is_said(void **state)
{
	static const char *const messages[] = {
	    "", "\r\nbody", "To: x\r\n\r\n", "From: a\r\nnonsense\r\n\r\n"};
	struct fixture *fixture = *state;
	struct dkim_signer *one = signer(fixture, "rsa1024", "sel");
	struct dkim_sign_options options = {.identity = "joe@example.org"};
	struct buf field = buf_new(10000);
	struct source source;
	struct error err;

	for (size_t i = 0; i < COUNT(messages); i++) {
		source = source_memory(messages[i], strlen(messages[i]));
		assert_false(
		    dkim_sign(&source, &one, 1, &options, &field, &err));
		assert_int_equal(err.kind, ERROR_PERMANENT);
	}
	source = source_memory(MESSAGE, strlen(MESSAGE));
	assert_false(dkim_sign(&source, &one, 1, &options, &field, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_int_equal(field.len, 0);
	dkim_signer_free(&one);
	buf_free(&field);
}

static void keys_that_are_none_are_refused(void **state)
{
	struct dkim_signer *one;
	struct error err;

	assert_null(signer(*state, "ec", "sel"));
	assert_null(signer(*state, "rsa512", "sel"));
	assert_null(signer(*state, "rsa1023", "sel"));
	assert_null(signer(*state, "rsa1024", "a selector"));
	assert_null(signer(*state, "rsa1024", ""));
	assert_false(dkim_signer_new("example.com", "sel", "x", 1, &one, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_null(one);
	dkim_signer_free(&one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(what_is_signed_verifies),
	    CASE(the_field_is_sealed_and_folded),
	    CASE(the_list_may_be_given),
	    CASE(several_keys_sign_in_one_go),
	    CASE(what_cannot_be_signed_is_said),
	    CASE(keys_that_are_none_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
