#include "deliver/webhook.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/errors.h"
#include "bounds.h"
#include "deliver/figures.h"
#include "deliver/payload_settings.h"
#include "deliver/sign_webhook.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USER_AGENT "elektrine-spool/" ELEKTRINE_VERSION
/* A message id is 26 characters; one from the old queue may be longer. */
#define ID_LIMIT 200
#define LINE_SIZE (ID_LIMIT + 64)
#define SIGN_CHUNK 16384

struct webhook_terms {
	atomic_uint owners;
	char *url;
	char *api_key_line;
	struct webhook_key *signing_key; /* NULL: not signed */
	bool internal;
	bool takes_bounces;
	int64_t timeout_ms;
	uint64_t max_bytes;
	struct payload_settings *payloads;
};

struct webhook {
	struct http_client *client;
};

/* The lines that differ from call to call. */
struct lines {
	char id[LINE_SIZE], key[LINE_SIZE], attempt[64];
	char signed_id[LINE_SIZE], signed_at[64];
	char signature[sizeof("webhook-signature: ") + WEBHOOK_SIGNATURE_SIZE];
	const char *all[HTTP_HEADERS];
	size_t count;
};

static char *api_key_line(const char *key)
{
	size_t size = sizeof("X-API-Key: ") + strlen(key);
	char *line = xmalloc(size);

	(void)snprintf(line, size, "X-API-Key: %s", key);
	return line;
}

struct webhook_terms *webhook_terms_new(const struct config *config)
{
	struct webhook_terms *terms = xcalloc(1, sizeof(*terms));

	atomic_init(&terms->owners, 1);
	terms->url = xstrdup(config->phoenix_webhook_url);
	terms->api_key_line = api_key_line(config->phoenix_api_key);
	if (config->webhook_signing_secret != NULL)
		terms->signing_key =
		    webhook_key_new(config->webhook_signing_secret);
	terms->internal = http_url_is_internal(terms->url);
	terms->takes_bounces = config->deliver_bounces;
	terms->timeout_ms = config->webhook_timeout_ms;
	terms->max_bytes = config->webhook_max_bytes;
	terms->payloads = payload_settings_new(config);
	return terms;
}

struct webhook_terms *webhook_terms_share(struct webhook_terms *terms)
{
	atomic_fetch_add(&terms->owners, 1);
	return terms;
}

void webhook_terms_release(struct webhook_terms **terms)
{
	struct webhook_terms *leaving = *terms;

	*terms = NULL;
	if (leaving == NULL || atomic_fetch_sub(&leaving->owners, 1) != 1)
		return;
	webhook_key_free(&leaving->signing_key);
	payload_settings_free(&leaving->payloads);
	sodium_memzero(leaving->api_key_line, strlen(leaving->api_key_line));
	free(leaving->api_key_line);
	free(leaving->url);
	free(leaving);
}

struct payload_options webhook_payload_options(
    const struct webhook_terms *terms, const struct envelope *envelope)
{
	return payload_settings_for(terms->payloads, envelope);
}

bool webhook_takes_bounces(const struct webhook_terms *terms)
{
	return terms->takes_bounces;
}

int64_t webhook_call_limit_ms(const struct webhook_terms *terms)
{
	return terms->timeout_ms +
	       (int64_t)(terms->max_bytes * 1000 / LIMIT_UPLOAD_FLOOR);
}

struct webhook *webhook_new(void)
{
	struct webhook *webhook = xcalloc(1, sizeof(*webhook));

	webhook->client = http_client_new(USER_AGENT, LIMIT_WEBHOOK_ANSWER);
	return webhook;
}

void webhook_free(struct webhook **webhook)
{
	if (*webhook == NULL)
		return;
	http_client_free(&(*webhook)->client);
	free(*webhook);
	*webhook = NULL;
}

void webhook_interrupt(struct webhook *webhook)
{
	http_client_interrupt(webhook->client);
}

static void add_line(struct lines *lines, const char *line)
{
	lines->all[lines->count++] = line;
}

/* The id as a header field may carry it: one from the old queue can hold
 * anything. */
static void clean_id(char *out, const char *id)
{
	size_t i;

	for (i = 0; i < ID_LIMIT && id[i] != '\0'; i++)
		out[i] = id[i] > ' ' && id[i] < 0x7F ? id[i] : '_';
	out[i] = '\0';
}

static void set_lines(struct lines *lines, const struct webhook_terms *terms,
    const struct webhook_call *call)
{
	char id[ID_LIMIT + 1];

	clean_id(id, call->message_id);
	lines->count = 0;
	(void)snprintf(lines->id, sizeof(lines->id), "X-Message-Id: %s", id);
	(void)snprintf(lines->key, sizeof(lines->key),
	    "X-Idempotency-Key: %s:%u", id, call->recipient_number);
	(void)snprintf(lines->attempt, sizeof(lines->attempt),
	    "X-Delivery-Attempt: %u", call->attempt);
	add_line(lines, "Content-Type: application/json");
	add_line(lines, terms->api_key_line);
	add_line(lines, lines->id);
	add_line(lines, lines->key);
	add_line(lines, lines->attempt);
	if (terms->internal)
		add_line(lines, "X-Forwarded-Proto: https");
}

/* Reads the payload once through the signature, and goes back. */
static bool sign(struct lines *lines, const struct webhook_key *key,
    struct payload *payload, struct error *err)
{
	const char *id = strchr(lines->key, ' ') + 1;
	int64_t now_s = clock_wall_ms() / 1000;
	char text[WEBHOOK_SIGNATURE_SIZE], chunk[SIGN_CHUNK];
	struct webhook_signature signature;
	size_t got;

	webhook_signature_begin(&signature, key, id, now_s);
	do {
		if (!payload_read(payload, chunk, sizeof(chunk), &got, err))
			return false;
		webhook_signature_add(&signature, chunk, got);
	} while (got > 0);
	webhook_signature_end(&signature, text);
	(void)snprintf(
	    lines->signed_id, sizeof(lines->signed_id), "webhook-id: %s", id);
	(void)snprintf(lines->signed_at, sizeof(lines->signed_at),
	    "webhook-timestamp: %lld", (long long)now_s);
	(void)snprintf(lines->signature, sizeof(lines->signature),
	    "webhook-signature: %s", text);
	add_line(lines, lines->signed_id);
	add_line(lines, lines->signed_at);
	add_line(lines, lines->signature);
	payload_rewind(payload);
	return true;
}

static bool read_payload(
    void *arg, void *data, size_t len, size_t *got, struct error *err)
{
	return payload_read(arg, data, len, got, err);
}

static bool rewind_payload(void *arg, struct error *err)
{
	(void)err;
	payload_rewind(arg);
	return true;
}

void webhook_post(struct webhook *webhook, const struct webhook_terms *terms,
    const struct webhook_call *call, struct payload *payload,
    struct http_response *response)
{
	struct http_body body = {
	    .size = payload_size(payload),
	    .read = read_payload,
	    .rewind = rewind_payload,
	    .arg = payload,
	};
	struct lines lines;
	struct http_request request = {
	    .url = terms->url,
	    .headers = lines.all,
	    .body = &body,
	    .timeout_ms = terms->timeout_ms,
	};
	struct error err = {0};

	set_lines(&lines, terms, call);
	payload_rewind(payload);
	if (terms->signing_key != NULL &&
	    !sign(&lines, terms->signing_key, payload, &err)) {
		*response = (struct http_response){
		    .failure = HTTP_BODY_FAILED, .body = ""};
		(void)snprintf(response->problem, sizeof(response->problem),
		    "%.*s", (int)sizeof(response->problem) - 1, err.text);
		return;
	}
	request.header_count = lines.count;
	http_client_send(webhook->client, &request, response);
	metric_observe(&figure_webhook_duration, NULL,
	    (uint64_t)response->duration_ms * 1000);
}
