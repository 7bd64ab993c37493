#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/http_client.h"
#include "deliver/sign_webhook.h"
#include "deliver/webhook.h"
#include "deliver/webhook_answer.h"

#include <stdio.h>
#include <string.h>

struct row {
	enum http_failure failure;
	int status;
	const char *body;
	int64_t retry_after_ms;
	enum outcome_kind kind;
	enum outcome_blame blame;
	const char *reason;
	const char *answer;
};

#define BOUNCE "{\"error\":\"User not found\",\"bounce\":true}"

static const struct row rows[] = {
    /* done */
    {0, 200, "{\"status\":\"success\"}", 0, OUTCOME_DELIVERED, BLAME_MESSAGE,
	"delivered", "{\"status\":\"success\"}"},
    {0, 200, " {\"enqueue_outcome\":\"duplicate\",\"status\":\"queued\"}\n", 0,
	OUTCOME_DELIVERED, BLAME_MESSAGE, "delivered", NULL},
    /* a 200 that is not Phoenix's */
    {0, 200, "", 0, OUTCOME_DEFERRED, BLAME_DESTINATION,
	"http_200_without_status", ""},
    {0, 200, "<html>\r\n<b>It works!</b></html>", 0, OUTCOME_DEFERRED,
	BLAME_DESTINATION, "http_200_without_status",
	"<html> <b>It works!</b></html>"},
    {0, 200, "{\"status\":\"failed\"}", 0, OUTCOME_DEFERRED, BLAME_DESTINATION,
	"http_200_without_status", NULL},
    {0, 200, "{\"status\":true}", 0, OUTCOME_DEFERRED, BLAME_DESTINATION,
	"http_200_without_status", NULL},
    {0, 200, "[\"status\",\"success\"]", 0, OUTCOME_DEFERRED, BLAME_DESTINATION,
	"http_200_without_status", NULL},
    {0, 200, "{\"status\":\"success\"", 0, OUTCOME_DEFERRED, BLAME_DESTINATION,
	"http_200_without_status", NULL},
    {0, 200, "{\"status\":\"success\"}{}", 0, OUTCOME_DEFERRED,
	BLAME_DESTINATION, "http_200_without_status", NULL},
    {0, 200, "{\"status\":\"failed\",\"status\":\"success\"}", 0,
	OUTCOME_DEFERRED, BLAME_DESTINATION, "http_200_without_status", NULL},
    {0, 202, "{\"status\":\"success\"}", 0, OUTCOME_DEFERRED, BLAME_DESTINATION,
	"http_2xx", NULL},
    {0, 204, "", 0, OUTCOME_DEFERRED, BLAME_DESTINATION, "http_2xx", NULL},
    /* permanent, by Phoenix's own signature */
    {0, 404, BOUNCE, 0, OUTCOME_DEAD, BLAME_MESSAGE, "bounce",
	"User not found"},
    {0, 400, BOUNCE, 0, OUTCOME_DEAD, BLAME_MESSAGE, "bounce", NULL},
    {0, 403, BOUNCE, 0, OUTCOME_DEAD, BLAME_MESSAGE, "rejected", NULL},
    {0, 400, "{\"error\":\"Invalid Content-Length header\"}", 0, OUTCOME_DEAD,
	BLAME_MESSAGE, "invalid_content_length", NULL},
    {0, 413, "{\"error\":\"Request too large\"}", 0, OUTCOME_DEAD,
	BLAME_MESSAGE, "too_large", "Request too large"},
    /* the same without it */
    {0, 404, "", 0, OUTCOME_DEFERRED, BLAME_DESTINATION, "http_404", NULL},
    {0, 404, "<h1>Not Found</h1>", 0, OUTCOME_DEFERRED, BLAME_DESTINATION,
	"http_404", NULL},
    {0, 404, "{\"error\":\"x\",\"bounce\":false}", 0, OUTCOME_DEFERRED,
	BLAME_DESTINATION, "http_404", "x"},
    {0, 404, "{\"error\":\"x\",\"bounce\":\"true\"}", 0, OUTCOME_DEFERRED,
	BLAME_DESTINATION, "http_404", NULL},
    {0, 404, "{\"bounce\":false,\"bounce\":true}", 0, OUTCOME_DEFERRED,
	BLAME_DESTINATION, "http_404", NULL},
    {0, 404, "{\"error\":{\"bounce\":true}}", 0, OUTCOME_DEFERRED,
	BLAME_DESTINATION, "http_404", NULL},
    {0, 400, "{\"error\":\"Bad Request\"}", 0, OUTCOME_DEFERRED,
	BLAME_DESTINATION, "http_400", "Bad Request"},
    {0, 403, "Forbidden", 0, OUTCOME_DEFERRED, BLAME_DESTINATION, "http_403",
	"Forbidden"},
    {0, 410, BOUNCE, 0, OUTCOME_DEFERRED, BLAME_DESTINATION, "http_4xx", NULL},
    {0, 422, "{}", 0, OUTCOME_DEFERRED, BLAME_DESTINATION, "http_422", NULL},
    {0, 500, BOUNCE, 0, OUTCOME_DEFERRED, BLAME_DESTINATION, "http_500", NULL},
    /* our key */
    {0, 401, "{\"error\":\"Unauthorized\"}", 0, OUTCOME_DEFERRED, BLAME_HARD,
	"unauthorized", "Unauthorized"},
    {0, 401, BOUNCE, 0, OUTCOME_DEFERRED, BLAME_HARD, "unauthorized", NULL},
    /* later */
    {0, 429, "", 30000, OUTCOME_DEFERRED, BLAME_SLOW, "http_429", NULL},
    {0, 503, "", 5000, OUTCOME_DEFERRED, BLAME_DESTINATION, "http_503", NULL},
    {0, 507, "{\"error\":\"Over quota\"}", 0, OUTCOME_DEFERRED, BLAME_MESSAGE,
	"http_507", "Over quota"},
    {0, 500, "", 0, OUTCOME_DEFERRED, BLAME_DESTINATION, "http_500", NULL},
    {0, 502, "", 0, OUTCOME_DEFERRED, BLAME_DESTINATION, "http_502", NULL},
    {0, 504, "", 0, OUTCOME_DEFERRED, BLAME_DESTINATION, "http_504", NULL},
    {0, 599, "", 0, OUTCOME_DEFERRED, BLAME_DESTINATION, "http_5xx", NULL},
    {0, 408, "", 0, OUTCOME_DEFERRED, BLAME_DESTINATION, "http_408", NULL},
    {0, 425, "", 0, OUTCOME_DEFERRED, BLAME_DESTINATION, "http_425", NULL},
    {0, 301, "", 0, OUTCOME_DEFERRED, BLAME_DESTINATION, "http_3xx", NULL},
    {0, 308, "", 0, OUTCOME_DEFERRED, BLAME_DESTINATION, "http_3xx", NULL},
    /* no whole answer: the status, if any, says nothing */
    {HTTP_REFUSED, 0, "", 0, OUTCOME_DEFERRED, BLAME_HARD, "connection_refused",
	"why"},
    {HTTP_UNRESOLVED, 0, "", 0, OUTCOME_DEFERRED, BLAME_DESTINATION,
	"unresolved", "why"},
    {HTTP_CONNECT_TIMEOUT, 0, "", 0, OUTCOME_DEFERRED, BLAME_DESTINATION,
	"connect_timeout", "why"},
    {HTTP_TIMEOUT, 0, "", 0, OUTCOME_DEFERRED, BLAME_DESTINATION, "timeout",
	"why"},
    {HTTP_TLS, 0, "", 0, OUTCOME_DEFERRED, BLAME_DESTINATION, "tls_failed",
	"why"},
    {HTTP_BROKEN, 404, BOUNCE, 0, OUTCOME_DEFERRED, BLAME_DESTINATION,
	"broken_answer", "why"},
    {HTTP_BROKEN, 200, "{\"status\":\"success\"}", 0, OUTCOME_DEFERRED,
	BLAME_DESTINATION, "broken_answer", "why"},
    {HTTP_BODY_FAILED, 0, "", 0, OUTCOME_DEFERRED, BLAME_MESSAGE,
	"message_unreadable", "why"},
    {HTTP_INTERRUPTED, 0, "", 0, OUTCOME_RELEASED, BLAME_DESTINATION,
	"interrupted", "why"},
};

static void an_answer_is_permanent_only_by_its_signature(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct http_response response = {
		    .failure = row->failure,
		    .status = row->status,
		    .body = row->body,
		    .body_len = strlen(row->body),
		    .retry_after_ms = row->retry_after_ms,
		};
		struct outcome outcome = {0};

		if (row->failure != HTTP_ANSWERED)
			memcpy(response.problem, "why", 4);
		webhook_answer_judge(&response, &outcome);
		if (outcome.kind != row->kind || outcome.blame != row->blame)
			fail_msg("row %zu: %d %s", i, row->status, row->body);
		assert_string_equal(outcome.reason, row->reason);
		assert_int_equal(outcome.status, row->status);
		assert_int_equal(outcome.retry_after_ms, row->retry_after_ms);
		if (row->answer != NULL)
			assert_string_equal(outcome.answer, row->answer);
	}
}

static void every_status_has_a_meaning(void **state)
{
	(void)state;
	for (int status = 100; status < 1000; status++) {
		struct http_response response = {
		    .status = status, .body = "{}", .body_len = 2};
		struct outcome outcome = {0};

		webhook_answer_judge(&response, &outcome);
		assert_non_null(outcome.reason);
		assert_true((outcome.kind == OUTCOME_DEAD) == (status == 413));
		assert_int_not_equal(outcome.kind, OUTCOME_DELIVERED);
	}
}

static void a_long_answer_is_cut_between_characters(void **state)
{
	static const char euro[] = "\xE2\x82\xAC";
	struct buf body = buf_new(2000);
	struct http_response response = {.status = 500};
	struct outcome outcome = {0};

	(void)state;
	for (size_t before = 0; before < 3; before++) {
		buf_clear(&body);
		(void)buf_append_text(&body, "{\"error\":\"");
		(void)buf_append(&body, "xx", before);
		for (int i = 0; i < 300; i++)
			(void)buf_append_text(&body, euro);
		(void)buf_append_text(&body, "\"}");
		response.body = buf_text(&body);
		response.body_len = body.len;
		webhook_answer_judge(&response, &outcome);
		/* 255 bytes are 85 whole characters, or 84 and what stands
		 * before them. */
		assert_int_equal(strlen(outcome.answer),
		    before == 0 ? 255 : 84 * 3 + before);
	}
	buf_free(&body);
}

static void an_answer_of_garbage_stays_printable(void **state)
{
	static const char body[] = "\xFF\xFE a\x00\x01 \r\n\tb\x7F\xC3\xA9  ";
	struct http_response response = {
	    .status = 500, .body = body, .body_len = sizeof(body) - 1};
	struct outcome outcome = {0};

	(void)state;
	webhook_answer_judge(&response, &outcome);
	assert_string_equal(outcome.answer, "?? a?? b???");
}

/* The example of the specification. */
static void a_signature_is_that_of_the_standard(void **state)
{
	static const char *const secrets[] = {
	    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
	static const char body[] = "{\"test\": 2432232314}";
	char text[WEBHOOK_SIGNATURE_SIZE];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct webhook_key *key = webhook_key_new(secrets[i]);
		struct webhook_signature signature;

		webhook_signature_begin(&signature, key,
		    "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330);
		for (size_t at = 0; at < sizeof(body) - 1; at++)
			webhook_signature_add(&signature, body + at, 1);
		webhook_signature_end(&signature, text);
		assert_string_equal(
		    text, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
		webhook_key_free(&key);
		assert_null(key);
	}
}

static void a_secret_that_is_no_base64_counts_as_it_stands(void **state)
{
	struct webhook_key *key = webhook_key_new("not base64!");
	struct webhook_signature signature;
	char text[WEBHOOK_SIGNATURE_SIZE];

	(void)state;
	webhook_signature_begin(&signature, key, "id", 1);
	webhook_signature_end(&signature, text);
	/* printf 'id.1.' | openssl dgst -sha256 -hmac 'not base64!' -binary |
	 * base64 */
	assert_string_equal(
	    text, "v1,0HtqJ1EubddtdqDo39/GTkA9c5FX5qc+h4sseeaxQJE=");
	webhook_key_free(&key);
}

static void only_plain_http_to_internal_hosts_says_https(void **state)
{
	static const struct {
		const char *url;
		bool internal;
	} urls[] = {
	    {"http://phoenix.internal/api", true},
	    {"http://phoenix.internal:4000/api", true},
	    {"HTTP://a.b.INTERNAL", true},
	    {"http://user:pass@phoenix.internal/", true},
	    {"https://phoenix.internal/api", false},
	    {"http://phoenix.example/x.internal/", false},
	    {"http://internal/", false},
	    {"http://.internal/", false},
	    {"http://phoenix.internal.example/", false},
	    {"http://example.com?.internal", false},
	    {"http://u.internal@example.com/", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		assert_int_equal(
		    http_url_is_internal(urls[i].url), urls[i].internal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_answer_is_permanent_only_by_its_signature),
	    cmocka_unit_test(every_status_has_a_meaning),
	    cmocka_unit_test(a_long_answer_is_cut_between_characters),
	    cmocka_unit_test(an_answer_of_garbage_stays_printable),
	    cmocka_unit_test(a_signature_is_that_of_the_standard),
	    cmocka_unit_test(a_secret_that_is_no_base64_counts_as_it_stands),
	    cmocka_unit_test(only_plain_http_to_internal_hosts_says_https),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
