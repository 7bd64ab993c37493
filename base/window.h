/*
 * A source seen through a piece of memory that moves along it: a small source
 * is read once and whole, of a large one only what is looked at. Not shared
 * by threads.
 */
#ifndef BASE_WINDOW_H
#define BASE_WINDOW_H

#include "base/source.h"

struct window {
	struct source source;
	size_t capacity; /* the most that is held */
	char *data;
	size_t size;     /* allocated */
	uint64_t offset; /* of data[0] in the source */
	size_t len;
};

/* Reads nothing yet. `capacity` is the most that can be seen at once. */
void window_open(
    struct window *window, const struct source *source, size_t capacity);
void window_close(struct window *window);

/* Points *data at the source's bytes from `offset`, at least `want` of them
 * (at most the capacity) unless the source ends before; *got says how many
 * there are. Valid until the next call. */
MUST_CHECK bool window_at(struct window *window, uint64_t offset, size_t want,
    const char **data, size_t *got, struct error *err);

#endif
