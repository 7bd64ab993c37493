#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "mail/charset.h"
#include "mail/flowed.h"
#include "mail/text_html.h"
#include "mail/transfer.h"
#include "pieces.h"

#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define BAD UTF8_REPLACEMENT

static bool transfer_stage(void *arg, const char *in, size_t len, bool last,
    struct buf *out, size_t *used)
{
	return transfer_decode(arg, in, len, last, out, used);
}

static bool flowed_stage(void *arg, const char *in, size_t len, bool last,
    struct buf *out, size_t *used)
{
	return flowed_decode(arg, in, len, last, out, used);
}

static bool copy_stage(void *arg, const char *in, size_t len, bool last,
    struct buf *out, size_t *used)
{
	*used = len;
	return transfer_copy_base64(arg, in, len, last, out);
}

static bool html_stage(void *arg, const char *in, size_t len, bool last,
    struct buf *out, size_t *used)
{
	*used = len;
	return text_html_write(arg, in, len, last, out);
}

static void names_are_sorted_and_known_to_iconv(void **state)
{
	iconv_t handle;

	(void)state;
	for (size_t i = 0; i < charset_name_count; i++) {
		if (i > 0)
			assert_true(strcmp(charset_names[i - 1].key,
					charset_names[i].key) < 0);
		handle = iconv_open("UTF-8", charset_names[i].name);
		assert_ptr_not_equal(handle, (iconv_t)-1);
		(void)iconv_close(handle);
	}
}

static void charsets_decode_whole_and_in_pieces(void **state)
{
	static const struct {
		const char *label, *in, *out;
	} rows[] = {
	    {"utf-8", "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80",
		"a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"},
	    {"utf-8", "\xE9t\xC3", BAD "t" BAD},
	    {"utf-8", "\xE2\x82x\xED\xA0\x80", BAD "x" BAD BAD BAD},
	    {NULL, "\xC3\xA9 \xE9", "\xC3\xA9 " BAD},
	    {"x-unheard-of", "\xC3\xA9", "\xC3\xA9"},
	    {"us-ascii", "\xC3\xA9\xE9", "\xC3\xA9" BAD},
	    {"iso-8859-1", "\xE9\x80\x93\x81",
		"\xC3\xA9\xE2\x82\xAC\xE2\x80\x9C" BAD},
	    {"iso-8859-2", "\xB1\xE6", "\xC4\x85\xC4\x87"},
	    {"koi8-r", "\xF0\xD2", "\xD0\x9F\xD1\x80"},
	    {"gb2312", "\xC4\xE3\xBA\xC3", "\xE4\xBD\xA0\xE5\xA5\xBD"},
	    {"gb2312", "\xC4\xE3\xC4", "\xE4\xBD\xA0" BAD},
	    {"gb2312", "\xFFx\xC4\xE3", BAD "x\xE4\xBD\xA0"},
	    /* Windows has the euro sign there. */
	    {"gbk", "1 \x80 \xC4\xE3", "1 \xE2\x82\xAC \xE4\xBD\xA0"},
	    {"big5", "\xA7\x41", "\xE4\xBD\xA0"},
	    {"shift_jis", "\x82\xB1\x87\x40", "\xE3\x81\x93\xE2\x91\xA0"},
	    {"euc-kr", "\xBE\xC8", "\xEC\x95\x88"},
	    {"windows-1258", "a\xCC", "\xC3\xA0"},
	    {"utf-7", "+AOk-x", "\xC3\xA9x"},
	    {"iso-2022-kr", "\x1B$)C\x0E\x3E\x48\x0F!", "\xEC\x95\x88!"},
	    /* With the vendor character that glibc's own decoder refuses. */
	    {"iso-2022-jp", "a\x1B$B\x46\x7C\x2D\x21\x1B(Bb",
		"a\xE6\x97\xA5\xE2\x91\xA0"
		"b"},
	    {"iso-2022-jp", "\x1B(I\x31\x1B(B\x1B$B\x46\x7C\nx",
		"\xEF\xBD\xB1\xE6\x97\xA5\nx"},
	    {"iso-2022-jp", "\x1B$B\x46", BAD},
	    {"iso-2022-jp", "\x1B?x\x1B$", "?x$"},
	    {"iso-2022-jp", "\xC3\xA9x", BAD BAD "x"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows) * COUNT(steps); i++) {
		size_t r = i / COUNT(steps), step = steps[i % COUNT(steps)];
		struct buf out = buf_new(1000);
		struct charset charset;

		charset_open(&charset, slice_of(rows[r].label), CHARSET_BODY);
		feed(charset_stage, &charset, rows[r].in, strlen(rows[r].in),
		    step, &out);
		assert_string_equal(buf_text(&out), rows[r].out);
		charset_close(&charset);
		buf_free(&out);
	}
}

static void wide_charsets_decode_with_and_without_a_mark(void **state)
{
	static const struct {
		const char *label, *in;
		size_t len;
		const char *out;
	} rows[] = {
	    {"utf-16", "\xFF\xFE\xE9\0x\0", 6, "\xC3\xA9x"},
	    {"utf-16", "\xFE\xFF\0\xE9\0x", 6, "\xC3\xA9x"},
	    {"utf-16", "\xE9\0x\0", 4, "\xC3\xA9x"},
	    {"utf-16le", "=\xD8\0\xDEx\0", 6, "\xF0\x9F\x98\x80x"},
	    {"utf-16be", "\0\xE9\xDC\0\0x", 6, "\xC3\xA9" BAD "x"},
	    {"utf-16be", "\0\xE9\0", 3, "\xC3\xA9" BAD},
	    {"utf-32le", "\xE9\0\0\0", 4, "\xC3\xA9"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows) * COUNT(steps); i++) {
		size_t r = i / COUNT(steps), step = steps[i % COUNT(steps)];
		struct buf out = buf_new(1000);
		struct charset charset;

		charset_open(&charset, slice_of(rows[r].label), CHARSET_BODY);
		feed(charset_stage, &charset, rows[r].in, rows[r].len, step,
		    &out);
		assert_string_equal(buf_text(&out), rows[r].out);
		charset_close(&charset);
		buf_free(&out);
	}
}

static void every_charset_gives_utf8_for_any_bytes(void **state)
{
	char bytes[2048];
	uint32_t seed = 1;

	(void)state;
	for (size_t i = 0; i < charset_name_count; i++) {
		struct buf out = buf_new(100000);
		struct charset charset;

		for (size_t k = 0; k < sizeof(bytes); k++) {
			seed = seed * 1103515245U + 12345U;
			bytes[k] = (char)(seed >> 16);
		}
		charset_open(
		    &charset, slice_of(charset_names[i].key), CHARSET_BODY);
		feed(charset_stage, &charset, bytes, sizeof(bytes), 37, &out);
		assert_true(utf8_valid(out.data, out.len));
		charset_close(&charset);
		buf_free(&out);
	}
}

static void transfer_encodings_are_undone_as_far_as_they_go(void **state)
{
	static const struct {
		const char *encoding, *in, *out;
	} rows[] = {
	    {"7bit", "a=3D\r\n", "a=3D\r\n"},
	    {"x-unknown", "as is", "as is"},
	    {"base64", "aGVs\r\nbG8=\r\n", "hello"},
	    {"BASE64 (comment)", "aGVsbG8", "hello"},
	    {"base64;", "a*G-V\rs bG8", "hello"},
	    {"(c) (d)base64", "aGVsbG8", "hello"},
	    {"(c", "aGVsbG8", "aGVsbG8"},
	    {"base64", "aGVsbG8=aGVs", "hello"},
	    {"base64", "aGVsb", "hel"},
	    {"base64", "====", ""},
	    {"base64", "", ""},
	    {"quoted-printable", "a=3Db=3d\r\n", "a=b=\r\n"},
	    {"Quoted-Printable", "soft=\r\nbreak= \t\nand=", "softbreakand"},
	    {"quoted-printable", "blanks  \t\r\n  kept", "blanks\r\n  kept"},
	    {"quoted-printable", "=zz =4 = x", "=zz =4 = x"},
	    {"quoted-printable", "end =4", "end =4"},
	    {"quoted-printable", "end  ", "end"},
	    {"quoted-printable", "=\r\n=\r\nx", "x"},
	    {"quoted-printable", "raw \xC3\xA9", "raw \xC3\xA9"},
	    {"quoted-printable", "cr\rlf", "cr\rlf"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows) * COUNT(steps); i++) {
		size_t r = i / COUNT(steps), step = steps[i % COUNT(steps)];
		struct buf out = buf_new(1000);
		struct transfer transfer;

		transfer_open(
		    &transfer, transfer_named(slice_of(rows[r].encoding)));
		feed(transfer_stage, &transfer, rows[r].in, strlen(rows[r].in),
		    step, &out);
		assert_string_equal(buf_text(&out), rows[r].out);
		buf_free(&out);
	}
}

static void quoted_printable_lets_endless_blanks_through(void **state)
{
	struct buf out = buf_new(100000);
	struct transfer transfer;
	char blanks[5000];

	(void)state;
	memset(blanks, ' ', sizeof(blanks));
	transfer_open(&transfer, TRANSFER_QUOTED_PRINTABLE);
	feed(transfer_stage, &transfer, blanks, sizeof(blanks), 300, &out);
	assert_in_range(out.len, sizeof(blanks) - 1000, sizeof(blanks));
	buf_free(&out);
}

/* Copying must give what decoding and encoding gives. */
static void base64_is_copied_without_decoding(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
	    {"aGVs\r\nbG8=\r\n", "aGVsbG8="},
	    {"aGVsbG8", "aGVsbG8="},
	    {"aGVsbG9=", "aGVsbG8="},
	    {"aGVsb", "aGVs"},
	    {"aGV=", "aGU="},
	    {"aG", "aA=="},
	    {"a", ""},
	    {"a G*V-s", "aGVs"},
	    {"aGVs=bG8=", "aGVs"},
	    {"", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows) * COUNT(steps); i++) {
		size_t r = i / COUNT(steps), step = steps[i % COUNT(steps)];
		struct buf out = buf_new(1000);
		struct transfer_copy copy = {.count = 0};
		bool ended = false;
		uint64_t size;

		feed(copy_stage, &copy, rows[r].in, strlen(rows[r].in), step,
		    &out);
		assert_string_equal(buf_text(&out), rows[r].out);
		size = transfer_decoded_size(transfer_count_base64(
		    rows[r].in, strlen(rows[r].in), &ended));
		assert_int_equal(transfer_encoded_size(size), out.len);
		buf_free(&out);
	}
}

static bool in_alphabet(int c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/* Any byte at any place of a block, and blocks enough for their counters to
 * overflow if they could. */
static void base64_in_blocks_is_the_same_as_by_character(void **state)
{
	static char bytes[20000], want[20000];
	struct buf out = buf_new(sizeof(bytes) + 8);
	struct transfer_copy copy = {.count = 0};
	size_t count = 0;
	bool ended = false;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		int c = (int)(i * 7 % 257 % 256);

		bytes[i] = c == '=' || i % 300 < 200 ? 'x' : (char)c;
		if (in_alphabet((unsigned char)bytes[i]))
			want[count++] = bytes[i];
	}
	assert_int_equal(
	    transfer_count_base64(bytes, sizeof(bytes), &ended), count);
	assert_true(
	    transfer_copy_base64(&copy, bytes, sizeof(bytes), false, &out));
	assert_int_equal(out.len, count / 4 * 4);
	assert_memory_equal(out.data, want, out.len);
	buf_free(&out);
}

static void flowed_text_is_joined(void **state)
{
	static const struct {
		const char *in;
		bool delsp;
		const char *out;
	} rows[] = {
	    {"one \nline\nnext\n", false, "one line\nnext"},
	    {"one \nline\n", true, "oneline"},
	    {" From stuffed\n  x\n", false, "From stuffed\n x"},
	    {"> a \n> b\n>> c\nd\n", false, "> a b\n>> c\nd"},
	    {">a \nb\n", false, ">a \nb"},
	    {"text\n-- \nsignature\n", false, "text\n-- \nsignature"},
	    {"a \n\nb\n", false, "a \nb"},
	    {"a\n\n", false, "a\n"},
	    {"ends soft \n", false, "ends soft "},
	    {"ends soft \n", true, "ends soft"},
	    {"soft \nblank ", true, "softblank "},
	    {"no newline", false, "no newline"},
	    {"a  \nb", false, "a  b"},
	    {"> \n> x\n", false, "> \n> x"},
	    {"", false, ""},
	    {"\n", false, ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows) * COUNT(steps); i++) {
		size_t r = i / COUNT(steps), step = steps[i % COUNT(steps)];
		struct buf out = buf_new(1000);
		struct flowed flowed;

		flowed_open(&flowed, rows[r].delsp);
		feed(flowed_stage, &flowed, rows[r].in, strlen(rows[r].in),
		    step, &out);
		assert_string_equal(buf_text(&out), rows[r].out);
		buf_free(&out);
	}
}

static void text_becomes_html(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
	    {"a <b> & \"c\" 'd'",
		"a &lt;b&gt; &amp; &quot;c&quot; &apos;d&apos;</p>"},
	    {"\n  one\ntwo  \n\n\nthree\n\n", "one<br/>two</p><p>three</p>"},
	    {"a\n  b", "a<br/>  b</p>"},
	    {"a \t\rb", "a\rb</p>"},
	    {"", "</p>"},
	    {" \n ", "</p>"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows) * COUNT(steps); i++) {
		size_t r = i / COUNT(steps), step = steps[i % COUNT(steps)];
		struct buf out = buf_new(1000);
		struct text_html text;

		text_html_open(&text);
		feed(html_stage, &text, rows[r].in, strlen(rows[r].in), step,
		    &out);
		assert_string_equal(buf_text(&out), rows[r].out);
		text_html_close(&text);
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_are_sorted_and_known_to_iconv),
	    cmocka_unit_test(charsets_decode_whole_and_in_pieces),
	    cmocka_unit_test(wide_charsets_decode_with_and_without_a_mark),
	    cmocka_unit_test(every_charset_gives_utf8_for_any_bytes),
	    cmocka_unit_test(transfer_encodings_are_undone_as_far_as_they_go),
	    cmocka_unit_test(quoted_printable_lets_endless_blanks_through),
	    cmocka_unit_test(base64_is_copied_without_decoding),
	    cmocka_unit_test(base64_in_blocks_is_the_same_as_by_character),
	    cmocka_unit_test(flowed_text_is_joined),
	    cmocka_unit_test(text_becomes_html),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
