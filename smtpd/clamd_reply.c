#include "smtpd/clamd_reply.h"

#include <stdbool.h>

/* Takes a text off the end, with the blank before it. */
static bool cut_end(struct slice *answer, const char *end)
{
	size_t len = strlen(end);

	if (answer->len < len ||
	    !slice_equals(slice_from(*answer, answer->len - len), end))
		return false;
	answer->len -= len;
	return true;
}

static bool cut_start(struct slice *answer, const char *start)
{
	size_t len = strlen(start);

	if (answer->len < len ||
	    !slice_equals(slice_first(*answer, len), start))
		return false;
	*answer = slice_from(*answer, len);
	return true;
}

/* "12: "; none is wanted if the number is 0. */
static bool cut_number(struct slice *answer, unsigned number)
{
	unsigned found = 0;
	size_t digits = 0;

	if (number == 0)
		return true;
	for (; digits < answer->len && digits < 9; digits++) {
		char c = answer->data[digits];

		if (c < '0' || c > '9')
			break;
		found = found * 10 + (unsigned)(c - '0');
	}
	*answer = slice_from(*answer, digits);
	return digits > 0 && found == number && cut_start(answer, ": ");
}

/* What came from elsewhere goes into a reply and the log. */
static void keep(struct clamd_reply *reply, struct slice text)
{
	size_t len = text.len < sizeof(reply->text) - 1
			 ? text.len
			 : sizeof(reply->text) - 1;

	for (size_t i = 0; i < len; i++) {
		char c = text.data[i];

		reply->text[i] = (char)(c >= ' ' && c <= '~' ? c : '?');
	}
	reply->text[len] = '\0';
}

void clamd_reply_parse(
    struct slice answer, unsigned number, struct clamd_reply *reply)
{
	struct slice whole = answer;

	keep(reply, whole);
	reply->verdict = CLAMD_NONSENSE;
	/* A failure may be told without the number: it ends the session. */
	if (cut_end(&answer, " ERROR")) {
		reply->verdict = CLAMD_FAILED;
		(void)cut_number(&answer, number);
		keep(reply, answer);
		return;
	}
	if (!cut_number(&answer, number) || !cut_start(&answer, "stream: "))
		return;
	if (slice_equals(answer, "OK")) {
		reply->verdict = CLAMD_CLEAN;
	} else if (cut_end(&answer, " FOUND") && answer.len > 0) {
		reply->verdict = CLAMD_FOUND;
		keep(reply, answer);
	}
}
