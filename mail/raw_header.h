/*
 * The header of a message as signatures see it: byte for byte, fields of one
 * name linked from the bottom up (RFC 6376 section 5.4.2). Pure.
 *
 * Names are compared without regard to case. A field is what header.h takes
 * for one; a header with a line that is none is malformed, but for a first
 * "From " line, as mailboxes have it.
 */
#ifndef MAIL_RAW_HEADER_H
#define MAIL_RAW_HEADER_H

#include "base/arena.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAW_NONE SIZE_MAX

struct raw_field {
	struct slice whole; /* with its line ends */
	struct slice name;  /* without the blanks before the colon */
	struct slice value; /* behind the colon; without its last line end */
	size_t above;       /* the next of this name; RAW_NONE: none */
	uint64_t hash;      /* of the name */
};

struct raw_header {
	struct raw_field *fields;
	size_t count;
	bool malformed;
	size_t *lowest; /* hash table: the lowest field of each name */
	size_t mask;
};

/* How long the header at the front of a text is: up to the empty line, which
 * *skip counts (0, 1 or 2). False if its end is not in the text. */
bool raw_header_end(struct slice text, size_t *len, size_t *skip);

/* The fields point into the block; the tables are the arena's. */
void raw_header_read(
    struct slice block, struct arena *arena, struct raw_header *header);

/* The lowest field of this name, or RAW_NONE. */
size_t raw_header_lowest(const struct raw_header *header, struct slice name);

#endif
