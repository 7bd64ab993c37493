#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/unconst.h"
#include "smtpd/clamd_reply.h"
#include "smtpd/spamd_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In memory of exactly its length, the caller's to free. */
static struct slice exact_copy(const char *text)
{
	size_t len = strlen(text);
	char *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	memcpy(copy, text, len);
	return (struct slice){copy, len};
}

static void free_copy(struct slice copy)
{
	free(unconst(copy.data));
}

static void clamd_says_what_it_saw(void **state)
{
	static const struct {
		const char *answer;
		unsigned number;
		enum clamd_verdict verdict;
		const char *text; /* NULL: all of it */
	} rows[] = {
	    {"stream: OK", 0, CLAMD_CLEAN, NULL},
	    {"1: stream: OK", 1, CLAMD_CLEAN, NULL},
	    {"4294967: stream: OK", 4294967, CLAMD_CLEAN, NULL},
	    {"1098: stream: OK", 1098, CLAMD_CLEAN, NULL},
	    {"stream: Eicar-Test FOUND", 0, CLAMD_FOUND, "Eicar-Test"},
	    {"7: stream: Win.Test.EICAR_HDB-1 FOUND", 7, CLAMD_FOUND,
		"Win.Test.EICAR_HDB-1"},
	    {"7: stream: OK FOUND", 7, CLAMD_FOUND, "OK"},
	    {"7: stream: a FOUND FOUND", 7, CLAMD_FOUND, "a FOUND"},
	    {"INSTREAM size limit exceeded. ERROR", 3, CLAMD_FAILED,
		"INSTREAM size limit exceeded."},
	    {"3: stream: Can't open file ERROR", 3, CLAMD_FAILED,
		"stream: Can't open file"},
	    {"1: stream: OK", 2, CLAMD_NONSENSE, NULL},
	    {"1: stream: OK", 0, CLAMD_NONSENSE, NULL},
	    {"stream: OK", 1, CLAMD_NONSENSE, NULL},
	    {": stream: OK", 1, CLAMD_NONSENSE, NULL},
	    {"1:stream: OK", 1, CLAMD_NONSENSE, NULL},
	    {"1stream: OK", 1, CLAMD_NONSENSE, NULL},
	    {"1: OK", 1, CLAMD_NONSENSE, NULL},
	    {"OK", 0, CLAMD_NONSENSE, NULL},
	    {"4294967297: stream: OK", 1, CLAMD_NONSENSE, NULL},
	    {"stream: OK ", 0, CLAMD_NONSENSE, NULL},
	    {"stream: ok", 0, CLAMD_NONSENSE, NULL},
	    {"stream:  FOUND", 0, CLAMD_NONSENSE, NULL},
	    {"stream: FOUND", 0, CLAMD_NONSENSE, NULL},
	    {"fd[10]: OK", 0, CLAMD_NONSENSE, NULL},
	    {"UNKNOWN COMMAND", 0, CLAMD_NONSENSE, NULL},
	    {"", 0, CLAMD_NONSENSE, NULL},
	};
	struct clamd_reply reply;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice answer = exact_copy(rows[i].answer);

		clamd_reply_parse(answer, rows[i].number, &reply);
		free_copy(answer);
		assert_int_equal(reply.verdict, rows[i].verdict);
		assert_string_equal(reply.text,
		    rows[i].text != NULL ? rows[i].text : rows[i].answer);
	}
}

static void what_clamd_says_is_made_harmless(void **state)
{
	char answer[1000];
	struct clamd_reply reply;

	(void)state;
	clamd_reply_parse(
	    (struct slice){"stream: a\r\nb\0c\xC3~ FOUND", 22}, 0, &reply);
	assert_string_equal(reply.text, "a??b?c?~");
	memset(answer, 'x', sizeof(answer));
	clamd_reply_parse((struct slice){answer, sizeof(answer)}, 0, &reply);
	assert_int_equal(strlen(reply.text), LIMIT_FINDING_TEXT - 1);
}

#define HEAD "SPAMD/1.1 0 EX_OK\r\n"

static void spamd_says_how_many_points(void **state)
{
	static const struct {
		const char *answer;
		bool spam;
		double score, threshold;
		const char *report;
	} rows[] = {
	    {HEAD "Content-length: 6\r\nSpam: True ; 15.5 / 5.0\r\n\r\nreport",
		true, 15.5, 5, "report"},
	    {HEAD "Spam: False ; -2.1 / 5.0\r\nContent-length: 0\r\n\r\n",
		false, -2.1, 5, ""},
	    {HEAD "spam: No ; +0.0/5\ncontent-length:3\n\nabcd", false, 0, 5,
		"abc"},
	    {"SPAMD/1.5 0\r\nSpam: Yes;6/5\r\nContent-length: 0\r\n\r\n", true,
		6, 5, ""},
	    {HEAD "Content-length: 000000009\r\nSpam: No;6/9\r\n\r\nreport of",
		false, 6, 9, "report of"},
	    {HEAD "X: y\n\rz: 1\r\nSpam: No;6/9\r\nContent-length: 1\r\n\r\nr",
		false, 6, 9, "r"},
	};
	struct spamd_reply reply;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice answer = exact_copy(rows[i].answer);

		if (!spamd_reply_parse(answer, &reply))
			fail_msg("row %zu", i);
		assert_int_equal(reply.spam, rows[i].spam);
		assert_true(reply.score == rows[i].score);
		assert_true(reply.threshold == rows[i].threshold);
		assert_true(slice_equals(reply.report, rows[i].report));
		free_copy(answer);
	}
}

static void spamd_says_nothing(void **state)
{
	static const char *const rows[] = {
	    /* a length that is none */
	    HEAD "Content-length: \r\nSpam: No;6/9\r\n\r\n",
	    HEAD "Content-length: :\r\nSpam: No;6/9\r\n\r\n0123456789",
	    /* cut off */
	    HEAD "Content-length: 7\r\nSpam: True ; 15.5 / 5.0\r\n\r\nreport",
	    HEAD "Spam: True ; 15.5 / 5.0\r\n\r\nreport",
	    HEAD "Content-length: 0\r\nSpam: True ; 15.5 / 5.0\r\n",
	    HEAD "Content-length: 0\r\n\r\n",
	    HEAD,
	    "",
	    /* numbers that are none */
	    HEAD "Content-length: 0\r\nSpam: True ; inf / 5.0\r\n\r\n",
	    HEAD "Content-length: 0\r\nSpam: True ; 1.2.3 / 5.0\r\n\r\n",
	    HEAD "Content-length: 0\r\nSpam: True ; 1e999 / 5.0\r\n\r\n",
	    HEAD "Content-length: 0\r\nSpam: True ; 15.5 / \r\n\r\n",
	    HEAD "Content-length: 0\r\nSpam: True ; 15.5 5.0\r\n\r\n",
	    HEAD "Content-length: 0\r\nSpam: True 15.5 / 5.0\r\n\r\n",
	    HEAD "Content-length: 0\r\nSpam: True ; 15.5 / 5.0 x\r\n\r\n",
	    HEAD "Content-length: -1\r\nSpam: True ; 15.5 / 5.0\r\n\r\n",
	    HEAD "Content-length: 9999999999\r\nSpam: True ; 1 / 5\r\n\r\n",
	    HEAD "Content-length: 0\r\nSpam: Maybe ; 15.5 / 5.0\r\n\r\n",
	    /* failures */
	    "SPAMD/1.0 76 EX_PROTOCOL\r\nContent-length: 0\r\n"
	    "Spam: True ; 15.5 / 5.0\r\n\r\n",
	    "SPAMD/1.1 01 EX_OK\r\nContent-length: 0\r\n"
	    "Spam: True ; 15.5 / 5.0\r\n\r\n",
	    "HTTP/1.1 0 EX_OK\r\nContent-length: 0\r\n"
	    "Spam: True ; 15.5 / 5.0\r\n\r\n",
	};
	struct spamd_reply reply;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice answer = exact_copy(rows[i]);

		if (spamd_reply_parse(answer, &reply))
			fail_msg("row %zu", i);
		free_copy(answer);
	}
}

static void tests_are_the_rows_of_the_report(void **state)
{
	static const struct {
		const char *report, *tests;
	} rows[] = {
	    {"", "none"},
	    {"No table\n 1.0 here.\n", "none"},
	    {"Content analysis details:   (1000.0 points, 5.0 required)\n"
	     "\n"
	     " pts rule name              description\n"
	     "---- ---------------------- -------------\n"
	     "-0.0 NO_RECEIVED            Informational\n"
	     "                            and goes on here\n"
	     " 0.0 URIBL_BLOCKED          ADMINISTRATOR NOTICE\n"
	     "1000 GTUBE                  BODY\n"
	     " 2.5 T_2\n",
		"NO_RECEIVED,URIBL_BLOCKED,GTUBE,T_2"},
	    {"1.0 AB x\n1.0ABC x\n1.0 ABC-D x\n1.0 abc x\n1.0 ABC x\r\n",
		"ABC"},
	    {"1.0 AZ_09 x", "AZ_09"},
	};
	struct buf tests = buf_new(1000), small = buf_new(8), less = buf_new(7);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&tests);
		assert_true(
		    spamd_reply_tests(slice_of(rows[i].report), &tests));
		assert_string_equal(buf_text(&tests), rows[i].tests);
	}
	assert_false(
	    spamd_reply_tests(slice_of("1 ABC x\n1 DEF x\n1 GHI x"), &small));
	assert_string_equal(buf_text(&small), "ABC,DEF,");
	assert_false(
	    spamd_reply_tests(slice_of("1 ABC x\n1 DEF x\n1 GHI x"), &less));
	assert_string_equal(buf_text(&less), "ABC,DEF");
	buf_free(&tests);
	buf_free(&small);
	buf_free(&less);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(clamd_says_what_it_saw),
	    cmocka_unit_test(what_clamd_says_is_made_harmless),
	    cmocka_unit_test(spamd_says_how_many_points),
	    cmocka_unit_test(spamd_says_nothing),
	    cmocka_unit_test(tests_are_the_rows_of_the_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
