#include "smtpd/data_scan.h"

/*
 *         CR LF                 .            CR             LF
 *   LINE ------- (LINE)   LINE ---> DOT ---------> DOT_CR ------> the end
 *     |  other                 other |        other |
 *     v                              v              v
 *   TEXT <---------------------------+--------------+   (the CR was bare)
 *     |  CR
 *     v         LF
 *    CR  -----------> LINE      (anything else: the CR was bare)
 *
 * scan_byte() is that table. Almost all mail needs none of it: whole blocks
 * in which each LF follows a CR, each CR precedes an LF, and no line begins
 * with a dot are passed at once by skip_clean_blocks().
 */

/* A multiple of a vector register; compilers make this loop branch-free. */
#define BLOCK ((size_t)64)

/* A run of bytes of the input that is content as it stands. */
struct span {
	const char *start;
	data_sink_fn *sink;
	void *arg;
};

struct data_scan data_scan_begin(bool dots, bool normalize)
{
	return (struct data_scan){
	    .state = DATA_LINE, .dots = dots, .normalize = normalize};
}

/* Hands on what lies before `end`; the next run begins at `next`. */
static void span_cut(struct span *span, const char *end, const char *next)
{
	if (end > span->start)
		span->sink(span->arg, span->start, (size_t)(end - span->start));
	span->start = next;
}

/* Notes a bare newline in front of `at`, and completes it if wanted. */
static void bare_newline(struct data_scan *scan, struct span *span,
    const char *at, const char *missing)
{
	scan->bare_newline = true;
	if (!scan->normalize)
		return;
	span_cut(span, at, at);
	span->sink(span->arg, missing, 1);
}

/* A byte of content inside a line. */
static void scan_text(struct data_scan *scan, struct span *span, const char *at)
{
	if (*at == '\n')
		bare_newline(scan, span, at, "\r");
	scan->state = *at == '\r' ? DATA_CR : DATA_TEXT;
}

/* True at the end of data. */
static bool scan_byte(struct data_scan *scan, struct span *span, const char *at)
{
	switch (scan->state) {
	case DATA_LINE:
		if (scan->dots && *at == '.') {
			span_cut(span, at, at + 1);
			scan->state = DATA_DOT;
			return false;
		}
		break;
	case DATA_TEXT:
		break;
	case DATA_CR:
		if (*at == '\n') {
			scan->state = DATA_LINE;
			return false;
		}
		bare_newline(scan, span, at, "\n");
		break;
	case DATA_DOT:
		if (*at == '\r') {
			span->start = at + 1;
			scan->state = DATA_DOT_CR;
			return false;
		}
		break;
	case DATA_DOT_CR:
		if (*at == '\n') {
			scan->state = DATA_LINE;
			return true;
		}
		span->sink(span->arg, "\r", 1);
		bare_newline(scan, span, at, "\n");
		break;
	}
	scan_text(scan, span, at);
	return false;
}

/* Whether the block needs scan_byte(), judged with the byte before it. */
static bool block_is_odd(const char *block)
{
	const char *before = block - 1;
	unsigned char odd = 0;

	for (size_t i = 0; i < BLOCK; i++) {
		odd |=
		    (unsigned char)((block[i] == '\n') ^ (before[i] == '\r'));
		odd |= (unsigned char)((block[i] == '.') & (before[i] == '\n'));
	}
	return odd != 0;
}

/* Where the first block begins that is odd or not whole. There must be a byte
 * before `at`, and it must be what the state says. */
static const char *skip_clean_blocks(
    struct data_scan *scan, const char *at, const char *end)
{
	const char *start = at;

	while ((size_t)(end - at) >= BLOCK && !block_is_odd(at))
		at += BLOCK;
	if (at > start)
		scan->state = at[-1] == '\r'   ? DATA_CR
			      : at[-1] == '\n' ? DATA_LINE
					       : DATA_TEXT;
	return at;
}

bool data_scan_read(struct data_scan *scan, const char *bytes, size_t len,
    size_t *used, data_sink_fn *sink, void *arg)
{
	struct span span = {.start = bytes, .sink = sink, .arg = arg};
	const char *at = bytes, *end = bytes + len, *slow;

	while (at < end) {
		if (at > bytes && scan->state <= DATA_CR)
			at = skip_clean_blocks(scan, at, end);
		slow = (size_t)(end - at) > BLOCK ? at + BLOCK : end;
		for (; at < slow; at++) {
			if (!scan_byte(scan, &span, at))
				continue;
			*used = (size_t)(at - bytes) + 1;
			return true;
		}
	}
	span_cut(&span, end, end);
	*used = len;
	return false;
}

void data_scan_finish(struct data_scan *scan, data_sink_fn *sink, void *arg)
{
	if (scan->state != DATA_CR)
		return;
	scan->bare_newline = true;
	scan->state = DATA_TEXT;
	if (scan->normalize)
		sink(arg, "\n", 1);
}
