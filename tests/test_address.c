#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mail/address.h"
#include "mail/trace_header.h"

#include <stdlib.h>
#include <string.h>

/* A label one longer than it may be. */
#define PATH_OF_LABEL_64                                                       \
	"<a@0123456789012345678901234567890123456789012345678901234567890123>"

/* Memory of exactly this length, so that sanitizers see its end. */
static char *exact(const char *text, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	memcpy(copy, text, len);
	return copy;
}

static void paths_are_read_and_respelt(void **state)
{
	static const struct {
		const char *in;
		const char *out;
		const char *domain;
	} rows[] = {
	    {"<a@example.com>", "a@example.com", "example.com"},
	    {"<a@example.com> SIZE=1", "a@example.com", "example.com"},
	    {"<>", "", ""},
	    {"<Postmaster>", "Postmaster", ""},
	    {"<A.b+c=d@EXAMPLE.com>", "A.b+c=d@EXAMPLE.com", "EXAMPLE.com"},
	    {"<a..b.@x_y.example>", "a..b.@x_y.example", "x_y.example"},
	    {"<@relay.example,@b.example:a@c.example>", "a@c.example",
		"c.example"},
	    {"<\"joe\"@a.example>", "joe@a.example", "a.example"},
	    {"<\"j\\oe\"@a.example>", "joe@a.example", "a.example"},
	    {"<\"joe doe\"@a.example>", "\"joe doe\"@a.example", "a.example"},
	    {"<\"a@b\"@a.example>", "\"a@b\"@a.example", "a.example"},
	    {"<\"a\\\"b\\\\\"@a.example>", "\"a\\\"b\\\\\"@a.example",
		"a.example"},
	    {"<\"\\.a\"@a.example>", "\".a\"@a.example", "a.example"},
	    {"<\"\"@a.example>", "\"\"@a.example", "a.example"},
	    {"<\">\"@a.example>", "\">\"@a.example", "a.example"},
	    {"<a@[192.0.2.1]>", "a@[192.0.2.1]", "[192.0.2.1]"},
	    {"<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]",
		"[IPv6:2001:db8::1]"},
	    {"<j\xC3\xB6@b\xC3\xBC.example>", "j\xC3\xB6@b\xC3\xBC.example",
		"b\xC3\xBC.example"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = exact(rows[i].in, strlen(rows[i].in));
		struct address address;
		char out[ADDRESS_SIZE];
		size_t used;

		assert_true(address_parse_path(
		    text, strlen(rows[i].in), &address, &used));
		/* A path ends where its bracket does. */
		assert_int_equal(
		    used, (size_t)(strrchr(rows[i].in, '>') - rows[i].in) + 1);
		assert_int_equal(
		    address_format(&address, out), strlen(rows[i].out));
		assert_string_equal(out, rows[i].out);
		assert_int_equal(address.domain_len, strlen(rows[i].domain));
		assert_memory_equal(
		    address.domain, rows[i].domain, address.domain_len);
		assert_int_equal(address.utf8, !address_is_ascii(out));
		free(text);
	}
}

static void broken_paths_are_refused_at_every_cut(void **state)
{
	static const char *const rows[] = {"", "a@b", "<a@b", "<a@>", "<@b>",
	    "<a@b.>", "<a@.b>", "<a@b..c>", "<a b@c>", "<a@b c>", "<\"a@b>",
	    "<\"a\\\"@b>", "<\"a\"b@c>", "<a@[1.2.3]>", "<a@[1.2.3.4>",
	    "<a@[IPv6:1.2.3.4]>", "<a@[2001:db8::1]>", "<a@[x:y]>",
	    "<@a,b:c@d>", "<@a:>", "<@a:@b>", "<a@b@c>", "<a\x01@b>",
	    "<a\xFF@b>", "<\"\x7F\"@b>", "<a@b\xC3>", "<<a@b>>", "< a@b>",
	    PATH_OF_LABEL_64};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t len = 0; len <= strlen(rows[i]); len++) {
			char *text = exact(rows[i], len);
			struct address address;
			size_t used;

			assert_false(
			    address_parse_path(text, len, &address, &used));
			free(text);
		}
	}
}

static void a_path_may_be_as_long_as_its_limit(void **state)
{
	char text[LIMIT_PATH + 1];
	struct address address;
	size_t used;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[0] = '<';
	memcpy(text + LIMIT_PATH - 7, "@b.com>", 7);
	assert_true(address_parse_path(text, LIMIT_PATH, &address, &used));
	assert_int_equal(used, LIMIT_PATH);
	memset(text + 1, 'a', sizeof(text) - 1);
	memcpy(text + LIMIT_PATH - 6, "@b.com>", 7);
	assert_false(address_parse_path(text, LIMIT_PATH + 1, &address, &used));
}

static void a_mailbox_needs_its_domain_and_nothing_more(void **state)
{
	struct address address;

	(void)state;
	assert_true(address_parse("a@b.example", 11, &address));
	assert_false(address_parse("postmaster", 10, &address));
	assert_true(address_parse_recipient("a@b.example", 11, &address));
	assert_true(address_parse_recipient("PostMaster", 10, &address));
	assert_false(address_parse_recipient("postmaster@", 11, &address));
	assert_false(address_parse_recipient("postmaste", 9, &address));
	assert_false(address_parse_recipient("", 0, &address));
	assert_false(address_parse("a@b.example ", 12, &address));
	assert_false(address_parse("", 0, &address));
	assert_true(address_is_domain("example.com", 11));
	assert_false(address_is_domain("example.com.", 12));
	assert_false(address_is_domain("[1.2.3.4]", 9));
}

static void trace_headers_say_where_a_message_came_from(void **state)
{
	struct buf buf = buf_new(2000);
	struct received received = {.helo = "client.example",
	    .client_ip = "192.0.2.1",
	    .host = "mx.example.com",
	    .protocol = "ESMTP",
	    .id = "01ARZ3NDEKTSV4RRFFQ69G5FAV",
	    .recipient = "u@example.com",
	    .when_ms = 1769862896789};

	(void)state;
	assert_true(trace_return_path(&buf, "s@example.org"));
	assert_true(trace_received(&buf, &received));
	assert_string_equal(buf_text(&buf),
	    "Return-Path: <s@example.org>\r\n"
	    "Received: from client.example ([192.0.2.1])\r\n"
	    "\tby mx.example.com with ESMTP id 01ARZ3NDEKTSV4RRFFQ69G5FAV\r\n"
	    "\tfor <u@example.com>;\r\n"
	    "\tSat, 31 Jan 2026 12:34:56 +0000\r\n");
	buf_free(&buf);
}

static void trace_headers_make_a_strangers_name_harmless(void **state)
{
	struct buf buf = buf_new(2000);
	struct received received = {.helo = "a;(b)\r\n\xC3\xA9[x]",
	    .client_name = "host.example",
	    .client_ip = "2001:db8::1",
	    .host = "mx.example.com",
	    .protocol = "UTF8SMTPS",
	    .tls = "TLSv1.3 TLS_AES_256_GCM_SHA384",
	    .id = "01ARZ3NDEKTSV4RRFFQ69G5FAV"};

	(void)state;
	assert_true(trace_return_path(&buf, ""));
	assert_true(trace_received(&buf, &received));
	assert_string_equal(buf_text(&buf),
	    "Return-Path: <>\r\n"
	    "Received: from a??b?????[x] (host.example [IPv6:2001:db8::1])\r\n"
	    "\t(using TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
	    "\tby mx.example.com with UTF8SMTPS id "
	    "01ARZ3NDEKTSV4RRFFQ69G5FAV;\r\n"
	    "\tThu, 01 Jan 1970 00:00:00 +0000\r\n");
	buf_free(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(paths_are_read_and_respelt),
	    cmocka_unit_test(broken_paths_are_refused_at_every_cut),
	    cmocka_unit_test(a_path_may_be_as_long_as_its_limit),
	    cmocka_unit_test(a_mailbox_needs_its_domain_and_nothing_more),
	    cmocka_unit_test(trace_headers_say_where_a_message_came_from),
	    cmocka_unit_test(trace_headers_make_a_strangers_name_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
