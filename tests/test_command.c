#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "smtpd/command.h"
#include "smtpd/reply.h"

#include <stdlib.h>
#include <string.h>

/* Parses bytes that lie in memory of exactly their length. */
static enum parse parse_exact(
    const char *bytes, size_t len, struct command *command, size_t *used)
{
	char *copy = malloc(len > 0 ? len : 1);
	enum parse result;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	result = command_parse(copy, len, command, used);
	free(copy);
	return result;
}

/* Every shorter piece is not enough, and the whole (also with more behind it)
 * gives the result. */
static enum parse parse_twice(
    const char *line, size_t len, struct command *command)
{
	char longer[2048];
	enum parse result;
	size_t used;

	for (size_t cut = 0; cut < len; cut++) {
		assert_int_equal(
		    parse_exact(line, cut, command, &used), PARSE_MORE);
		assert_int_equal(used, 0);
	}
	assert_true(len + 6 <= sizeof(longer));
	memcpy(longer, line, len);
	memcpy(longer + len, "QUIT\r\n", 6);
	result = parse_exact(longer, len + 6, command, &used);
	assert_int_equal(used, len);
	assert_int_equal(command_parse(line, len, command, &used), result);
	assert_int_equal(used, len);
	return result;
}

static void commands_are_read(void **state)
{
	static const struct {
		const char *line;
		enum verb verb;
		const char *text; /* the name, or the address */
		uint64_t size;
		bool last, eight_bit, smtputf8;
	} rows[] = {
	    {"EHLO client.example\r\n", VERB_EHLO, "client.example", 0, 0, 0,
		0},
	    {"ehlo [192.0.2.1]\r\n", VERB_EHLO, "[192.0.2.1]", 0, 0, 0, 0},
	    {"HELO x\r\n", VERB_HELO, "x", 0, 0, 0, 0},
	    {"HeLo  x  \r\n", VERB_HELO, "x", 0, 0, 0, 0},
	    {"MAIL FROM:<>\r\n", VERB_MAIL, "", 0, 0, 0, 0},
	    {"MAIL FROM:<a@b.example>\r\n", VERB_MAIL, "a@b.example", 0, 0, 0,
		0},
	    {"mail from: <a@b.example> \r\n", VERB_MAIL, "a@b.example", 0, 0, 0,
		0},
	    {"MAIL FROM:<a@b.example> SIZE=12345 BODY=8BITMIME SMTPUTF8\r\n",
		VERB_MAIL, "a@b.example", 12345, 0, 1, 1},
	    {"MAIL FROM:<a@b.example> body=7bit  size=0\r\n", VERB_MAIL,
		"a@b.example", 0, 0, 0, 0},
	    {"MAIL FROM:<a@b.example> SIZE=99999999999999999999\r\n", VERB_MAIL,
		"a@b.example", UINT64_MAX, 0, 0, 0},
	    {"MAIL FROM:<a@b.example> SMTPUTF8 SIZE=1 SMTPUTF8 SIZE=2\r\n",
		VERB_MAIL, "a@b.example", 2, 0, 0, 1},
	    {"MAIL FROM:<a@b.example> SIZE=18446744073709551615\r\n", VERB_MAIL,
		"a@b.example", UINT64_MAX, 0, 0, 0},
	    {"MAIL FROM:<\xC3\xB6@b.example> SMTPUTF8\r\n", VERB_MAIL,
		"\xC3\xB6@b.example", 0, 0, 0, 1},
	    {"RCPT TO:<u@example.com>\r\n", VERB_RCPT, "u@example.com", 0, 0, 0,
		0},
	    {"RCPT TO:<\"a b\"@example.com>\r\n", VERB_RCPT,
		"\"a b\"@example.com", 0, 0, 0, 0},
	    {"RCPT TO:<@r.example:u@example.com>\r\n", VERB_RCPT,
		"u@example.com", 0, 0, 0, 0},
	    {"RCPT TO:<PostMaster>\r\n", VERB_RCPT, "PostMaster", 0, 0, 0, 0},
	    {"DATA\r\n", VERB_DATA, NULL, 0, 0, 0, 0},
	    {"BDAT 0\r\n", VERB_BDAT, NULL, 0, 0, 0, 0},
	    {"BDAT 1000 LAST\r\n", VERB_BDAT, NULL, 1000, 1, 0, 0},
	    {"bdat 7 last\r\n", VERB_BDAT, NULL, 7, 1, 0, 0},
	    {"RSET\r\n", VERB_RSET, NULL, 0, 0, 0, 0},
	    {"NOOP\r\n", VERB_NOOP, NULL, 0, 0, 0, 0},
	    {"NOOP any thing\r\n", VERB_NOOP, NULL, 0, 0, 0, 0},
	    {"QUIT \t\r\n", VERB_QUIT, NULL, 0, 0, 0, 0},
	    {"VRFY u\r\n", VERB_VRFY, NULL, 0, 0, 0, 0},
	    {"HELP\r\n", VERB_HELP, NULL, 0, 0, 0, 0},
	    {"EXPN list\r\n", VERB_ABSENT, NULL, 0, 0, 0, 0},
	    {"STARTTLS\r\n", VERB_STARTTLS, NULL, 0, 0, 0, 0},
	    {"GET / HTTP/1.1\r\n", VERB_FOREIGN, NULL, 0, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct command got;
		char address[ADDRESS_SIZE];

		assert_int_equal(
		    parse_twice(rows[i].line, strlen(rows[i].line), &got),
		    PARSE_DONE);
		assert_int_equal(got.verb, rows[i].verb);
		if (got.verb == VERB_EHLO || got.verb == VERB_HELO) {
			assert_true(slice_equals(got.name, rows[i].text));
		} else if (rows[i].text != NULL) {
			(void)address_format(&got.address, address);
			assert_string_equal(address, rows[i].text);
		}
		assert_int_equal(got.size, rows[i].size);
		assert_int_equal(got.last, rows[i].last);
		assert_int_equal(got.eight_bit, rows[i].eight_bit);
		assert_int_equal(got.smtputf8, rows[i].smtputf8);
	}
}

static void bad_commands_say_what_is_wrong(void **state)
{
	static const struct {
		const char *line;
		enum reply fault;
	} rows[] = {
	    {"\r\n", REPLY_UNKNOWN_COMMAND},
	    {"XYZZY\r\n", REPLY_UNKNOWN_COMMAND},
	    {"MAILFROM:<a@b.example>\r\n", REPLY_UNKNOWN_COMMAND},
	    {"EHLO\r\n", REPLY_NAME_WANTED},
	    {"EHLO a b\r\n", REPLY_NAME_WANTED},
	    {"EHLO \xFF\r\n", REPLY_NAME_WANTED},
	    {"DATA now\r\n", REPLY_NO_ARGUMENT_ALLOWED},
	    {"RSET x\r\n", REPLY_NO_ARGUMENT_ALLOWED},
	    {"QUIT x\r\n", REPLY_NO_ARGUMENT_ALLOWED},
	    {"MAIL\r\n", REPLY_BAD_SENDER},
	    {"MAIL <a@b.example>\r\n", REPLY_BAD_SENDER},
	    {"MAIL FROM:a@b.example\r\n", REPLY_BAD_SENDER},
	    {"MAIL FROM:<a@b.example>SIZE=1\r\n", REPLY_BAD_SENDER},
	    {"MAIL FROM:<postmaster>\r\n", REPLY_BAD_SENDER},
	    {"MAIL FROM:<a@b.example> SIZE\r\n", REPLY_BAD_PARAMETER},
	    {"MAIL FROM:<a@b.example> SIZE=\r\n", REPLY_BAD_PARAMETER},
	    {"MAIL FROM:<a@b.example> SIZE=-1\r\n", REPLY_BAD_PARAMETER},
	    {"MAIL FROM:<a@b.example> SIZE=000000000000000000001\r\n",
		REPLY_BAD_PARAMETER},
	    {"MAIL FROM:<a@b.example> BODY=BINARYMIME\r\n",
		REPLY_BAD_PARAMETER},
	    {"MAIL FROM:<a@b.example> SMTPUTF8=yes\r\n", REPLY_BAD_PARAMETER},
	    {"MAIL FROM:<a@b.example> AUTH=<>\r\n", REPLY_UNKNOWN_PARAMETER},
	    {"MAIL FROM:<a@b.example> =1\r\n", REPLY_UNKNOWN_PARAMETER},
	    {"MAIL FROM:<\xC3\xB6@b.example>\r\n", REPLY_NEEDS_SMTPUTF8},
	    {"RCPT TO:<>\r\n", REPLY_BAD_RECIPIENT},
	    {"RCPT TO:<someone>\r\n", REPLY_BAD_RECIPIENT},
	    {"RCPT FROM:<u@example.com>\r\n", REPLY_BAD_RECIPIENT},
	    {"RCPT TO:<u@example.com\r\n", REPLY_BAD_RECIPIENT},
	    {"RCPT TO:<u@example.com> NOTIFY=NEVER\r\n",
		REPLY_UNKNOWN_PARAMETER},
	    {"BDAT\r\n", REPLY_BAD_CHUNK},
	    {"BDAT x\r\n", REPLY_BAD_CHUNK},
	    {"BDAT -1 LAST\r\n", REPLY_BAD_CHUNK},
	    {"BDAT 1 LAST x\r\n", REPLY_BAD_CHUNK},
	    {"BDAT 1 FIRST\r\n", REPLY_BAD_CHUNK},
	    {"NOOP\n", REPLY_BAD_LINE},
	    {"\n", REPLY_BAD_LINE},
	    {"NOOP\r \r\n", REPLY_BAD_LINE},
	    {"NOOP\r\r\n", REPLY_BAD_LINE},
	    {"NOOP \x01\r\n", REPLY_BAD_LINE},
	    {"NOOP \x7F\r\n", REPLY_BAD_LINE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct command got;

		assert_int_equal(
		    parse_twice(rows[i].line, strlen(rows[i].line), &got),
		    PARSE_BAD);
		assert_int_equal(got.fault, rows[i].fault);
		assert_true(reply_is_error(got.fault));
	}
}

static void a_nul_makes_a_bad_line(void **state)
{
	struct command got;

	(void)state;
	assert_int_equal(parse_twice("NO\0OP\r\n", 7, &got), PARSE_BAD);
	assert_int_equal(got.fault, REPLY_BAD_LINE);
}

static void a_line_may_be_as_long_as_its_limit(void **state)
{
	static char line[LIMIT_COMMAND_LINE + 1];
	struct command got;
	size_t used;

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "NOOP ", 5);
	assert_int_equal(
	    command_parse(line, LIMIT_COMMAND_LINE - 1, &got, &used),
	    PARSE_MORE);
	memcpy(line + LIMIT_COMMAND_LINE - 2, "\r\n", 2);
	assert_int_equal(
	    command_parse(line, sizeof(line), &got, &used), PARSE_DONE);
	assert_int_equal(used, LIMIT_COMMAND_LINE);
	memcpy(line + LIMIT_COMMAND_LINE - 2, "x\r\n", 3);
	assert_int_equal(
	    command_parse(line, sizeof(line), &got, &used), PARSE_BAD);
	assert_int_equal(got.fault, REPLY_LINE_TOO_LONG);
	assert_int_equal(used, LIMIT_COMMAND_LINE);
}

static void every_reply_is_one_well_formed_line(void **state)
{
	(void)state;
	for (int i = 0; i <= (int)REPLY_TOO_FAST_FROM_ADDRESS; i++) {
		struct buf out = buf_new(LIMIT_REPLY_LINE);
		enum reply reply = (enum reply)i;
		long code;

		assert_true(reply_append(&out, reply));
		assert_true(out.len > 6);
		assert_string_equal(out.data + out.len - 2, "\r\n");
		assert_int_equal(strcspn(out.data, "\r\n"), out.len - 2);
		code = strtol(out.data, NULL, 10);
		/* The class of the enhanced code is that of the code. */
		if (code != 354)
			assert_int_equal(out.data[4], out.data[0]);
		if (code >= 400)
			assert_non_null(reply_reason(reply));
		if (code < 400 || code == 421)
			assert_false(reply_is_error(reply));
		buf_free(&out);
	}
}

static void a_reply_never_passes_its_line(void **state)
{
	struct buf out = buf_new(2000);
	struct verdict verdict = {.code = 550, .enhanced = "5.7.1"};

	(void)state;
	memset(verdict.text, 'x', sizeof(verdict.text) - 1);
	assert_true(reply_verdict(&out, &verdict));
	assert_true(out.len <= LIMIT_REPLY_LINE);
	buf_clear(&out);
	assert_true(reply_printf(&out, 250, "2.0.0", "%01000d", 1));
	assert_true(out.len <= LIMIT_REPLY_LINE);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(commands_are_read),
	    cmocka_unit_test(bad_commands_say_what_is_wrong),
	    cmocka_unit_test(a_nul_makes_a_bad_line),
	    cmocka_unit_test(a_line_may_be_as_long_as_its_limit),
	    cmocka_unit_test(every_reply_is_one_well_formed_line),
	    cmocka_unit_test(a_reply_never_passes_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
