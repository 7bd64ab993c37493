/*
 * format=flowed (RFC 3676) undone, piece by piece: lines that were broken for
 * the way are joined again. Takes UTF-8 with LF as line end. Pure.
 */
#ifndef MAIL_FLOWED_H
#define MAIL_FLOWED_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Quote marks at the start of a line; more are text. */
#define FLOWED_QUOTES ((size_t)64)

/* Open to be embedded; the fields are flowed.c's. */
struct flowed {
	bool delsp;     /* the blank that marks a break goes with it */
	bool in_line;   /* behind the quote marks of a line */
	bool any;       /* there was a line before */
	bool joins;     /* the line before flows into this one ... */
	size_t quotes;  /* ... if it has as many quote marks */
	bool held;      /* a blank that may be the last of its line */
	size_t matched; /* how far the line is "-- ", a signature's mark */
};

void flowed_open(struct flowed *flowed, bool delsp);
/* Appends what the piece becomes. Quote marks that the end cuts are left
 * unread unless `last`: *used says how much was taken. A line end at the very
 * end goes. False if out's limit would be passed. */
bool flowed_decode(struct flowed *flowed, const char *in, size_t len, bool last,
    struct buf *out, size_t *used);

#endif
