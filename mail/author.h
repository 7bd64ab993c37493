/*
 * The domains of a message's From (RFC 5322 section 3.6.2), for those who
 * trust them. Pure.
 *
 * Readers of mail differ in what they make of a malformed From, so nothing is
 * guessed here: each address outside of quotes and comments counts, also one
 * that stands where a name should, and what cannot be read is a fault. Of a
 * field with a fault everything counts that stands behind an "@".
 */
#ifndef MAIL_AUTHOR_H
#define MAIL_AUTHOR_H

#include "base/arena.h"
#include "base/slice.h"
#include "bounds.h"

#include <stdbool.h>
#include <stddef.h>

struct author {
	/* Different ones, in A-labels and order of appearance. */
	const char *domains[LIMIT_AUTHORS];
	size_t count;
	const char *fault; /* why they cannot be trusted; NULL if they can */
	bool too_many;     /* a fault: there are more, or nobody counted */
};

/* Of all From fields in the header block. The strings are the arena's. */
void author_read(
    struct slice header, struct arena *arena, struct author *author);

#endif
