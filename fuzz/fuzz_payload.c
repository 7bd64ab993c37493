/*
 * The payload of any message is one valid JSON object of exactly the length
 * that it said, read in any steps and again, and after each reduction.
 *
 * The first byte chooses options, the second the limit, the third the step
 * to begin with. With the lowest and the highest bit of the first and the
 * three lowest of the third the message is one part among others that are
 * large, so that nothing is rendered at once; the three highest of the third
 * ask for the reductions. Both cost much time, and so are rare.
 */
#include "deliver/payload.h"

#include "base/buf.h"

#include <assert.h>
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHOICES 3
#define FILLER ((size_t)70000)
#define READ_MAX ((size_t)16384)
#define HEAP ((size_t)1 << 24)
#define NO_LIMIT (SIZE_MAX / 2)

/* Long, but read in no time: base64 ends at its padding. */
static const char head[] = "Content-Type: multipart/mixed; boundary=B\r\n\r\n"
			   "--B\r\nContent-Transfer-Encoding: base64\r\n\r\n"
			   "Zg==";
static const char middle[] = "\r\n--B\r\n";

static void wrap(struct buf *message, const uint8_t *data, size_t size)
{
	char *room;

	(void)buf_append_text(message, head);
	room = buf_room(message, FILLER);
	memset(room, '.', FILLER);
	buf_added(message, FILLER);
	(void)buf_append_text(message, middle);
	(void)buf_append(message, data, size);
}

/*
 * jansson, which is not what is tested, made half of all allocations, and
 * those are what costs most here: it gets its memory from a heap of ours,
 * empty again behind each reading.
 */
static _Alignas(max_align_t) char heap[HEAP];
static size_t heap_used;

static void *heap_take(size_t size)
{
	void *taken = heap + heap_used;

	size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
	if (size > HEAP - heap_used)
		return NULL;
	heap_used += size;
	return taken;
}

static void heap_leave(void *taken)
{
	(void)taken;
}

static void assert_json(const struct buf *text)
{
	json_t *json;

	json_set_alloc_funcs(heap_take, heap_leave);
	json = json_loadb(text->data, text->len, JSON_REJECT_DUPLICATES, NULL);
	assert(json_is_object(json));
	heap_used = 0;
}

/* In steps that grow from the first one. */
static void read_all(struct payload *payload, size_t first, struct buf *out)
{
	size_t step = first, got;
	char *room;

	buf_clear(out);
	do {
		room = buf_room(out, step);
		assert(room != NULL);
		assert(payload_read(payload, room, step, &got, NULL));
		buf_added(out, got);
		step = step < READ_MAX ? step * 2 + 1 : first;
	} while (got > 0);
	assert(out->len == payload_size(payload));
}

static void check(struct payload *payload, size_t step)
{
	/* Kept, with their memory, from one input to the next. */
	static struct buf whole = {.limit = NO_LIMIT},
			  again = {.limit = NO_LIMIT};

	read_all(payload, READ_MAX, &whole);
	assert_json(&whole);
	payload_rewind(payload);
	read_all(payload, step, &again);
	assert(memcmp(whole.data, again.data, whole.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct recipient recipient = {.address = "r@x.y"};
	struct envelope envelope = {
	    .sender = "", .recipients = &recipient, .recipient_count = 1};
	struct buf message = buf_new(NO_LIMIT);
	struct payload_options options = {.max_parts = 50};
	struct payload *payload = NULL;
	struct source source;
	size_t step;

	if (size < CHOICES)
		return 0;
	options.include_headers = (data[0] & 2) != 0;
	options.include_body = (data[0] & 4) != 0;
	options.include_attachments = (data[0] & 8) != 0;
	options.include_raw = (data[0] & 16) != 0;
	options.trust_spam_headers = (data[0] & 32) != 0;
	envelope.sender = (data[0] & 64) != 0 ? "" : "s@x.y";
	options.max_bytes = data[1] * (uint64_t)64;
	step = data[2] % 32 + (size_t)1;
	if ((data[0] & 0x81) == 0x81 && (data[2] & 7) == 7)
		wrap(&message, data + CHOICES, size - CHOICES);
	else
		(void)buf_append(&message, data + CHOICES, size - CHOICES);
	source = source_memory(buf_text(&message), message.len);
	assert(payload_new(&source, &envelope, 0, &options, &payload, NULL));
	check(payload, step);
	while (data[2] >= 0xE0 && payload_reduce(payload))
		check(payload, step);
	payload_free(&payload);
	buf_free(&message);
	return 0;
}
