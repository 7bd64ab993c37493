/* The scanner of content against the plain words of naive_data.h: the first
 * byte chooses the mode, the second how the rest is cut into pieces. */
#include "naive_data.h"
#include "smtpd/data_scan.h"
#include "smtpd/header_watch.h"
#include "smtpd/uuencode_watch.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct content {
	char *bytes;
	size_t len;
	struct header_watch whole;
	struct uuencode_watch uuencode;
};

static void collect(void *arg, const char *bytes, size_t len)
{
	struct content *content = arg;

	memcpy(content->bytes + content->len, bytes, len);
	content->len += len;
	header_watch_read(&content->whole, bytes, len);
	uuencode_watch_read(&content->uuencode, bytes, len);
}

static void check_header(struct content *content)
{
	struct header_watch watch = header_watch_begin();
	const char *a, *b;

	header_watch_read(&watch, content->bytes, content->len);
	assert(watch.lines == content->whole.lines);
	assert(watch.bytes == content->whole.bytes);
	assert(watch.received == content->whole.received);
	a = header_watch_message_id(&watch);
	b = header_watch_message_id(&content->whole);
	assert((a == NULL) == (b == NULL));
	assert(a == NULL || strcmp(a, b) == 0);
	header_watch_free(&watch);
	header_watch_free(&content->whole);
}

static void check(
    const char *in, size_t size, bool dots, bool normalize, size_t step)
{
	struct data_scan scan = data_scan_begin(dots, normalize);
	struct content content = {
	    .bytes = malloc(2 * size + 1), .whole = header_watch_begin()};
	struct naive_data want = {.content = malloc(2 * size + 1)};
	size_t at = 0, used = 0;
	bool ended = false;

	assert(content.bytes != NULL && want.content != NULL);
	naive_data(in, size, dots, normalize, !dots, &want);
	for (; at < size && !ended; at += used)
		ended = data_scan_read(&scan, in + at,
		    step < size - at ? step : size - at, &used, collect,
		    &content);
	if (!dots)
		data_scan_finish(&scan, collect, &content);
	assert(ended == want.ended && at == want.used);
	assert(scan.bare_newline == want.bare_newline);
	assert(content.len == want.len);
	assert(memcmp(content.bytes, want.content, want.len) == 0);
	check_header(&content);
	assert(content.uuencode.seen ==
	       (memmem(content.bytes, content.len, "\nbegin ", 7) != NULL));
	free(content.bytes);
	free(want.content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	check((const char *)data + 2, size - 2, (data[0] & 1) != 0,
	    (data[0] & 2) != 0, data[1] == 0 ? size : data[1]);
	return 0;
}
