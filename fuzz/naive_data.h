/*
 * What smtpd/data_scan.h promises, said a second time and as plainly as
 * possible: the whole input at once, byte by byte, RFC 5321 section 4.5.2. For
 * tests and the fuzzer to compare with.
 */
#ifndef FUZZ_NAIVE_DATA_H
#define FUZZ_NAIVE_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct naive_data {
	char *content; /* room for twice the input is the caller's to give */
	size_t len;
	bool bare_newline;
	bool ended;
	size_t used;
};

static inline bool naive_at(
    const char *in, size_t len, size_t i, const char *text)
{
	return len - i >= strlen(text) &&
	       memcmp(in + i, text, strlen(text)) == 0;
}

static inline void naive_put(struct naive_data *out, const char *text)
{
	memcpy(out->content + out->len, text, strlen(text));
	out->len += strlen(text);
}

/* `last`: nothing follows, as at the end of the last chunk of BDAT. */
static inline void naive_data(const char *in, size_t len, bool dots,
    bool normalize, bool last, struct naive_data *out)
{
	bool line_start = true;
	size_t i = 0;

	while (i < len) {
		if (dots && line_start && in[i] == '.') {
			if (naive_at(in, len, i, ".\r\n")) {
				out->ended = true;
				out->used = i + 3;
				return;
			}
			if (i + 1 == len || (i + 2 == len && in[i + 1] == '\r'))
				break; /* undecided */
			i++;
			line_start = false;
			continue;
		}
		if (naive_at(in, len, i, "\r\n")) {
			naive_put(out, "\r\n");
			i += 2;
			line_start = true;
			continue;
		}
		line_start = false;
		if (in[i] == '\r' && i + 1 == len && !last) {
			naive_put(out, "\r"); /* undecided, but content */
		} else if (in[i] == '\r' || in[i] == '\n') {
			out->bare_newline = true;
			if (normalize)
				naive_put(out, "\r\n");
			else
				naive_put(out, in[i] == '\r' ? "\r" : "\n");
		} else {
			out->content[out->len++] = in[i];
		}
		i++;
	}
	out->used = len;
}

#endif
