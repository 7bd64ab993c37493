/*
 * Canonical forms (RFC 6376 section 3.4): what of a message is signed, with
 * the differences taken out that mail servers make. Pure. Lines end with CRLF;
 * a bare LF is taken for one, a bare CR is an ordinary character.
 */
#ifndef MAIL_CANONICAL_H
#define MAIL_CANONICAL_H

#include "base/buf.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum canonical { CANONICAL_SIMPLE, CANONICAL_RELAXED };

/* Appends a header field, which is given with its line ends, and ends it with
 * CRLF. It grows only where bare LFs become CRLF. False if out's limit would
 * be passed. */
bool canonical_field(enum canonical kind, struct slice field, struct buf *out);

typedef void canonical_sink_fn(void *arg, const char *bytes, size_t len);

/* A body goes through in pieces of any size, in constant memory. Open to be
 * embedded; the fields are canonical.c's. */
#define CANONICAL_ROOM ((size_t)4096)
struct canonical_body {
	enum canonical kind;
	canonical_sink_fn *sink;
	void *arg;
	uint64_t empty_lines; /* held back: they count if more follows */
	bool blank;           /* relaxed: blanks held back, too */
	bool cr;              /* held back: does an LF follow? */
	bool in_line;         /* a character of this line went out */
	bool any;             /* anything went out */
	char room[CANONICAL_ROOM];
	size_t len;
};

void canonical_body_begin(struct canonical_body *body, enum canonical kind,
    canonical_sink_fn *sink, void *arg);
void canonical_body_write(
    struct canonical_body *body, const char *bytes, size_t len);
void canonical_body_end(struct canonical_body *body);

#endif
