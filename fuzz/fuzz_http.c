/* Requests of strangers: wherever the bytes are cut, the same comes through,
 * and what comes through has no lone CR or LF in its head. */
#include "httpapi/framing.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
	enum framing_result end;
	int status;
	size_t requests;
	uint64_t content;
	struct buf out;
};

/* Reads requests until the bytes or their meaning end; `step` at once. */
static struct result read_all(const char *bytes, size_t size, size_t step)
{
	struct result result = {.out = buf_new(SIZE_MAX)};
	struct slice piece = {0};
	struct framing framing;
	size_t at = 0;

	framing_open(&framing);
	while (result.end != FRAMING_BAD && (piece.len > 0 || at < size)) {
		if (piece.len == 0) {
			piece = (struct slice){
			    bytes + at, step < size - at ? step : size - at};
			at += piece.len;
		}
		result.end = framing_read(&framing, &piece, &result.out);
		assert(result.end == FRAMING_DONE || piece.len == 0 ||
		       result.end == FRAMING_BAD);
		if (result.end != FRAMING_DONE)
			continue;
		result.requests++;
		result.content += framing.body;
		assert(framing.head.chunked ||
		       framing.body == framing.head.length);
		framing_next(&framing);
	}
	result.status = framing.fault.status;
	framing_close(&framing);
	return result;
}

/* What the library is given of the first head. */
static void check_head(const struct buf *out)
{
	const char *end =
	    out->len == 0 ? NULL : memmem(out->data, out->len, "\r\n\r\n", 4);

	if (end == NULL) {
		assert(out->len == 0);
		return;
	}
	for (const char *at = out->data; at < end; at++) {
		assert(*at != '\0');
		assert(*at != '\n' || (at > out->data && at[-1] == '\r'));
		assert(*at != '\r' || at[1] == '\n');
		assert(*at != '\n' || (at[1] != ' ' && at[1] != '\t'));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct result whole = read_all(bytes, size, size);
	struct result single = read_all(bytes, size, 1);

	assert(whole.end == single.end && whole.status == single.status);
	assert(whole.requests == single.requests &&
	       whole.content == single.content);
	assert(whole.out.len == single.out.len &&
	       (whole.out.len == 0 || memcmp(whole.out.data, single.out.data,
					  whole.out.len) == 0));
	assert((whole.end == FRAMING_BAD) == (whole.status != 0));
	check_head(&whole.out);
	buf_free(&whole.out);
	buf_free(&single.out);
	return 0;
}
