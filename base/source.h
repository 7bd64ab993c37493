/*
 * Bytes that can be read at any offset: a stored message, a draft, a file, a
 * piece of memory. Readers of messages take a source, so that they need not
 * know where it lies and never need it whole in memory.
 */
#ifndef BASE_SOURCE_H
#define BASE_SOURCE_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source {
	uint64_t size;
	/* Fills exactly len bytes from offset; offset + len <= size. */
	bool (*read)(void *arg, uint64_t offset, void *data, size_t len,
	    struct error *err);
	void *arg;
};

/* A piece of memory, which must outlive the source. */
struct source source_memory(const void *data, size_t len);

/* Reads at most len bytes; *got is less only at the end. */
MUST_CHECK bool source_read(const struct source *source, uint64_t offset,
    void *data, size_t len, size_t *got, struct error *err);

#endif
