/* The fields of a header block by name: for those who look up several, or
 * want each name once. Borrows the block. */
#ifndef MAIL_HEADER_TABLE_H
#define MAIL_HEADER_TABLE_H

#include "base/arena.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct header_value {
	struct header_value *next; /* further down in the block */
	struct slice raw;          /* as written, with its folds */
};

struct header_entry {
	struct header_entry *next;      /* in order of first appearance */
	struct header_entry *same_hash; /* header_table.c's */
	struct slice name;              /* lower case, well-formed UTF-8 */
	struct header_value *first, *last;
};

struct header_table {
	struct header_entry *first, *last;
	struct header_entry **buckets;
};

/* Everything new is the arena's. */
void header_table_build(
    struct header_table *table, struct slice block, struct arena *arena);

/* By lower-case name; NULL if there is none. */
const struct header_entry *header_table_find(
    const struct header_table *table, const char *name);

/* Whether a message has at most one field of this (lower-case) name, so that
 * of several the last counts. */
bool header_is_single(struct slice name);

#endif
