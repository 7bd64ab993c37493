/*
 * The parts of a message (RFC 2045, RFC 2046), found in one pass over its
 * bytes: where each lies and what its header says, not what it holds. Takes
 * time in proportion to the bytes and memory in proportion to the parts,
 * whatever a stranger sends. Pure but for reading the source.
 *
 * Of broken mail as much is made as can be: outer boundaries end inner parts
 * that were left open, a multipart in which no boundary occurs is text, and a
 * header without an empty line behind it ends where it stops being one.
 */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include "base/arena.h"
#include "base/window.h"
#include "mail/transfer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mime_disposition {
	MIME_DISPOSITION_NONE,
	MIME_INLINE,
	MIME_ATTACHMENT /* and whatever else it may be called */
};

#define MIME_ROOT ((size_t)-1) /* the parent of the message itself */

/* Strings are the arena's; NULL where the header does not say. */
struct mime_part {
	uint64_t header; /* offset of the header block */
	uint64_t body;   /* and of what follows the empty line */
	uint64_t end;    /* and of what follows the part */
	size_t parent;   /* index of the multipart around it */
	unsigned depth;
	bool multipart; /* it has parts; they follow it */

	const char *type; /* lower case; "text/plain" where none is given */
	const char *charset;
	const char *boundary;
	const char *report_type; /* of multipart/report, lower case */
	bool flowed, delsp;      /* RFC 3676 */
	enum mime_disposition disposition;
	const char *filename;   /* decoded, without a path */
	const char *content_id; /* without brackets */
	enum transfer_encoding encoding;
};

struct mime {
	struct mime_part *parts; /* in order; [0] is the message */
	size_t count;            /* at least 1 */
	/* There were more than max_parts: the last one holds the rest. */
	bool cut;
};

/* Parts and strings are the arena's. The window must show LIMIT_MIME_WINDOW
 * bytes. Fails only if the source cannot be read. */
MUST_CHECK bool mime_parse(struct window *window, size_t max_parts,
    struct arena *arena, struct mime *mime, struct error *err);

/* Whether the part is text to be shown (text/plain, text/html and
 * message/delivery-status, unless it is called an attachment), as opposed to
 * an attachment. A multipart is neither. */
bool mime_is_shown(const struct mime_part *part);
bool mime_is_attachment(const struct mime_part *part);
bool mime_is_type(const struct mime_part *part, const char *type);
/* The type that an attachment is handed on under: where its header says no
 * more than that it is bytes, what its name stands for. */
const char *mime_media_type(const struct mime_part *part);

#endif
