/*
 * uuencode (POSIX.1): files as lines of text between "begin 644 name" and
 * "end", as was usual before MIME and still is from some machines. Pure but
 * for reading the source.
 */
#ifndef MAIL_UUENCODE_H
#define MAIL_UUENCODE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/window.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum uuencode_place { UUENCODE_BEFORE, UUENCODE_INSIDE, UUENCODE_BEHIND };

/* All zero at the start; the fields are uuencode.c's. */
struct uuencode {
	enum uuencode_place place;
	bool cut; /* the line that comes was too long: the rest of it goes */
};

/* Appends the first file that is in the text, as far as its lines are good
 * ones. A line that the end cuts (at most UUENCODE_CUT bytes) is left unread
 * unless `last`. False if out's limit would be passed; it never takes more
 * bytes than were taken from `in`. */
#define UUENCODE_CUT ((size_t)128)
bool uuencode_decode(struct uuencode *uuencode, const char *in, size_t len,
    bool last, struct buf *out, size_t *used);

/* A file inside a text: its lines, with the first and the last. */
struct uuencoded {
	uint64_t start, end; /* offsets in the source */
	const char *name;    /* as written; the arena's */
};

/* The files between two offsets of a source, in order, at most
 * LIMIT_UUENCODED; more stay text. A file is one line "begin" with a mode and
 * a name, and behind it at least one whole line of data. Takes time in
 * proportion to the bytes. Fails only if the source cannot be read. */
MUST_CHECK bool uuencode_find(struct window *window, uint64_t start,
    uint64_t end, struct arena *arena, struct uuencoded **files, size_t *count,
    struct error *err);

#endif
