/*
 * Is a message a bounce, and for whom (RFC 3464)? Never one word alone: the
 * null sender with one more sign, or a delivery-status part that is one.
 * Pure.
 */
#ifndef MAIL_BOUNCE_H
#define MAIL_BOUNCE_H

#include "base/arena.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

/* What a message/delivery-status part says. The strings are the arena's. */
struct bounce_status {
	bool well_formed; /* it reports on a recipient */
	const char **failed;
	size_t failed_count;         /* at most LIMIT_FAILED_RECIPIENTS */
	const char *final_recipient; /* the first that failed, or the first */
	const char *original_recipient;
};

void bounce_read_status(
    struct slice text, struct arena *arena, struct bounce_status *status);

/* What is known of a message. */
struct bounce_signs {
	bool null_sender;
	bool report;       /* the message is a multipart/report */
	bool status_part;  /* it has a well-formed delivery-status part */
	struct slice from; /* decoded */
	struct slice subject;
	struct slice text; /* the beginning of the text */
};

bool bounce_is(const struct bounce_signs *signs);

#endif
