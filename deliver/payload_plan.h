/*
 * The plan of a payload: the pieces that make it up in order, each with its
 * exact length. For payload.c and payload_plan.c only.
 */
#ifndef DELIVER_PAYLOAD_PLAN_H
#define DELIVER_PAYLOAD_PLAN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/window.h"
#include "deliver/payload.h"
#include "deliver/payload_body.h"
#include "deliver/payload_content.h"
#include "mail/mime.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum segment_kind {
	SEGMENT_FIXED,   /* a range of payload->fixed */
	SEGMENT_TEXT,    /* text_body */
	SEGMENT_HTML,    /* html_body */
	SEGMENT_CONTENT, /* of an attachment */
	SEGMENT_RAW      /* the whole source */
};

/* Lead, body, tail. What is left out has no body, and says so in its tail. */
struct segment {
	enum segment_kind kind;
	const char *lead, *tail; /* static */
	uint64_t size;           /* of the body */
	/* The body lies in payload->fixed from here on; otherwise it is
	 * produced when its turn comes. */
	bool rendered;
	size_t start;
	const struct mime_part *part; /* SEGMENT_CONTENT */
	bool reduced;
};

struct payload {
	struct arena *arena;
	struct window window;
	struct mime mime;
	struct body text, html;
	struct buf fixed;
	struct segment *segments;
	size_t count, room;
	bool bounce;
	uint64_t max_bytes;

	/* Where payload_read() is. */
	size_t current;
	enum { PHASE_LEAD, PHASE_BODY, PHASE_TAIL } phase;
	uint64_t produced; /* of the current body */
	uint64_t raw_at;
	struct content content;
	struct buf scratch; /* a step of a body, not escaped yet */
	struct buf out;     /* and ready to go */
	const char *piece;  /* what comes next, and how much of it */
	size_t piece_len;
};

/* Fills segments and fixed. Fails only if the source cannot be read. */
MUST_CHECK bool payload_plan(struct payload *payload,
    const struct envelope *envelope, const char *recipient,
    const struct payload_options *options, struct error *err);

/* Appends the next step of a body, escaped, to payload->out; *more is false
 * once its end was reached. */
MUST_CHECK bool payload_step(struct payload *payload,
    const struct segment *segment, bool *more, struct error *err);
/* Goes to the start of a segment's body. */
void payload_restart(struct payload *payload, const struct segment *segment);

/* The longest beginning of escaped JSON text, at most `max` bytes, that cuts
 * no escape and no character. */
size_t payload_cut(const char *escaped, size_t len, size_t max);

#endif
