#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "mail/charset_mend.h"
#include "pieces.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define BAD UTF8_REPLACEMENT

struct row {
	const char *label, *in, *out;
	size_t len; /* of `in`; 0: up to its NUL */
};

/* Whole, then in pieces of every step. */
static void check(const struct row *row)
{
	size_t len = row->len > 0 ? row->len : strlen(row->in);

	for (size_t i = 0; i < COUNT(steps); i++) {
		struct buf out = buf_new(4000);
		struct charset charset;

		charset_open(&charset, slice_of(row->label), CHARSET_BODY);
		feed(charset_stage, &charset, row->in, len, steps[i], &out);
		assert_string_equal(buf_text(&out), row->out);
		assert_true(utf8_valid(out.data, out.len));
		charset_close(&charset);
		buf_free(&out);
	}
}

static void check_all(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check(&rows[i]);
}

/* Every charset that mail was seen in, as another implementation encodes
 * it. */
static void charsets_of_mail_are_decoded(void **state)
{
	static const struct row rows[] = {
	    {"iso-8859-1", "caf\xE9", "caf\xC3\xA9", 0},
	    {"iso-8859-2", "za\xBF\xF3\xB3\xE6",
		"za\xC5\xBC\xC3\xB3\xC5\x82\xC4\x87", 0},
	    {"iso-8859-3", "\xE6\xF8\xB6", "\xC4\x89\xC4\x9D\xC4\xA5", 0},
	    {"iso-8859-4", "\xE0\xBA\xBB", "\xC4\x81\xC4\x93\xC4\xA3", 0},
	    {"iso-8859-5", "\xBF\xE0\xD8\xD2\xD5\xE2",
		"\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82", 0},
	    {"iso-8859-6", "\xD3\xE4\xC7\xE5",
		"\xD8\xB3\xD9\x84\xD8\xA7\xD9\x85", 0},
	    {"iso-8859-7", "\xC3\xE5\xE9\xDC\xA4",
		"\xCE\x93\xCE\xB5\xCE\xB9\xCE\xAC\xE2\x82\xAC", 0},
	    {"iso-8859-8", "\xF9\xEC\xE5\xED",
		"\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D", 0},
	    {"ISO-8859-8-I", "\xF9\xEC\xE5\xED",
		"\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D", 0},
	    {"iso-8859-9", "\xFE\xF0\xFD", "\xC5\x9F\xC4\x9F\xC4\xB1", 0},
	    {"iso-8859-10", "\xE0\xBF", "\xC4\x81\xC5\x8B", 0},
	    {"iso-8859-11", "\xCA\xC7\xD1\xCA\xB4\xD5",
		"\xE0\xB8\xAA\xE0\xB8\xA7\xE0\xB8\xB1\xE0\xB8\xAA\xE0\xB8\x94"
		"\xE0\xB8\xB5",
		0},
	    {"iso-8859-13", "\xE0\xE8\xE6", "\xC4\x85\xC4\x8D\xC4\x99", 0},
	    {"iso-8859-14", "\xF0\xFE", "\xC5\xB5\xC5\xB7", 0},
	    {"iso-8859-15", "\xBD\xA4", "\xC5\x93\xE2\x82\xAC", 0},
	    {"iso-8859-16", "\xBA\xFE", "\xC8\x99\xC8\x9B", 0},
	    {"windows-1250", "\x9Elu\x9Dou\xE8k\xFD",
		"\xC5\xBElu\xC5\xA5ou\xC4\x8Dk\xC3\xBD", 0},
	    {"windows-1251", "\xCF\xF0\xE8\xE2\xE5\xF2",
		"\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82", 0},
	    {"windows-1252", "\x93\x80\x94",
		"\xE2\x80\x9C\xE2\x82\xAC\xE2\x80\x9D", 0},
	    {"windows-1253", "\xC3\xE5\xE9\xDC",
		"\xCE\x93\xCE\xB5\xCE\xB9\xCE\xAC", 0},
	    {"windows-1254", "\xDDstanbul", "\xC4\xB0stanbul", 0},
	    {"windows-1255", "\xF9\xEC\xE5\xED",
		"\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D", 0},
	    {"windows-1256", "\xD3\xE1\xC7\xE3",
		"\xD8\xB3\xD9\x84\xD8\xA7\xD9\x85", 0},
	    {"windows-1257", "\xE0\xE8\xE6", "\xC4\x85\xC4\x8D\xC4\x99", 0},
	    {"windows-1258", "\xF0\xF4\xFE", "\xC4\x91\xC3\xB4\xE2\x82\xAB", 0},
	    {"koi8-r", "\xF0\xD2\xC9\xD7\xC5\xD4",
		"\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82", 0},
	    {"koi8-u", "\xB7\xD6\xC1\xCB", "\xD0\x87\xD0\xB6\xD0\xB0\xD0\xBA",
		0},
	    {"utf-7", "+AOll5Q-", "\xC3\xA9\xE6\x97\xA5", 0},
	    {"macintosh", "\x8E\xA0", "\xC3\xA9\xE2\x80\xA0", 0},
	    {"x-mac-cyrillic", "\x8F\xF0\xE8\xE2\xE5\xF2",
		"\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82", 0},
	    {"x-mac-ce", "\xEC\xF3", "\xC5\xBE\xC5\xAF", 0},
	    {"ibm850", "\x82", "\xC3\xA9", 0},
	    {"cp437", "\x82", "\xC3\xA9", 0},
	    {"ibm866", "\x8F\xE0\xA8\xA2\xA5\xE2",
		"\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82", 0},
	    {"iso-ir-100", "\xE9", "\xC3\xA9", 0},
	    {"l2", "\xB3", "\xC5\x82", 0},
	    {"cp20866", "\xE4\xC1", "\xD0\x94\xD0\xB0", 0},
	};

	(void)state;
	check_all(rows, COUNT(rows));
}

static void charsets_of_east_asia_are_decoded(void **state)
{
	static const struct row rows[] = {
	    {"gb2312", "\xC4\xE3\xBA\xC3", "\xE4\xBD\xA0\xE5\xA5\xBD", 0},
	    {"gbk",
		"\xE9"
		"F\xE6g",
		"\xE9\x95\x95\xE9\x8E\x94", 0},
	    {"gb18030",
		"\x95"
		"2\x82"
		"6\x81"
		"9\xEE"
		"9",
		"\xF0\xA0\x80\x80\xE3\x90\x80", 0},
	    {"big5",
		"\xA7"
		"A\xA6n",
		"\xE4\xBD\xA0\xE5\xA5\xBD", 0},
	    {"big5-hkscs", "\x9D\xEF\x9D\xF7", "\xE5\x98\x85\xE5\x92\x97", 0},
	    {"euc-kr", "\xBE\xC8\xB3\xE7", "\xEC\x95\x88\xEB\x85\x95", 0},
	    {"ks_c_5601-1987",
		"\x8C"
		"c\xB9\xE6",
		"\xEB\x98\xA0\xEB\xB0\xA9", 0},
	    {"shift_jis", "\xEE\xE0\x8B\xB4\x87@",
		"\xE9\xAB\x99\xE6\xA9\x8B\xE2\x91\xA0", 0},
	    {"cp932", "\xC3\xBD\xC4", "\xEF\xBE\x83\xEF\xBD\xBD\xEF\xBE\x84",
		0},
	    {"windows-31j", "\x87\x8A", "\xE3\x88\xB1", 0},
	    {"iso-2022-jp", "\x1B$BF|K\\8l\x1B(B",
		"\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", 0},
	    {"iso-2022-kr", "\x1B$)C\x0E>H3g\x0F", "\xEC\x95\x88\xEB\x85\x95",
		0},
	    {"euc-jp", "\xC6\xFC\xCB\xDC\xB8\xEC\x8E\xB1",
		"\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\xEF\xBD\xB1", 0},
	    {"tis-620", "\xCA\xC7\xD1\xCA\xB4\xD5",
		"\xE0\xB8\xAA\xE0\xB8\xA7\xE0\xB8\xB1\xE0\xB8\xAA\xE0\xB8\x94"
		"\xE0\xB8\xB5",
		0},
	    {"johab", "\x99\xB1\xA4w", "\xEB\x98\xA0\xEB\xB0\xA9", 0},
	};

	(void)state;
	check_all(rows, COUNT(rows));
}

static void labels_have_many_spellings(void **state)
{
	static const struct {
		const char *label, *name;
	} rows[] = {
	    {"Latin1", "CP1252"},
	    {"ISO_8859-1:1987", "CP1252"},
	    {"iso8859-1", "CP1252"},
	    {"ISO-8859-01", "CP1252"},
	    {"iso8859_15", "ISO-8859-15"},
	    {"Win-1251", "CP1251"},
	    {"windows1251", "CP1251"},
	    {"x-cp1251", "CP1251"},
	    {"cp-1250", "CP1250"},
	    {" utf-8 ", "UTF-8"},
	    {"'utf-8'", "UTF-8"},
	    {"utf_8", "UTF-8"},
	    {"unicode-1-1-utf-8", "UTF-8"},
	    {"unicode-1-1-utf-7", "UTF-7"},
	    {"ANSI_X3.4-1968", "ASCII"},
	    {"US_ASCII", "ASCII"},
	    {"GB_2312-80", "GB18030"},
	    {"x-gbk", "GB18030"},
	    {"EUC-CN", "GB18030"},
	    {"ks_c_5601", "UHC"},
	    {"KS_C_5601-1989", "UHC"},
	    {"cseuckr", "UHC"},
	    {"x-windows-949", "UHC"},
	    {"Shift-JIS", "CP932"},
	    {"x-sjis", "CP932"},
	    {"MS_Kanji", "CP932"},
	    {"SJIS-win", "CP932"},
	    {"iso-2022-jp-ms", "ISO-2022-JP"},
	    {"CP50220", "ISO-2022-JP"},
	    {"JIS", "ISO-2022-JP"},
	    {"x-euc-jp", "EUC-JP-MS"},
	    {"cp51932", "EUC-JP-MS"},
	    {"Big5-ETen", "BIG5-HKSCS"},
	    {"x-x-big5", "BIG5-HKSCS"},
	    {"CN-Big5", "BIG5-HKSCS"},
	    {"TIS620", "CP874"},
	    {"iso-8859-11", "CP874"},
	    {"x-mac-roman", "MACINTOSH"},
	    {"koi8-ru", "KOI8-U"},
	    {"cp28592", "ISO-8859-2"},
	    {"cp65001", "UTF-8"},
	    {"ucs-2", "UTF-16LE"},
	    {"utf16", "UTF-16"},
	    {"utf-32be", "UTF-32BE"},
	    {"UTF-8", "UTF-8"},
	    {"utf8", "UTF-8"},
	    {"\"utf-8\"", "UTF-8"},
	    {"latin1", "CP1252"},
	    {"iso-8859-9", "CP1254"},
	    {"GB2312", "GB18030"},
	    {"ks_c_5601-1987", "UHC"},
	    {"Shift_JIS", "CP932"},
	    {"windows-1251", "CP1251"},
	    {"win1251", "CP1251"},
	    {"iso-8859-8-i", "ISO-8859-8"},
	    {"tis-620", "CP874"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *name = charset_find(slice_of(rows[i].label));

		assert_non_null(name);
		assert_string_equal(name, rows[i].name);
	}
}

static void labels_of_nothing_are_not_found(void **state)
{
	static const char *const rows[] = {
	    "x-user-defined",
	    "unknown-8bit",
	    "_charset_",
	    "--",
	    "utf-8-and-a-very-long-name-that-nobody-ever-heard-of",
	    "",
	    "x-unknown",
	    "UTF-8//TRANSLIT",
	    "../../lib/evil",
	    "INTERNAL",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_null(charset_find(slice_of(rows[i])));
}

static void labels_of_one_charset_are_the_same(void **state)
{
	(void)state;
	assert_true(charset_same(slice_of("utf8"), slice_of("UTF-8")));
	assert_true(charset_same(slice_of("x-y"), slice_of("X-Y")));
	assert_false(charset_same(slice_of("x-y"), slice_of("x-z")));
}

/* Senders write what Windows has under the names of smaller standards. */
static void characters_of_vendors_are_known(void **state)
{
	static const struct row rows[] = {
	    /* A name with IBM's kanji, as Outlook sends it; NEC's digits. */
	    {"iso-2022-jp", "\x1B$B|b66\x1B(B", "\xE9\xAB\x99\xE6\xA9\x8B", 0},
	    {"iso-2022-jp", "\x1B$Byu\x1B(B", "\xEF\xA8\x91", 0},
	    {"iso-2022-jp", "\x1B$B-!-j-b\x1B(B",
		"\xE2\x91\xA0\xE3\x88\xB1\xE2\x84\x96", 0},
	    {"euc-jp", "\xFC\xE2\xB6\xB6", "\xE9\xAB\x99\xE6\xA9\x8B", 0},
	    {"euc-jp", "\xAD\xA1", "\xE2\x91\xA0", 0},
	    {"shift_jis", "\xFB\xFC\x8B\xB4", "\xE9\xAB\x99\xE6\xA9\x8B", 0},
	    /* JIS X 0212, half-width katakana, the yen sign's set. */
	    {"iso-2022-jp", "\x1B$(D0!\x1B(B", "\xE4\xB8\x82", 0},
	    {"iso-2022-jp", "\x1B(I1\x1B(J\\", "\xEF\xBD\xB1\\", 0},
	    {"gb2312", "\x80 \xA3\xA0|", "\xE2\x82\xAC \xE3\x80\x80|", 0},
	    {"gb2312", "\xE9\x46", "\xE9\x95\x95", 0},
	    {"euc-kr", "\x8C\x63", "\xEB\x98\xA0", 0},
	    /* A name written by parts, full-width forms, the euro sign. */
	    {"big5", "\xA1\x45\xA1\xE3\xA2\x44\xA3\xE1",
		"\xE2\x80\xA7\xEF\xBD\x9E\xEF\xBF\xA5\xE2\x82\xAC", 0},
	    {"big5", "\xA1\xFE\xA2\xCC\xF9\xD6",
		"\xEF\xBC\x8F\xE5\x8D\x81\xE7\xA2\x81", 0},
	    {"iso-8859-1", "\x93\x80\x94",
		"\xE2\x80\x9C\xE2\x82\xAC\xE2\x80"
		"\x9D",
		0},
	    {"iso-8859-9", "\x80\xFE", "\xE2\x82\xAC\xC5\x9F", 0},
	    {"iso-8859-11", "\x85\xA1", "\xE2\x80\xA6\xE0\xB8\x81", 0},
	    {"windows-1255", "\xCA", "\xD6\xBA", 0},
	    {"x-mac-cyrillic", "\xFF\x80", "\xE2\x82\xAC\xD0\x90", 0},
	    {"macintosh", "\xC6\xDB\xF0",
		"\xE2\x88\x86\xE2\x82\xAC\xEF\xA3\xBF", 0},
	};

	(void)state;
	check_all(rows, COUNT(rows));
}

static void what_is_broken_becomes_replacement_characters(void **state)
{
	static const struct row rows[] = {
	    {"gb2312", "a\xFF\x62\x81", "a" BAD "b" BAD, 0},
	    {"big5", "\xFF\x80x\xA7", BAD BAD "x" BAD, 0},
	    {"shift_jis", "L\x80\xA0", "L\xC2\x80" BAD, 0},
	    {"shift_jis", "\x82\xB1\x82", "\xE3\x81\x93" BAD, 0},
	    {"euc-kr", "\xBE \xBE\xC8", BAD " \xEC\x95\x88", 0},
	    {"euc-jp", "\x8F\xB0", BAD BAD, 0},
	    {"gb2312", "a\x81\x34\x28", "a" BAD "4(", 0},
	    {"euc-jp", "\x80\x85x\x9F\x8E\xB1", BAD BAD "x" BAD "\xEF\xBD\xB1",
		0},
	    {"iso-2022-jp", "\x1B$BF|", "\xE6\x97\xA5", 0},
	    {"iso-2022-jp", "\x1B$BF\n|", BAD "\n|", 0},
	    {"windows-1253", "\xD2\xE1", BAD "\xCE\xB1", 0},
	    {"utf-7", "+AOk", "\xC3\xA9", 0},
	    {"utf-7", "1 + 1 +- 1+", "1 + 1 + 1+", 0},
	    {"utf-7", "+2D3eAA-\xE9", "\xF0\x9F\x98\x80" BAD, 0},
	    {"utf-7", "+2D0AQQ.+3gA-", BAD "A." BAD, 0},
	    {"utf-8", "\xC0\x80\xF5\xED\xA0\x80", BAD BAD BAD BAD BAD BAD, 0},
	    {"x-nothing", "\xE9\xC3\xA9", BAD "\xC3\xA9", 0},
	    {"us-ascii", "\xE9", BAD, 0},
	};

	(void)state;
	check_all(rows, COUNT(rows));
}

/* The beginning in 64 bytes of pairs that say nothing about their order. */
#define HAN "\x4E\x4E\x4E\x4E\x4E\x4E\x4E\x4E"
#define HAN8 HAN HAN HAN HAN HAN HAN HAN HAN

static void wide_charsets_find_their_order(void **state)
{
	static const struct row rows[] = {
	    {"utf-16", "\xFF\xFE\xE9\0x\0", "\xC3\xA9x", 6},
	    {"utf-16", "\xFE\xFF\0\xE9\0x", "\xC3\xA9x", 6},
	    {"utf-16", "\0\xE9\0x", "\xC3\xA9x", 4},
	    {"utf-16", "\xE9\0x\0", "\xC3\xA9x", 4},
	    {"unicode", "\xFF\xFEx\0", "x", 4},
	    {"utf-16le", "\xFF\xFEx\0", "x", 4},
	    {"utf-16be", "\0x", "x", 2},
	    /* A mark knows better than the label. */
	    {"utf-16le", "\xFE\xFF\0x", "x", 4},
	    {"utf-16be", "=\xD8\0\xDE", "\xE3\xB7\x98\xC3\x9E", 4},
	    {"utf-16", "\xFF\xFE=\xD8\0\xDE", "\xF0\x9F\x98\x80", 6},
	    {"utf-16le", "=\xD8x\0", BAD "x", 4},
	    {"utf-16", "x", BAD, 1},
	    {"utf-16", "", "", 0},
	    {"utf-32", "\xFF\xFE\0\0x\0\0\0", "x", 8},
	    {"utf-32", "\0\0\xFE\xFF\0\0\0x", "x", 8},
	    {"utf-32", "\0\0\0x", "x", 4},
	    {"utf-32", "x\0\0\0", "x", 4},
	    {"utf-32le", "x\0\0\0\0\xD8\0\0", "x" BAD, 8},
	    {"utf-32be", "\0\0\0x\0", "x" BAD, 5},
	};
	static const char han[] = HAN8 "\0x";
	struct buf out = buf_new(4000);
	struct charset charset;

	(void)state;
	check_all(rows, COUNT(rows));
	/* It is looked for at the beginning only, however long the text. */
	charset_open(&charset, slice_of("utf-16"), CHARSET_BODY);
	feed(charset_stage, &charset, han, sizeof(han) - 1, 5, &out);
	assert_string_equal(buf_text(&out) + out.len - 3, "\xE7\xA0\x80");
	/* And again for the next text. */
	buf_clear(&out);
	feed(charset_stage, &charset, "\xFE\xFF\0x", 4, 1, &out);
	assert_string_equal(buf_text(&out), "x");
	charset_close(&charset);
	buf_free(&out);
}

static void tables_of_what_is_mended_are_sorted(void **state)
{
	static const char *const names[] = {
	    "BIG5-HKSCS", "CP1255", "EUC-JP-MS", "GB18030", "MACINTOSH"};

	(void)state;
	for (size_t n = 0; n < COUNT(names); n++) {
		const struct charset_mends *mends = charset_mends_of(names[n]);

		assert_non_null(mends);
		for (size_t i = 1; i < mends->refused_count; i++)
			assert_true(mends->refused[i - 1].from <
				    mends->refused[i].from);
		for (size_t i = 1; i < mends->read_count; i++)
			assert_true(
			    mends->read[i - 1].from < mends->read[i].from);
	}
	assert_null(charset_mends_of("CP1252"));
}

/* Texts of any length fall into pieces at any place. */
static void long_texts_are_the_same_in_any_pieces(void **state)
{
	static const char *const labels[] = {"big5", "gb18030", "euc-jp",
	    "iso-2022-jp", "utf-16", "utf-7", "shift_jis", "iso-2022-kr"};
	static const size_t lengths[] = {1, 63, 64, 65, 4095, 4096, 4097};
	char bytes[9000];
	uint32_t seed = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		seed = seed * 1103515245U + 12345U;
		bytes[i] = "\x1B$B(BI1\x8E\x8F\xA1\xA4\xE0\xFC\x80 \n\0+-"
			   "x"[(seed >> 16) % 21];
	}
	for (size_t i = 0; i < COUNT(labels) * COUNT(lengths); i++) {
		struct buf whole = buf_new(100000), pieces = whole;
		struct charset charset;

		charset_open(&charset, slice_of(labels[i / COUNT(lengths)]),
		    CHARSET_BODY);
		feed(charset_stage, &charset, bytes, sizeof(bytes),
		    sizeof(bytes), &whole);
		feed(charset_stage, &charset, bytes, sizeof(bytes),
		    lengths[i % COUNT(lengths)], &pieces);
		assert_int_equal(whole.len, pieces.len);
		assert_memory_equal(whole.data, pieces.data, whole.len);
		charset_close(&charset);
		buf_free(&whole);
		buf_free(&pieces);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(charsets_of_mail_are_decoded),
	    cmocka_unit_test(charsets_of_east_asia_are_decoded),
	    cmocka_unit_test(labels_have_many_spellings),
	    cmocka_unit_test(labels_of_nothing_are_not_found),
	    cmocka_unit_test(labels_of_one_charset_are_the_same),
	    cmocka_unit_test(characters_of_vendors_are_known),
	    cmocka_unit_test(what_is_broken_becomes_replacement_characters),
	    cmocka_unit_test(wide_charsets_find_their_order),
	    cmocka_unit_test(tables_of_what_is_mended_are_sorted),
	    cmocka_unit_test(long_texts_are_the_same_in_any_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
