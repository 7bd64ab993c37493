#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "bounds.h"
#include "mail/links.h"

#include <string.h>

static void add_host(void *arg, struct slice host)
{
	struct buf *all = arg;

	(void)buf_append_char(all, ' ');
	(void)buf_append(all, host.data, host.len);
}

static void hosts_are(const char *text, bool html, const char *want)
{
	struct buf all = buf_new(10000);

	if (html)
		links_in_html(slice_of(text), add_host, &all);
	else
		links_in_text(slice_of(text), add_host, &all);
	assert_string_equal(all.len > 0 ? buf_text(&all) + 1 : "", want);
	buf_free(&all);
}

static void links_of_a_text(void **state)
{
	static const struct {
		const char *text, *hosts;
	} rows[] = {
	    {"", ""},
	    {"See http://a.example/x and HTTPS://B.example.", "a.example "
							      "B.example"},
	    {"http://u:p@a.example:8080/x?http://b.example/",
		"a.example b.example"},
	    {"http://a.example/?u=https%3a%2F%2Fb.example:80 c.com",
		"a.example b.example c.com"},
	    {"(http://a.example), <http://b.example>", "a.example b.example"},
	    {"\"http://a.example\" 'http://b.example'", "a.example b.example"},
	    {"http://a.example\\@b.example", "a.example"},
	    {"http://safe.example@bad.example/", "bad.example"},
	    {"www.a.example is one, awww.b.example is not", "www.a.example"},
	    {"Go to www.a.example, (WWW.b.example) or www.c.example:80/x",
		"www.a.example WWW.b.example www.c.example"},
	    {"mail to x@www.a.example, or http://www.b.example",
		"www.b.example"},
	    {"xhttp://a.example", "a.example"},
	    {"Go to a.com, B.CO.UK/x, (c.info) or d.xn--p1ai.",
		"a.com B.CO.UK c.info d.xn--p1ai"},
	    {"a.com\xE6\x9F\xA5 x\xC3\xBC.com", "a.com"},
	    {"e.g. 3.14 v1.2.3 a.invalid x..com .com com a_b.com", "x..com"},
	    {"a.b@c.com x@d.com/e.com f/g.com ftp://h.com", ""},
	    {"ftp://a.example gopher://b.example ://c.example", ""},
	    {"http:// http:///x http://. http:", ""},
	    {"http://[::1]/ http://1.2.3.4/", "[ 1.2.3.4"},
	    {"http://\xC3\xBC.example", "\xC3\xBC.example"},
	    {"http://http://a.example", "http"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		hosts_are(rows[i].text, false, rows[i].hosts);
}

static void links_of_a_page(void **state)
{
	static const struct {
		const char *html, *hosts;
	} rows[] = {
	    {"<a href=\"http://a.example/\">http://b.example</a>",
		"a.example b.example"},
	    {"<A HREF=https://a.example/x>x</A>", "a.example"},
	    {"<a href='//a.example/x'>", "a.example"},
	    {"<a href='https://a.example/url?q=http://b.example/&c=d'>",
		"a.example b.example"},
	    {"<a href='//a.example/?q=https%3A%2F%2fb.example%2Fx'>",
		"a.example b.example"},
	    {"<a href='/?q=http://b.example'>", ""},
	    {"<a href='/x//y'><a href='mailto:a@b.example'><a href='#x'>", ""},
	    {"<img src=\"http://a.example/p.png\">", "a.example"},
	    {"<form action='//a.example/'><button formaction=http:b.example>",
		"a.example b.example"},
	    {"<body background=\"http://a.example/p.png\">", "a.example"},
	    {"<meta http-equiv=refresh content=\"0;URL='http://a.example/'\">",
		"a.example"},
	    {"<meta content='0; url=http&#58;//a.example'>", "a.example"},
	    {"<meta name=viewport content='width=device-width'>", ""},
	    {"<a href=\"ht\ntp://a.exa\tmple\">", "a.example"},
	    {"<a href=\" \nhttp:\\\\a.example\\x\">", "a.example"},
	    {"<a href=\"http:////a.example\">", "a.example"},
	    {"<a href=http:/a.example/x><a href=HTTPS:b.example>",
		"a.example b.example"},
	    {"<a href=\"&#1; \x02http://a.example\">", "a.example"},
	    {"<a href=\"a.example\"><a href=\"\"><a href=\"http:\">", ""},
	    {"<a href=\"&#104;ttp&colon;//a&period;example\">", "a.example"},
	    {"<a href=\"http://a.example?x=1&copy=2\">", "a.example"},
	    {"<a href=\"http://safe.example@bad.example/\">", "bad.example"},
	    {"text http&#58;//a.example", "a.example"},
	    {"<!-- http://a.example --><script>'http://b.example'</script>",
		""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		hosts_are(rows[i].html, true, rows[i].hosts);
}

/* Padding hides no host. */
static void long_links(void **state)
{
	char padding[5001];
	struct buf page = buf_new(20000);

	(void)state;
	memset(padding, 'x', sizeof(padding) - 1);
	padding[sizeof(padding) - 1] = '\0';
	assert_true(buf_append_text(&page, "<a href=\"http://a.example/?") &&
		    buf_append_text(&page, padding) &&
		    buf_append_text(&page, "\"></a> http://safe.example:") &&
		    buf_append_text(&page, padding) &&
		    buf_append_text(&page, "@b.example/"));
	hosts_are(buf_text(&page), true, "a.example b.example");
	buf_free(&page);
}

/* Nor does nesting: browsers open what is too deep for them, too. */
static void deep_links(void **state)
{
	struct buf page = buf_new(20000);

	(void)state;
	for (int i = 0; i < 2 * LIMIT_HTML_DEPTH; i++)
		assert_true(buf_append_text(&page, "<div>"));
	assert_true(
	    buf_append_text(&page, "<a href=\"http://a.example\"></a>"));
	hosts_are(buf_text(&page), true, "a.example");
	buf_free(&page);
}

static void lists_are_asked_for_what_was_registered(void **state)
{
	static const struct {
		const char *host, *name; /* NULL: nothing to ask */
	} rows[] = {
	    {"example.com", "example.com"},
	    {"WWW.Example.COM", "example.com"},
	    {"a.b.c.example.co.uk", "example.co.uk"},
	    {"co.uk", "co.uk"},
	    {"example.com.", "example.com"},
	    {"b\xC3\xBC"
	     "cher.example",
		"xn--bcher-kva.example"},
	    {"B\xC3\x9C"
	     "CHER.example",
		"xn--bcher-kva.example"},
	    {"xn--bcher-kva.example", "xn--bcher-kva.example"},
	    {"%65xample.c%6Fm", "example.com"},
	    {"a!b$c&d'(e)*+,;=~.example.com", "example.com"},
	    {"a$b.com", NULL},
	    {"192.0.2.1", "1.2.0.192"},
	    {"%31.2.3.4", "4.3.2.1"},
	    {"0xC0.0.0x201", "1.2.0.192"},
	    {"3221225985", "1.2.0.192"},
	    {"192.0.2.1 x", NULL},
	    {"localhost", NULL},
	    {"", NULL},
	    {".", NULL},
	    {"a..example", NULL},
	    {"[", NULL},
	    {"a b.example", NULL},
	    {"a%00.example", NULL},
	    {"a\n.example", NULL},
	    {"::1", NULL},
	};
	char name[DOMAIN_SIZE], longest[DOMAIN_SIZE * 3 + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool found = link_list_name(slice_of(rows[i].host), name);

		assert_int_equal(found, rows[i].name != NULL);
		if (found)
			assert_string_equal(name, rows[i].name);
	}
	memset(longest, 'a', sizeof(longest));
	assert_false(
	    link_list_name((struct slice){longest, sizeof(longest)}, name));
	longest[100] = '.';
	assert_false(link_list_name((struct slice){longest, 200}, name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(links_of_a_text),
	    cmocka_unit_test(links_of_a_page),
	    cmocka_unit_test(long_links),
	    cmocka_unit_test(deep_links),
	    cmocka_unit_test(lists_are_asked_for_what_was_registered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
