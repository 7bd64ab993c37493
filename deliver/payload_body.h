/*
 * text_body or html_body as a stream of UTF-8 with LF line ends: the texts of
 * all parts that belong in it, decoded, one behind the other. For payload.c.
 */
#ifndef DELIVER_PAYLOAD_BODY_H
#define DELIVER_PAYLOAD_BODY_H

#include "base/window.h"
#include "mail/charset.h"
#include "mail/flowed.h"
#include "mail/mime.h"
#include "mail/text_html.h"
#include "mail/transfer.h"

#include <stdbool.h>
#include <stddef.h>

enum body_kind {
	BODY_TEXT,      /* as it is */
	BODY_TEXT_HTML, /* plain text as HTML */
	BODY_HTML_TEXT  /* HTML as plain text */
};

struct body_item {
	enum body_kind kind;
	const struct mime_part *part;
};

/* The fields are payload_body.c's. */
struct body {
	struct window *window; /* borrowed */
	struct body_item *items;
	size_t count, size;
	const char *separator; /* between items */

	size_t current; /* the item being read */
	bool open;      /* its decoders are */
	bool any;       /* something came out of it */
	bool before;    /* or of one before it */
	uint64_t at;    /* what of the part was read */
	struct transfer transfer;
	struct charset charset;
	struct flowed flowed;
	struct text_html text_html;
	bool cr;         /* a CR at the end of a piece */
	struct buf raw;  /* after the transfer encoding */
	struct buf text; /* after the charset */
	struct buf flat; /* after format=flowed */
};

/* An empty body; the window and the parts must outlive it. */
void body_open(struct body *body, struct window *window, const char *separator);
void body_close(struct body *body);
void body_add(
    struct body *body, enum body_kind kind, const struct mime_part *part);
/* How many bytes of the message it is made of. */
uint64_t body_source_size(const struct body *body);

void body_rewind(struct body *body);
/* Appends the next piece, which cuts no character; *more is false once the
 * end was reached. */
MUST_CHECK bool body_next(
    struct body *body, struct buf *out, bool *more, struct error *err);

#endif
