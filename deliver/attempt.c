#include "deliver/attempt.h"

#include "base/clock.h"
#include "base/log.h"
#include "deliver/webhook_answer.h"

#include <stdio.h>

/* What is known while a try is under way. */
struct attempt {
	struct webhook *webhook;
	const struct webhook_terms *terms;
	const struct work *work;
	struct outcome *outcome;
	int64_t start_ms;
};

int64_t attempt_limit_ms(const struct webhook_terms *terms)
{
	/* The last call begins before the first call's limit is over. */
	return 2 * webhook_call_limit_ms(terms);
}

/* The message cannot be read or turned into a payload: nobody else's fault,
 * and perhaps over when an operator looked at it. */
static void set_unreadable(
    const struct attempt *attempt, const struct error *err)
{
	struct outcome *outcome = attempt->outcome;

	log_event(LOG_ERROR, "process_failed",
	    LOG_TEXT("id", attempt->work->id_text),
	    LOG_TEXT("error", err->text));
	outcome->kind = OUTCOME_DEFERRED;
	outcome->blame = BLAME_MESSAGE;
	outcome->reason = "message_unreadable";
	(void)snprintf(outcome->answer, sizeof(outcome->answer), "%.*s",
	    (int)sizeof(outcome->answer) - 1, err->text);
}

/* 413 means: less, at once. Steps go on for as long as one call may take. */
static bool can_send_less(struct attempt *attempt, struct payload *payload,
    const struct http_response *response)
{
	return response->failure == HTTP_ANSWERED && response->status == 413 &&
	       clock_mono_ms() - attempt->start_ms <
		   webhook_call_limit_ms(attempt->terms) &&
	       payload_reduce(payload);
}

static void post(struct attempt *attempt, const struct envelope *envelope,
    struct payload *payload)
{
	struct webhook_call call = {
	    .message_id = envelope->imported_id != NULL
			      ? envelope->imported_id
			      : attempt->work->id_text,
	    .recipient_number = attempt->work->recipient_number,
	    .attempt = attempt->work->attempt,
	};
	struct http_response response;

	do
		webhook_post(attempt->webhook, attempt->terms, &call, payload,
		    &response);
	while (can_send_less(attempt, payload, &response));
	webhook_answer_judge(&response, attempt->outcome);
	attempt->outcome->content_omitted =
	    attempt->outcome->kind == OUTCOME_DELIVERED &&
	    payload_is_reduced(payload);
}

static void make(struct attempt *attempt, struct message *message)
{
	const struct envelope *envelope = spool_message_envelope(message);
	struct source source = spool_message_source(message);
	struct payload_options options =
	    webhook_payload_options(attempt->terms, envelope);
	struct payload *payload = NULL;
	struct error err = {0};

	if (!payload_new(&source, envelope, attempt->work->recipient_number,
		&options, &payload, &err)) {
		set_unreadable(attempt, &err);
	} else if (!webhook_takes_bounces(attempt->terms) &&
		   payload_is_bounce(payload)) {
		attempt->outcome->kind = OUTCOME_DELIVERED;
		attempt->outcome->reason = "bounce_not_posted";
	} else {
		post(attempt, envelope, payload);
	}
	payload_free(&payload);
}

static void log_outcome(const struct work *work, const struct outcome *outcome)
{
	static const char *const events[] = {
	    [OUTCOME_DELIVERED] = "webhook_delivered",
	    [OUTCOME_DEFERRED] = "webhook_retry",
	    [OUTCOME_DEAD] = "webhook_refused",
	    [OUTCOME_RELEASED] = NULL,
	};
	bool done = outcome->kind == OUTCOME_DELIVERED;

	if (events[outcome->kind] == NULL)
		return;
	log_event(done ? LOG_INFO : LOG_WARN, events[outcome->kind],
	    LOG_TEXT("id", work->id_text),
	    LOG_TEXT("recipient", work->recipient),
	    LOG_NUMBER("recipient_number", work->recipient_number),
	    LOG_NUMBER("attempt", work->attempt),
	    LOG_NUMBER("status", outcome->status),
	    LOG_TEXT("reason", outcome->reason),
	    LOG_TEXT("answer", done ? NULL : outcome->answer),
	    LOG_NUMBER("duration_ms", outcome->duration_ms));
}

void attempt_webhook(struct spool *spool, struct webhook *webhook,
    const struct webhook_terms *terms, const struct work *work,
    struct outcome *outcome)
{
	struct attempt attempt = {
	    .webhook = webhook,
	    .terms = terms,
	    .work = work,
	    .outcome = outcome,
	    .start_ms = clock_mono_ms(),
	};
	struct message *message;
	struct error err = {0};

	*outcome = (struct outcome){
	    .id = work->id,
	    .recipient_number = work->recipient_number,
	    .claim = work->claim,
	    .blame = BLAME_MESSAGE,
	};
	if (spool_message_open(spool, &work->id, &message, &err)) {
		make(&attempt, message);
		spool_message_close(&message);
	} else {
		set_unreadable(&attempt, &err);
	}
	outcome->duration_ms = clock_mono_ms() - attempt.start_ms;
	log_outcome(work, outcome);
}
