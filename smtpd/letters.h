/*
 * A message and the messages inside it, one behind the other: whoever opens
 * them finds their parts. Bounded in depth, in parts (as many in all as one
 * message may have) and in what is decoded into memory.
 */
#ifndef SMTPD_LETTERS_H
#define SMTPD_LETTERS_H

#include "base/window.h"
#include "mail/mime.h"
#include "smtpd/check.h"

#include <stdbool.h>
#include <stddef.h>

struct letter {
	struct letter *next;
	const struct mime *mime;
	struct source source;
	unsigned depth;
};

struct letters {
	struct letter *now;   /* the one at hand */
	struct window window; /* it */
	bool unseen;          /* the bounds left something out */

	/* --- private to letters.c --- */
	struct subject *subject;
	struct letter first, *last;
	size_t parts_left, decoded_left;
};

/* The subject has its parts. */
void letters_begin(struct letters *letters, struct subject *subject);
void letters_end(struct letters *letters);

/* Goes to the first, then to the next. False behind the last, or if it cannot
 * be read: then the message is refused with a 451. */
bool letters_next(struct letters *letters);

/* If the part at hand is a message, it comes behind the others. False if it
 * cannot be read: the message is refused then. */
bool letters_add(struct letters *letters, const struct mime_part *part);

#endif
