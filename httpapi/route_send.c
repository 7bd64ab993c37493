#include "httpapi/route_send.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/log.h"
#include "bounds.h"
#include "httpapi/json_intake.h"
#include "httpapi/local_domains.h"
#include "httpapi/send_request.h"
#include "mail/trace_header.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BOUNDARY_BYTES 12

struct send {
	struct request *request;
	struct json_intake *intake;
	struct scratch *scratch; /* long strings of the body; NULL: none yet */
	struct spool_key *key;   /* NULL: the request has none */
	crypto_generichash_state digest; /* of the body, for the key */
	uint8_t digest_bytes[SPOOL_DIGEST_BYTES];

	struct send_request what;
	struct draft *draft;
	char id[ID_TEXT + 1];
	const char *message_id; /* without brackets */
	bool eight_bit;
	uint64_t size;
	struct buf signature;   /* DKIM-Signature, if the domain has a key */
	struct error committed; /* what the committer said */
	route_done_fn *done;
	void *done_arg;
};

/* --- the beginning ---------------------------------------------------- */

static bool is_json(const char *type)
{
	struct slice text = slice_of(type);

	return slice_is(slice_trim(slice_first(text, slice_find(text, ';'))),
	    "application/json");
}

static bool check_type(struct request *request, struct reply *reply)
{
	const char *type = request_header(request, "Content-Type");
	const char *coding = request_header(request, "Content-Encoding");

	if (type == NULL || !is_json(type))
		reply_error(
		    reply, 415, "the body must be of type application/json");
	else if (coding != NULL && strcasecmp(coding, "identity") != 0)
		reply_error(reply, 415, "the body must not be compressed");
	return reply->status == 0;
}

static bool is_key(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] >= 0x7f)
			return false;
	return len > 0 && len <= LIMIT_IDEMPOTENCY_KEY;
}

/* From now on nobody else works on this key. */
static bool claim_key(
    struct request *request, struct spool_key **key, struct reply *reply)
{
	const char *text = request_header(request, "Idempotency-Key");
	struct error err;

	*key = NULL;
	if (text == NULL)
		return true;
	if (!is_key(text)) {
		reply_error(reply, 400,
		    "Idempotency-Key is not 1 to %d printable characters",
		    LIMIT_IDEMPOTENCY_KEY);
		return false;
	}
	if (spool_key_claim(
		request->context->spool, text, strlen(text), key, &err))
		return true;
	if (err.kind == ERROR_BUSY) {
		reply_header(reply, "Retry-After", "1");
		reply_error(reply, 409, "%s", err.text);
	} else {
		reply_failure(reply, &err);
	}
	return false;
}

static bool store(void *arg, const void *data, size_t len, struct error *err)
{
	struct send *send = arg;

	return (send->scratch != NULL ||
		   spool_scratch_open(send->request->context->spool,
		       send->request->length, &send->scratch, err)) &&
	       spool_scratch_write(send->scratch, data, len, err);
}

/* The state of the hash wants to be aligned. */
static struct send *send_new(struct request *request)
{
	size_t size = (sizeof(struct send) + 63) / 64 * 64;
	struct send *send = aligned_alloc(64, size);
	struct json_store json_store = {.write = store, .arg = send};

	if (send == NULL)
		fatal("out of memory");
	memset(send, 0, size);
	send->request = request;
	send->signature = buf_new(LIMIT_TRACE / 2);
	send->intake = json_intake_new(&json_store, request->arena);
	(void)crypto_generichash_init(
	    &send->digest, NULL, 0, sizeof(send->digest_bytes));
	return send;
}

static void count_error(struct request *request)
{
	atomic_fetch_add(&request->context->counters.sent_error, 1);
}

static void *begin(struct request *request, struct reply *reply)
{
	struct spool_key *key = NULL;
	struct error err;
	struct send *send;

	if (!check_type(request, reply) || !claim_key(request, &key, reply)) {
		count_error(request);
		return NULL;
	}
	if (!spool_has_room(request->context->spool, request->length, &err)) {
		reply_failure(reply, &err);
		spool_key_release(&key);
		count_error(request);
		return NULL;
	}
	send = send_new(request);
	send->key = key;
	return send;
}

static void feed(void *arg, const char *data, size_t len)
{
	struct send *send = arg;

	if (send->key != NULL)
		(void)crypto_generichash_update(
		    &send->digest, (const unsigned char *)data, len);
	(void)json_intake_feed(send->intake, data, len);
}

static const char *key_folder(const struct send *send)
{
	return send->request->settings->config->haraka_dkim_dir;
}

/* A short body without a key of any kind needs neither disk nor index nor
 * much arithmetic. */
static bool quick(void *arg)
{
	struct send *send = arg;

	return send->key == NULL && !json_intake_has_stored(send->intake) &&
	       !local_domains_are_due(send->request->context->local_domains) &&
	       !signing_is_on(
		   send->request->context->signing, key_folder(send));
}

/* --- what is asked ---------------------------------------------------- */

/* Answers a request that was made before; false if this is a new one. */
static bool answer_again(struct send *send, struct reply *reply)
{
	struct spool_key_use use;
	struct error err;
	bool found;

	if (send->key == NULL)
		return false;
	(void)crypto_generichash_final(
	    &send->digest, send->digest_bytes, sizeof(send->digest_bytes));
	if (!spool_key_find(send->key, &use, &found, &err)) {
		reply_failure(reply, &err);
		return true;
	}
	if (!found)
		return false;
	if (sodium_memcmp(use.digest, send->digest_bytes, sizeof(use.digest)) !=
	    0)
		reply_error(
		    reply, 422, "Idempotency-Key was used for another body");
	else
		reply_json(reply, 200,
		    json_pack(
			"{s:b, s:s}", "success", 1, "message_id", use.id_text));
	return true;
}

static bool is_local(void *arg, const char *domain)
{
	const struct request *request = arg;

	/* Another host takes them in. */
	return request->settings->config->elektrine_local_mx_host == NULL &&
	       local_domains_have(
		   request->context->local_domains, request->settings, domain);
}

static void reply_fault(struct reply *reply, const struct send_fault *fault)
{
	char detail[320];

	(void)snprintf(detail, sizeof(detail), "%s%s%s", fault->field,
	    fault->field[0] == '\0' ? "" : " ", fault->reason);
	reply_problem(reply, fault->status, detail,
	    fault->field[0] == '\0'
		? NULL
		: json_pack("{s:s, s:s}", "field", fault->field, "reason",
		      fault->reason));
}

/* An id for the Message-ID is needed before there is a draft with one. */
static const char *new_message_id(const struct request *request)
{
	unsigned char random[16];
	char text[2 * sizeof(random) + 1];

	randombytes_buf(random, sizeof(random));
	(void)sodium_bin2hex(text, sizeof(text), random, sizeof(random));
	return arena_printf(request->arena, "<%s@%s>", text,
	    request->settings->config->haraka_domain);
}

static bool understand(struct send *send, struct reply *reply)
{
	struct send_rules rules = {
	    send->request->settings->config, is_local, send->request};
	struct send_fault fault = {0};
	struct source stored = source_memory("", 0);
	const json_t *root;
	struct error err;

	root = json_intake_finish(send->intake, &err);
	if (root == NULL) {
		reply_failure(reply, &err);
		return false;
	}
	if (send->scratch != NULL)
		stored = spool_scratch_source(send->scratch);
	send->what.arena = send->request->arena;
	send->what.letter.message_id = new_message_id(send->request);
	send->what.letter.date_ms = clock_wall_ms();
	if (send_request_read(
		&send->what, root, send->intake, &stored, &rules, &fault))
		return true;
	reply_fault(reply, &fault);
	return false;
}

/* --- the message ------------------------------------------------------ */

static struct envelope envelope_of(const struct send *send)
{
	const struct request *request = send->request;

	return (struct envelope){
	    .sender = send->what.sender,
	    .recipients = send->what.recipients,
	    .recipient_count = send->what.recipient_count,
	    .received_ms = clock_wall_ms(),
	    .client_ip = request->client_text,
	    .protocol = request->https ? "HTTPS" : "HTTP",
	    .authenticated = true,
	    .auth_user = send->what.sender,
	    .smtputf8 = send->what.utf8,
	    .eight_bit = send->eight_bit,
	    .message_id = send->message_id,
	};
}

static bool write_draft(
    void *arg, const void *data, size_t len, struct error *err)
{
	struct send *send = arg;

	send->size += len;
	return spool_write(send->draft, data, len, err);
}

static bool write_letter(
    struct send *send, const struct body_sink *sink, struct error *err)
{
	unsigned char random[BOUNDARY_BYTES];
	char boundary[2 * BOUNDARY_BYTES + 1];
	const struct letter *letter = &send->what.letter;

	randombytes_buf(random, sizeof(random));
	(void)sodium_bin2hex(
	    boundary, sizeof(boundary), random, sizeof(random));
	send->message_id = arena_strndup(send->request->arena,
	    letter->message_id + 1, strlen(letter->message_id) - 2);
	return compose_write(letter, boundary, sink, err);
}

static bool write_raw(
    struct send *send, const struct body_sink *sink, struct error *err)
{
	struct raw_found found;

	if (!raw_letter_write(
		&send->what.raw, sink, send->request->arena, &found, err))
		return false;
	send->message_id = found.message_id;
	send->eight_bit = found.eight_bit;
	return true;
}

/* A key that cannot be used is for the operator to mend; mail goes on. */
static void sign(struct send *send)
{
	const struct source message = spool_draft_source(send->draft);
	struct error err;

	if (signing_sign(send->request->context->signing, key_folder(send),
		send->what.domain, &message, &send->signature, &err))
		return;
	buf_clear(&send->signature);
	log_event(LOG_ERROR, "not_signed", LOG_TEXT("id", send->id),
	    LOG_TEXT("from", send->what.sender), LOG_TEXT("error", err.text));
}

static void write_message(struct send *send, struct reply *reply)
{
	struct body_sink sink = {.write = write_draft, .arg = send};
	struct envelope so_far = envelope_of(send);
	struct error err;

	if (!spool_begin(send->request->context->spool, &so_far,
		send->request->length, &send->draft, &err)) {
		reply_failure(reply, &err);
		return;
	}
	memcpy(send->id, spool_draft_id(send->draft), sizeof(send->id));
	if (send->what.is_raw ? write_raw(send, &sink, &err)
			      : write_letter(send, &sink, &err)) {
		if (send->key != NULL)
			spool_draft_use_key(
			    send->draft, send->key, send->digest_bytes);
		sign(send);
		return;
	}
	spool_discard(&send->draft);
	if (send->what.is_raw &&
	    (err.kind == ERROR_PERMANENT || err.kind == ERROR_LIMIT))
		reply_error(reply, 400, "%s %s",
		    send->what.raw.base64 ? "raw_base64" : "raw", err.text);
	else
		reply_failure(reply, &err);
}

static void serve(void *arg, struct reply *reply)
{
	struct send *send = arg;

	if (local_domains_are_due(send->request->context->local_domains))
		local_domains_refresh(send->request->context->local_domains);
	if (answer_again(send, reply))
		return;
	if (understand(send, reply))
		write_message(send, reply);
	if (reply->status == 0)
		return;
	count_error(send->request);
	log_event(LOG_INFO, "message_rejected",
	    LOG_TEXT("ip", send->request->client_text),
	    LOG_TEXT("from", send->what.sender),
	    LOG_NUMBER("code", reply->status));
}

/* --- the commit ------------------------------------------------------- */

/* On the committer's thread. */
static void on_committed(void *arg, const struct error *err)
{
	struct send *send = arg;

	send->committed =
	    err == NULL ? (struct error){.kind = ERROR_NONE} : *err;
	send->done(send->done_arg);
}

static void write_trace(
    const struct send *send, const struct envelope *envelope, struct buf *trace)
{
	struct received received = {
	    .client_ip = envelope->client_ip,
	    .host = send->request->settings->config->haraka_domain,
	    .protocol = envelope->protocol,
	    .id = send->id,
	    /* One recipient must not learn of another. */
	    .recipient = envelope->recipient_count == 1
			     ? envelope->recipients[0].address
			     : NULL,
	    .when_ms = envelope->received_ms,
	};
	bool fits =
	    trace_return_path(trace, envelope->sender) &&
	    trace_received(trace, &received) &&
	    buf_append(trace, send->signature.data, send->signature.len);

	assert(fits);
}

static void start(void *arg, route_done_fn *done, void *done_arg)
{
	struct send *send = arg;
	struct envelope envelope = envelope_of(send);
	struct buf trace = buf_new(LIMIT_TRACE);

	send->done = done;
	send->done_arg = done_arg;
	write_trace(send, &envelope, &trace);
	spool_commit(
	    &send->draft, &envelope, trace.data, trace.len, on_committed, send);
	buf_free(&trace);
}

static void finish(void *arg, struct reply *reply)
{
	struct send *send = arg;
	struct request *request = send->request;

	if (send->committed.kind != ERROR_NONE) {
		count_error(request);
		log_event(LOG_ERROR, "enqueue_failed",
		    LOG_TEXT("ip", request->client_text),
		    LOG_TEXT("id", send->id),
		    LOG_TEXT("error", send->committed.text));
		reply_failure(reply, &send->committed);
		return;
	}
	atomic_fetch_add(&request->context->counters.sent_ok, 1);
	log_event(LOG_INFO, "message_enqueued",
	    LOG_TEXT("ip", request->client_text), LOG_TEXT("id", send->id),
	    LOG_TEXT("from", send->what.sender),
	    LOG_NUMBER("recipients", send->what.recipient_count),
	    LOG_NUMBER("size", send->size));
	reply_json(reply, 200,
	    json_pack("{s:b, s:s}", "success", 1, "message_id", send->id));
}

static void send_free(void *arg)
{
	struct send *send = arg;

	spool_discard(&send->draft);
	spool_scratch_close(&send->scratch);
	json_intake_free(&send->intake);
	spool_key_release(&send->key);
	buf_free(&send->signature);
	free(send);
}

const struct route_stream route_send = {
    .begin = begin,
    .feed = feed,
    .quick = quick,
    .serve = serve,
    .start = start,
    .finish = finish,
    .free = send_free,
};
