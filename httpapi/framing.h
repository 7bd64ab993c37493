/*
 * Where one request ends and the next begins: a filter in front of the HTTP
 * library, which is generous in what it takes for a request (a LF alone ends a
 * line, folded lines are joined, Content-Length may come twice or beside
 * chunks, anything may stand behind a chunk's size). What passes here has one
 * meaning, and reaches the library in one spelling. Pure.
 */
#ifndef HTTPAPI_FRAMING_H
#define HTTPAPI_FRAMING_H

#include "base/buf.h"
#include "httpapi/head.h"

enum framing_result {
	FRAMING_MORE, /* all was taken, the request goes on */
	FRAMING_DONE, /* it is whole; what was not taken is the next one's */
	FRAMING_BAD   /* see fault: nothing more can be read */
};

enum framing_state {
	FRAMING_FRESH, /* nothing was read */
	FRAMING_HEAD,
	FRAMING_BODY, /* by its length */
	FRAMING_CHUNK_SIZE,
	FRAMING_CHUNK_EXTENSION,
	FRAMING_CHUNK_SIZE_END,
	FRAMING_CHUNK_DATA,
	FRAMING_CHUNK_DATA_END,
	FRAMING_TRAILER,
	FRAMING_WHOLE,
	FRAMING_BROKEN
};

struct framing {
	enum framing_state state;
	struct buf text;  /* of the head */
	struct head head; /* once it is whole; points into text */
	struct fault fault;
	char last;       /* the byte before */
	uint64_t left;   /* of the body, or of the chunk */
	uint64_t body;   /* bytes of content so far */
	size_t line;     /* bytes of this chunk or trailer line */
	unsigned digits; /* of the chunk's size */
	size_t extra;    /* bytes of extensions and trailers so far */
};

void framing_open(struct framing *framing);
void framing_close(struct framing *framing);
/* For the next request of the connection. */
void framing_next(struct framing *framing);

/* Takes bytes off the front of *in and appends what the library may see to
 * `out` (without limit: never more than what was taken and 32 bytes). */
enum framing_result framing_read(
    struct framing *framing, struct slice *in, struct buf *out);

/* Whether the head is whole. */
bool framing_has_head(const struct framing *framing);

#endif
