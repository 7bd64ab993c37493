/* The PROXY header: what is read at once must be the same byte by byte. */
#include "base/proxy_header.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct proxy_header whole, part;
	size_t used, at;
	enum proxy_parse result =
	    proxy_header_parse(bytes, size, &whole, &used);
	enum proxy_parse so_far = PROXY_MORE;

	assert(used <= size && used <= PROXY_HEADER_MAX);
	assert(result != PROXY_MORE || size < PROXY_HEADER_MAX);
	for (size_t len = 1; len <= size && so_far == PROXY_MORE; len++)
		so_far = proxy_header_parse(bytes, len, &part, &at);
	assert(so_far == result);
	if (result == PROXY_DONE) {
		assert(at == used && part.has_client == whole.has_client);
		assert(
		    !whole.has_client || ip_equal(&part.client, &whole.client));
	}
	return 0;
}
