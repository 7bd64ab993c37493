#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "bounds.h"
#include "mail/html_entity.h"
#include "mail/html_text.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define TEN "0123456789"

static void html_reads_as_text(void **state)
{
	static const struct {
		const char *html, *text;
	} rows[] = {
	    {"", ""},
	    {"no tags", "no tags"},
	    {" a \n\t b ", "a b"},
	    {"<p>one</p><p>two</p>", "one\n\ntwo"},
	    {"<div>one</div><div>two</div>x", "one\ntwo\nx"},
	    {"<div>a</div><div></div><div>b<br></div>c", "a\n\nb\n\nc"},
	    {"a<br>b<br><br>c", "a\nb\n\nc"},
	    {"<b>a</b><i> b</i>c <u> d</u>", "a bc d"},
	    /* Vietnamese and Romanian */
	    {"<h4>\xC6\xA1 \xC6\xB0 \xC8\x99 \xC8\x9B</h4>",
		"\xC6\xA0 \xC6\xAF \xC8\x98 \xC8\x9A"},
	    {"<h1>Big \xC3\xA9 \xC3\x9F</h1><h4>small</h4>x",
		"BIG \xC3\x89 SS\n\nSMALL\n\nx"},
	    {"<h5>\xCE\xAC\xCF\x82 \xD1\x8F \xC5\x82\xC5\xBC</h5>",
		"\xCE\x86\xCE\xA3 \xD0\xAF \xC5\x81\xC5\xBB"},
	    {"<h5>\xC2\xB5\xC3\xBF\xC4\xB1 \xD5\xA1\xD3\x99</h5>",
		"\xCE\x9C\xC5\xB8I \xD4\xB1\xD3\x98"},
	    {"<ul><li>one<li>two<ul><li>in</ul><li>three</ul>after",
		" * one\n * two\n   * in\n * three\n\nafter"},
	    {"<ol start=9><li>nine<li>ten<p>more</ol>",
		" 9.  nine\n 10. ten\n     \n     more"},
	    {"<ol type=i><li>a<li>b<li>c</ol><ol type=A><li>x</ol>",
		" i.   a\n ii.  b\n iii. c\n\n A. x"},
	    {"<ul>text<li>x</ul>", "   text\n * x"},
	    {"<ul> </ul>x", "x"},
	    {"<blockquote><p>q</p><p>r</p></blockquote>after",
		"> q\n> \n> r\n\nafter"},
	    {"<blockquote>a<blockquote>b</blockquote>c</blockquote>",
		"> a\n> \n> > b\n> \n> c"},
	    {"<a href='http://x/?a=1&amp;b=2'>link</a>.",
		"link [http://x/?a=1&b=2]."},
	    {"<a href='mailto:a@b'>mail</a> <a href='#x'>in</a> "
	     "<a href=y></a>",
		"mail [a@b] in y"},
	    {"<img src=s alt=a> <img alt=b> <img src=c>", "a [s] b [c]"},
	    {"<img alt=a alt=b> <img alt='' alt=c src=d>", "a [d]"},
	    {"<pre>  keep\n this</pre>x", "  keep\n this\n\nx"},
	    {"x<hr>y", "x\n\n" TEN TEN TEN TEN TEN TEN TEN TEN "\n\ny"},
	    {"<table><tr><td>a<td>b</tr><tr><td>c</table>x", "a b\nc\n\nx"},
	    {"<table><tr><td><div>a</div></td><td><div>b</div></table>",
		"a\nb"},
	    {"<head><title>T</title><style>s{}</style></head><body>b<script>"
	     "x</script>c</body>after",
		"bc"},
	    {"<head>text<title>T</title><p>more", "text\n\nmore"},
	    {"<div style='display:none'>pre</div>seen", "pre\nseen"},
	    {"a<dl><dt>b<dd>c<dt>d</dl>e", "a\nb\nc\nd\ne"},
	    {"<address>a<br>b</address>c<center>d</center>e", "a\nb\nc\nd\ne"},
	    {"<table><caption>t</caption><tr><td>a<td>b</table>", "t\na b"},
	    {"<script>1 < 2 </p> \"</scr</script >x", "x"},
	    {"a<!-- <p>b --> c<!--[if mso]>d<![endif]-->e", "a ce"},
	    {"&lt;&amp;&copy;&eacute&nbsp;x&#x20AC;&#128;&bogus;&",
		"<&\xC2\xA9\xC3\xA9\xC2\xA0x\xE2\x82\xAC\xE2\x82\xAC&bogus;&"},
	    {"x<y z", "x"},
	    {"1 < 2 > 3", "1 < 2 > 3"},
	    {"<p a='>' b=\">\">x", "x"},
	    {"</p>x</br>y", "\n\nx\ny"},
	    {"<div style=x>a</div\n>b", "a\nb"},
	    {TEN TEN TEN TEN TEN TEN TEN " 90123456789",
		TEN TEN TEN TEN TEN TEN TEN "\n90123456789"},
	    {TEN TEN TEN TEN TEN TEN TEN " 012345678",
		TEN TEN TEN TEN TEN TEN TEN " 012345678"},
	};
	struct buf out = buf_new(100000);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_clear(&out);
		assert_true(html_text(slice_of(rows[i].html), &out));
		/* The rule is dashes; in the table it is easier to count. */
		for (size_t k = 0; k < out.len; k++)
			if (out.data[k] == '-')
				out.data[k] = (char)('0' + (k - 3) % 10);
		assert_string_equal(buf_text(&out), rows[i].text);
	}
	buf_free(&out);
}

static void references_in_attributes_need_their_semicolon(void **state)
{
	struct buf out = buf_new(1000);

	(void)state;
	assert_true(
	    html_entity_decode(slice_of("?a&copy=1&lt;&lt&notx"), true, &out));
	assert_string_equal(buf_text(&out), "?a&copy=1<<&notx");
	buf_clear(&out);
	assert_true(html_entity_decode(
	    slice_of("&notx&#0;&#xD800;&#99999999;&#;&#x;"), false, &out));
	assert_string_equal(buf_text(&out),
	    "\xC2\xACx" UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT
	    "&#;&#x;");
	for (size_t i = 1; i < html_entity_count; i++)
		assert_true(strcmp(html_entities[i - 1].name,
				html_entities[i].name) < 0);
	buf_free(&out);
}

/* One piece of HTML over and over, up to the limit. */
static void repeat(const char *piece, struct buf *html)
{
	buf_clear(html);
	while (html->len + strlen(piece) <= LIMIT_HTML_INPUT)
		(void)buf_append_text(html, piece);
}

static void hostile_html_ends_soon_and_within_its_limit(void **state)
{
	static const char *const pieces[] = {"<div>", "<ul><li>",
	    "<blockquote>", "<blockquote>x<br>", "<ol><li>x", "<a href=x>",
	    "<table><tr><td>", "<x>", "</x>", "<p></", "<!--", "<script>",
	    "&amp", "&", "<", "x", "<h1>\xC3\x9F", "<br>", "<b a='", "\xE2\x80",
	    "<hr>", "</div></p>", "<li>", "<ol start=2147483647 type=i><li>"};
	struct buf html = buf_new(LIMIT_HTML_INPUT);
	struct buf out = buf_new(LIMIT_HTML_TEXT);

	(void)state;
	for (size_t i = 0; i < COUNT(pieces); i++) {
		buf_clear(&out);
		repeat(pieces[i], &html);
		(void)html_text((struct slice){html.data, html.len}, &out);
		assert_true(out.len <= LIMIT_HTML_TEXT);
	}
	buf_free(&html);
	buf_free(&out);
}

static void elements_nest_down_to_their_limit(void **state)
{
	struct buf html = buf_new(100000), out = buf_new(100000);

	(void)state;
	for (size_t i = 0; i < LIMIT_HTML_DEPTH + 5; i++)
		(void)buf_append_text(&html, "<div>");
	(void)buf_append_text(&html, "deep</div>x");
	assert_true(html_text((struct slice){html.data, html.len}, &out));
	assert_string_equal(buf_text(&out), "deep\nx");
	buf_free(&html);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(html_reads_as_text),
	    cmocka_unit_test(references_in_attributes_need_their_semicolon),
	    cmocka_unit_test(hostile_html_ends_soon_and_within_its_limit),
	    cmocka_unit_test(elements_nest_down_to_their_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
