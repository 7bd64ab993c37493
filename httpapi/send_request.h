/*
 * The body of POST /api/v1/send, understood: which letter is to be written,
 * from whom and to whom. Nothing is written here. Pure but for the store.
 */
#ifndef HTTPAPI_SEND_REQUEST_H
#define HTTPAPI_SEND_REQUEST_H

#include "base/config.h"
#include "envelope.h"
#include "httpapi/json_intake.h"
#include "mail/compose.h"
#include "mail/raw_letter.h"

/* Why it cannot be sent. */
struct send_fault {
	unsigned status;
	char field[96];   /* "attachments[2].data"; "" if it is of no field */
	char reason[200]; /* ends a sentence that begins with the field */
};

struct send_request {
	struct arena *arena; /* borrowed */
	const char *sender;  /* of the envelope */
	const char *domain;  /* its domain, in lower case */
	struct recipient *recipients;
	size_t recipient_count, recipient_room;
	bool utf8; /* an address needs SMTPUTF8 */

	bool is_raw;
	struct raw_letter raw;
	struct letter letter;
	struct letter_header *headers; /* of the letter */
	struct letter_part *parts;
};

struct send_rules {
	const struct config *config;
	/* Whether mail for this domain stays here. */
	bool (*is_local)(void *arg, const char *domain);
	void *arg;
};

/* Reads the value that `intake` has finished; what is too long for it is in
 * `stored`. Message-ID and date are left to the caller, which must set what
 * the headers do not have (message_id NULL, date_ms 0: they have it). On entry
 * letter.message_id and date_ms are what it will be. */
bool send_request_read(struct send_request *request, const json_t *root,
    struct json_intake *intake, const struct source *stored,
    const struct send_rules *rules, struct send_fault *fault);

#endif
