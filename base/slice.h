/* A borrowed piece of text: not terminated, not owned. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
	const char *data;
	size_t len;
};

static inline struct slice slice_of(const char *text)
{
	return (struct slice){text, text == NULL ? 0 : strlen(text)};
}

/* From `from` (at most len) to the end. */
static inline struct slice slice_from(struct slice slice, size_t from)
{
	return (struct slice){slice.data + from, slice.len - from};
}

static inline struct slice slice_first(struct slice slice, size_t len)
{
	return (struct slice){slice.data, len};
}

static inline bool slice_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without blanks and line ends on both sides. */
static inline struct slice slice_trim(struct slice slice)
{
	while (slice.len > 0 && slice_is_space(slice.data[0]))
		slice = slice_from(slice, 1);
	while (slice.len > 0 && slice_is_space(slice.data[slice.len - 1]))
		slice.len--;
	return slice;
}

static inline bool slice_equals(struct slice slice, const char *text)
{
	size_t len = strlen(text);

	return slice.len == len && memcmp(slice.data, text, len) == 0;
}

/* ASCII letters only. */
static inline bool slice_is(struct slice slice, const char *text)
{
	size_t len = strlen(text);

	return slice.len == len && strncasecmp(slice.data, text, len) == 0;
}

static inline bool slice_starts(struct slice slice, const char *text)
{
	size_t len = strlen(text);

	return slice.len >= len && strncasecmp(slice.data, text, len) == 0;
}

/* Where the first c is; len if there is none. */
static inline size_t slice_find(struct slice slice, char c)
{
	const char *at =
	    slice.len == 0 ? NULL : memchr(slice.data, c, slice.len);

	return at == NULL ? slice.len : (size_t)(at - slice.data);
}

#endif
