/* The contents of an attachment as one line of base64, read from the message
 * step by step. For payload.c. */
#ifndef DELIVER_PAYLOAD_CONTENT_H
#define DELIVER_PAYLOAD_CONTENT_H

#include "base/buf.h"
#include "base/window.h"
#include "mail/mime.h"
#include "mail/transfer.h"

#include <stdbool.h>
#include <stdint.h>

struct content {
	const struct mime_part *part; /* borrowed */
	uint64_t at;                  /* what of the part was read */
	struct transfer transfer;
	struct transfer_copy copy;
	struct buf decoded; /* what waits for a third byte */
};

/* Goes to the start of an attachment; the part must outlive it. */
void content_open(struct content *content, const struct mime_part *part);
void content_close(struct content *content);
/* Appends the next step; *more is false once the end was reached. */
MUST_CHECK bool content_next(struct content *content, struct window *window,
    struct buf *out, bool *more, struct error *err);

#endif
