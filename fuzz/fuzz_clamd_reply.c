/* The answer of a virus scanner; the first byte is the number of the scan. */
#include "smtpd/clamd_reply.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct clamd_reply reply;
	size_t len;

	if (size == 0)
		return 0;
	clamd_reply_parse(
	    (struct slice){(const char *)data + 1, size - 1}, data[0], &reply);
	len = strlen(reply.text);
	assert(len < sizeof(reply.text));
	for (size_t i = 0; i < len; i++)
		assert(reply.text[i] >= ' ' && reply.text[i] <= '~');
	/* A scan that came to an end says so; nothing else is clean. */
	if (reply.verdict == CLAMD_CLEAN)
		assert(size > 2 && data[size - 1] == 'K');
	if (reply.verdict == CLAMD_FOUND)
		assert(len > 0);
	return 0;
}
