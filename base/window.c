#include "base/window.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

/* What is read at a time of a source that does not fit: small enough to stay
 * in the processor's cache while it is worked on. */
#define STEP ((size_t)128 * 1024)

void window_open(
    struct window *window, const struct source *source, size_t capacity)
{
	*window = (struct window){.source = *source, .capacity = capacity};
}

void window_close(struct window *window)
{
	free(window->data);
	*window = (struct window){0};
}

static bool read_from(
    struct window *window, uint64_t offset, size_t want, struct error *err)
{
	size_t size = want > STEP ? want : STEP;

	if (window->source.size <= window->capacity) {
		offset = 0;
		size = (size_t)window->source.size;
	}
	if (size > window->size) {
		free(window->data);
		window->data = xmalloc(size);
		window->size = size;
	}
	window->offset = offset;
	window->len = 0;
	return source_read(
	    &window->source, offset, window->data, size, &window->len, err);
}

bool window_at(struct window *window, uint64_t offset, size_t want,
    const char **data, size_t *got, struct error *err)
{
	uint64_t end = window->offset + window->len;

	assert(want <= window->capacity);
	*data = "";
	*got = 0;
	if (offset >= window->source.size)
		return true;
	if (want > window->source.size - offset)
		want = (size_t)(window->source.size - offset);
	if (window->data == NULL || offset < window->offset ||
	    offset + want > end) {
		if (!read_from(window, offset, want, err))
			return false;
	}
	*data = window->data + (offset - window->offset);
	*got = window->len - (size_t)(offset - window->offset);
	return true;
}
