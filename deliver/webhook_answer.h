/*
 * What an answer of the webhook means for a message and for the destination,
 * as a table. Pure.
 *
 * Only Phoenix itself can end a message, by its own signature: `bounce` true
 * with 400, 403 or 404, its complaint about our framing, and 413 to a body
 * that cannot shrink any more. A bare 404 may be a proxy or a restart, a 200
 * without its `status` another server: both are tried again.
 */
#ifndef DELIVER_WEBHOOK_ANSWER_H
#define DELIVER_WEBHOOK_ANSWER_H

#include "base/http_client.h"
#include "spool/spool.h"

/* Fills kind, blame, status, retry_after_ms, reason, answer and duration_ms
 * of the outcome. 413 is taken for final: whoever can send less does so
 * before he asks. */
void webhook_answer_judge(
    const struct http_response *response, struct outcome *outcome);

#endif
