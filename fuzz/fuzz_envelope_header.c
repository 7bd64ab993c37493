/* The first header of a spool file: a file may have been dropped there, cut
 * short or damaged. What is read must be writable, and read the same again. */
#include "base/arena.h"
#include "base/buf.h"
#include "bounds.h"
#include "spool/envelope_header.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_text(const char *one, const char *other)
{
	assert((one == NULL) == (other == NULL));
	assert(one == NULL || strcmp(one, other) == 0);
}

static void read_again(const struct envelope *envelope)
{
	struct buf out = buf_new((size_t)LIMIT_ENVELOPE * 4);
	struct arena *arena = arena_new();
	struct envelope_lengths lengths;
	struct envelope again;
	const char *status;
	struct error err;

	if (envelope->recipient_count > 0 &&
	    envelope_header_write(&out, envelope, 10, 20, 0, &err) &&
	    out.len <= LIMIT_ENVELOPE) {
		assert(
		    envelope_header_lengths(out.data, out.len, &lengths, &err));
		assert(lengths.header == out.len && lengths.trace == 10);
		assert(lengths.body == 20);
		assert(envelope_header_read(
		    out.data, out.len, arena, &again, &status, &err));
		assert(again.recipient_count == envelope->recipient_count);
		assert(again.received_ms == envelope->received_ms);
		same_text(again.sender, envelope->sender);
		same_text(again.helo, envelope->helo);
		/* Those that found room. */
		assert(again.finding_count <= envelope->finding_count);
		for (size_t i = 0; i < again.finding_count; i++) {
			same_text(again.findings[i].check,
			    envelope->findings[i].check);
			same_text(
			    again.findings[i].saw, envelope->findings[i].saw);
		}
		for (size_t i = 0; i < again.recipient_count; i++)
			same_text(again.recipients[i].address,
			    envelope->recipients[i].address);
	}
	arena_free(&arena);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	const char *bytes = (const char *)data;
	struct envelope_lengths lengths;
	struct envelope envelope;
	const char *status;
	struct error err;

	if (envelope_header_lengths(bytes, size, &lengths, &err) &&
	    lengths.header <= size &&
	    envelope_header_read(
		bytes, lengths.header, arena, &envelope, &status, &err)) {
		(void)envelope_header_hashed(bytes, lengths.header);
		read_again(&envelope);
	}
	arena_free(&arena);
	return 0;
}
