/* HTML as text: well-formed if the HTML was, and within its limit. */
#include "base/utf8.h"
#include "mail/html_text.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice html = {(const char *)data, size};
	struct buf whole = buf_new(10000000), tight = buf_new(size / 2);
	struct buf clean = buf_new(size * UTF8_REPLACEMENT_LEN);
	bool fits;

	if (!utf8_valid(html.data, html.len)) {
		size_t used;

		(void)utf8_append_clean(
		    &clean, html.data, html.len, true, &used);
		html = (struct slice){clean.data, clean.len};
	}
	assert(html_text(html, &whole));
	assert(utf8_valid(buf_text(&whole), whole.len));
	fits = html_text(html, &tight);
	assert(fits == (whole.len <= size / 2));
	buf_free(&whole);
	buf_free(&tight);
	buf_free(&clean);
	return 0;
}
