/* One try at one recipient of one message: work in, exactly one outcome out,
 * and a line in the log. */
#ifndef DELIVER_ATTEMPT_H
#define DELIVER_ATTEMPT_H

#include "deliver/webhook.h"
#include "spool/spool.h"

/* Posts the message to the webhook, smaller and smaller while the answer is
 * 413, and fills *outcome. Lasts no longer than attempt_limit_ms(). */
void attempt_webhook(struct spool *spool, struct webhook *webhook,
    const struct webhook_terms *terms, const struct work *work,
    struct outcome *outcome);

int64_t attempt_limit_ms(const struct webhook_terms *terms);

#endif
