/*
 * Watches the header go by while a message streams in: how long it is, how
 * often the message was received, its Message-ID. Pure, and blind to all that
 * follows the header.
 *
 * The header ends at the first line that is neither a field nor goes on with
 * one, of which the empty line is the ordinary case.
 */
#ifndef SMTPD_HEADER_WATCH_H
#define SMTPD_HEADER_WATCH_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum header_state {
	HEADER_NAME,  /* in a field's name, or before it */
	HEADER_VALUE, /* behind the colon */
	HEADER_FOLD,  /* at the start of a line behind a field */
	HEADER_END
};

struct header_watch {
	enum header_state state;
	uint64_t bytes;    /* without the empty line */
	unsigned lines;    /* folded ones count each */
	unsigned received; /* fields of that name */
	bool described;    /* by a Content-... field, or by who knows what: it
			    * did not end with an empty line */

	char name[12]; /* of the field at hand; only its beginning */
	size_t name_len;
	bool name_ended; /* by a blank before the colon */
	bool is_message_id;
	struct buf message_id; /* the raw value of the last such field */
};

struct header_watch header_watch_begin(void);
void header_watch_free(struct header_watch *watch);

/* The next bytes of the content, lines ended by CRLF. */
void header_watch_read(
    struct header_watch *watch, const char *bytes, size_t len);

/* The Message-ID without its angle brackets, as a string in the watch's own
 * memory; NULL if there is none. Once, when all was read. */
const char *header_watch_message_id(struct header_watch *watch);

#endif
