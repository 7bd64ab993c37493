/* Posts payloads to Phoenix: one call per (message, recipient) and try. */
#ifndef DELIVER_WEBHOOK_H
#define DELIVER_WEBHOOK_H

#include "base/config.h"
#include "base/http_client.h"
#include "deliver/payload.h"

#include <stdbool.h>
#include <stdint.h>

/* What the settings say of the webhook: made once, shared by all workers, and
 * replaced as a whole when the settings are read again. */
struct webhook_terms;

struct webhook_terms *webhook_terms_new(const struct config *config);
/* One owner more; any thread. */
struct webhook_terms *webhook_terms_share(struct webhook_terms *terms);
/* One owner less; the last one wipes the secrets. NULL is fine. */
void webhook_terms_release(struct webhook_terms **terms);

/* What the payload of this message should hold. */
struct payload_options webhook_payload_options(
    const struct webhook_terms *terms, const struct envelope *envelope);
/* DELIVER_BOUNCES */
bool webhook_takes_bounces(const struct webhook_terms *terms);
/* No single call lasts longer. */
int64_t webhook_call_limit_ms(const struct webhook_terms *terms);

/* A caller with its kept connection; belongs to one thread. */
struct webhook;

struct webhook *webhook_new(void);
void webhook_free(struct webhook **webhook);
/* As http_client_interrupt(); any thread. */
void webhook_interrupt(struct webhook *webhook);

struct webhook_call {
	const char *message_id; /* as the payload says it */
	unsigned recipient_number;
	unsigned attempt; /* from 1 */
};

/* Posts the payload, from its beginning, and waits for the answer. */
void webhook_post(struct webhook *webhook, const struct webhook_terms *terms,
    const struct webhook_call *call, struct payload *payload,
    struct http_response *response);

#endif
