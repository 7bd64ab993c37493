/*
 * A message as the JSON that the application is posted: produced as a stream
 * whose length is known before its first byte. Fields and short texts are
 * rendered at once; long texts and the contents of attachments are read from
 * the message when their turn comes, so that memory does not grow with it.
 *
 * One thread at a time.
 */
#ifndef DELIVER_PAYLOAD_H
#define DELIVER_PAYLOAD_H

#include "base/source.h"
#include "envelope.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct payload;

struct payload_options {
	bool include_headers, include_body; /* HARAKA_INCLUDE_... */
	bool include_attachments, include_raw;
	/* The client is in TRUSTED_RELAY_CIDRS: its X-Spam-* fields count
	 * where spamd said nothing. */
	bool trust_spam_headers;
	uint64_t max_bytes; /* WEBHOOK_MAX_BYTES; 0 = no limit */
	unsigned max_parts; /* MAX_MIME_PARTS */
};

/* The payload of a message for one of its recipients (its position in the
 * envelope). Reads the whole message once or twice. The source must outlive
 * the payload, envelope and options need not. What passes max_bytes is left
 * out, as payload_reduce does it. Fails only if the source cannot be read. */
MUST_CHECK bool payload_new(const struct source *source,
    const struct envelope *envelope, unsigned recipient_number,
    const struct payload_options *options, struct payload **payload,
    struct error *err);
/* NULL is fine. */
void payload_free(struct payload **payload);

/* The length of the whole body. */
uint64_t payload_size(const struct payload *payload);

/* The next bytes: *got is 0 only at the end (or if len is). Fails if the
 * source cannot be read, or is not what it was. */
MUST_CHECK bool payload_read(struct payload *payload, void *data, size_t len,
    size_t *got, struct error *err);

/* From the start again: for another try, or after a redirect of the reader. */
void payload_rewind(struct payload *payload);

/* Leaves one more thing out: `raw`, then the contents of attachments from the
 * largest on, `html_body`, the end of `text_body`. Rewinds. False if nothing
 * is left that could go. */
bool payload_reduce(struct payload *payload);
/* Whether anything was left out. */
bool payload_is_reduced(const struct payload *payload);

/* What `is_bounce` says. */
bool payload_is_bounce(const struct payload *payload);

#endif
