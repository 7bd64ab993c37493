/* The body of a request to send, on its way from JSON to a message: however it
 * is cut the same happens, and a message that is made of it has a well-formed
 * header, no Bcc, and no lone CR or LF. */
#include "base/buf.h"
#include "httpapi/send_request.h"
#include "mail/header.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A short body comes byte by byte; of a long one that would be nearly all of
 * the time, and find no more. */
#define PIECES 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool append(void *arg, const void *data, size_t len, struct error *err)
{
	(void)err;
	assert(buf_append(arg, data, len));
	return true;
}

static bool is_local(void *arg, const char *domain)
{
	(void)arg;
	return strcmp(domain, "example.com") == 0;
}

static bool write_message(
    struct send_request *request, struct buf *message, struct error *err)
{
	struct body_sink sink = {.write = append, .arg = message};
	struct raw_found found;

	return request->is_raw
		   ? raw_letter_write(
			 &request->raw, &sink, request->arena, &found, err)
		   : compose_write(&request->letter, "boundary", &sink, err);
}

static void check_header(const struct send_request *request, struct slice block)
{
	struct header_field field;
	unsigned from = 0, content_types = 0;

	for (size_t i = 0; i < block.len; i++) {
		assert(block.data[i] != '\n' ||
		       (i > 0 && block.data[i - 1] == '\r'));
		assert(block.data[i] != '\r' || block.data[i + 1] == '\n');
	}
	while (header_next(&block, &field)) {
		assert(!slice_is(field.name, "bcc"));
		from += slice_is(field.name, "from");
		content_types += slice_is(field.name, "content-type");
	}
	if (!request->is_raw)
		assert(from == 1 && content_types == 1);
}

static void check_message(
    const struct send_request *request, const struct buf *message)
{
	const char *end = memmem(message->data, message->len, "\r\n\r\n", 4);

	assert(end != NULL);
	check_header(request,
	    (struct slice){message->data, (size_t)(end - message->data) + 2});
	for (size_t i = 0; i < message->len; i++) {
		assert(
		    message->data[i] != '\n' || message->data[i - 1] == '\r');
		assert(
		    message->data[i] != '\r' || message->data[i + 1] == '\n');
		assert(request->is_raw || message->data[i] != '\0');
	}
}

/* The status that is answered; the message if it is 200. */
static unsigned send_it(
    const char *bytes, size_t size, size_t step, struct buf *message)
{
	static struct config config = {.max_recipients = 10,
	    .max_header_bytes = 65536,
	    .max_header_lines = 100,
	    .max_received = 10};
	struct send_rules rules = {.config = &config, .is_local = is_local};
	struct arena *arena = arena_new();
	struct buf kept = buf_new(SIZE_MAX);
	struct json_store store = {.write = append, .arg = &kept};
	struct json_intake *intake = json_intake_new(&store, arena);
	struct send_request request = {.arena = arena};
	struct send_fault fault = {0};
	struct source stored;
	const json_t *root;
	unsigned status = 400;
	struct error err;

	request.letter.message_id = "<id@example.com>";
	request.letter.date_ms = 1;
	for (size_t at = 0; at < size; at += step)
		(void)json_intake_feed(
		    intake, bytes + at, step < size - at ? step : size - at);
	root = json_intake_finish(intake, &err);
	stored = source_memory(buf_text(&kept), kept.len);
	if (root != NULL && !send_request_read(&request, root, intake, &stored,
				&rules, &fault)) {
		status = fault.status;
	} else if (root != NULL && write_message(&request, message, &err)) {
		check_message(&request, message);
		status = 200;
	}
	assert(status == 200 || status == 400 || status == 413);
	json_intake_free(&intake);
	buf_free(&kept);
	arena_free(&arena);
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct buf whole = buf_new(SIZE_MAX), pieces = buf_new(SIZE_MAX);
	unsigned status = send_it(bytes, size, size + 1, &whole);

	assert(send_it(bytes, size, size / PIECES + 1, &pieces) == status);
	assert(status != 200 ||
	       (whole.len == pieces.len &&
		   memcmp(whole.data, pieces.data, whole.len) == 0));
	buf_free(&whole);
	buf_free(&pieces);
	return 0;
}
