#include "mail/flowed.h"

#include <stdint.h>
#include <string.h>

#define SIGNATURE "-- "
#define NO_MATCH SIZE_MAX

void flowed_open(struct flowed *flowed, bool delsp)
{
	*flowed = (struct flowed){.delsp = delsp};
}

/* Follows how far the line is a signature's mark and nothing else. */
static void follow_signature(
    struct flowed *flowed, const char *text, size_t len)
{
	for (size_t i = 0; i < len && flowed->matched != NO_MATCH; i++) {
		if (flowed->matched < sizeof(SIGNATURE) - 1 &&
		    text[i] == SIGNATURE[flowed->matched])
			flowed->matched++;
		else
			flowed->matched = NO_MATCH;
	}
}

static bool append_text(
    struct flowed *flowed, const char *text, size_t len, struct buf *out)
{
	if (len == 0)
		return true;
	follow_signature(flowed, text, len);
	if (flowed->held && !buf_append_char(out, ' '))
		return false;
	flowed->held = text[len - 1] == ' ';
	return buf_append(out, text, len - flowed->held);
}

static bool begin_line(
    struct flowed *flowed, size_t quotes, bool stuffed, struct buf *out)
{
	bool joined = flowed->joins && quotes == flowed->quotes;
	bool drop = joined && flowed->delsp;
	bool done = true;

	if (flowed->held && !drop)
		done = buf_append_char(out, ' ');
	flowed->held = false;
	/* A line that flows in is no signature's mark. */
	flowed->matched = joined ? NO_MATCH : 0;
	flowed->quotes = quotes;
	flowed->in_line = true;
	if (joined)
		return done;
	if (flowed->any && !buf_append_char(out, '\n'))
		return false;
	flowed->any = true;
	for (size_t i = 0; i < quotes && done; i++)
		done = buf_append_char(out, '>');
	if (quotes > 0 && stuffed && done)
		done = buf_append_char(out, ' ');
	return done;
}

static bool end_line(struct flowed *flowed, struct buf *out)
{
	bool signature = flowed->matched == sizeof(SIGNATURE) - 1;

	flowed->in_line = false;
	flowed->joins = flowed->held && !signature;
	if (!flowed->held || flowed->joins)
		return true;
	flowed->held = false;
	return buf_append_char(out, ' ');
}

/* The quote marks and the blank that a line begins with: how many bytes, 0 if
 * the end cuts them. */
static size_t take_prefix(struct flowed *flowed, const char *in, size_t len,
    bool last, struct buf *out, bool *fits)
{
	size_t quotes = 0;
	bool stuffed;

	while (quotes < len && quotes < FLOWED_QUOTES && in[quotes] == '>')
		quotes++;
	if (quotes == len && !last)
		return 0;
	stuffed = quotes < len && in[quotes] == ' ';
	*fits = begin_line(flowed, quotes, stuffed, out);
	return quotes + stuffed;
}

bool flowed_decode(struct flowed *flowed, const char *in, size_t len, bool last,
    struct buf *out, size_t *used)
{
	const char *newline;
	size_t at = 0, text;
	bool fits = true;

	*used = 0;
	while (at < len && fits) {
		if (!flowed->in_line) {
			at += take_prefix(
			    flowed, in + at, len - at, last, out, &fits);
			if (!flowed->in_line || !fits)
				break;
		}
		newline = at == len ? NULL : memchr(in + at, '\n', len - at);
		text = (newline == NULL ? len : (size_t)(newline - in)) - at;
		fits = append_text(flowed, in + at, text, out);
		at += text;
		if (newline != NULL && fits) {
			fits = end_line(flowed, out);
			at++;
		}
	}
	*used = at;
	if (!last || !flowed->held || !fits)
		return fits;
	/* Of a break that nothing follows the blank goes all the same. */
	if (!flowed->in_line && flowed->delsp)
		return true;
	return buf_append_char(out, ' ');
}
