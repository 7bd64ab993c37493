#include "deliver/webhook_answer.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define FRAMING_COMPLAINT "Invalid Content-Length header"

/* One row of the table below. */
struct meaning {
	enum outcome_kind kind;
	enum outcome_blame blame;
	const char *reason; /* NULL: by status */
};

static const struct meaning delivered = {
    OUTCOME_DELIVERED, BLAME_MESSAGE, "delivered"};
static const struct meaning bounced = {OUTCOME_DEAD, BLAME_MESSAGE, "bounce"};
static const struct meaning rejected = {
    OUTCOME_DEAD, BLAME_MESSAGE, "rejected"};
static const struct meaning bad_framing = {
    OUTCOME_DEAD, BLAME_MESSAGE, "invalid_content_length"};
static const struct meaning too_large = {
    OUTCOME_DEAD, BLAME_MESSAGE, "too_large"};
static const struct meaning wrong_key = {
    OUTCOME_DEFERRED, BLAME_HARD, "unauthorized"};
static const struct meaning too_many = {OUTCOME_DEFERRED, BLAME_SLOW, NULL};
static const struct meaning over_quota = {
    OUTCOME_DEFERRED, BLAME_MESSAGE, NULL};
static const struct meaning odd_success = {
    OUTCOME_DEFERRED, BLAME_DESTINATION, "http_200_without_status"};
static const struct meaning failing = {
    OUTCOME_DEFERRED, BLAME_DESTINATION, NULL};

static const char *text_member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text == NULL ? "" : text;
}

static bool says_done(const json_t *object)
{
	const char *status = text_member(object, "status");

	return strcmp(status, "success") == 0 || strcmp(status, "queued") == 0;
}

static bool says_bounce(const json_t *object)
{
	return json_is_true(json_object_get(object, "bounce"));
}

static const struct meaning *meaning_of(int status, const json_t *object)
{
	switch (status) {
	case 200:
		return says_done(object) ? &delivered : &odd_success;
	case 400:
		if (strcmp(text_member(object, "error"), FRAMING_COMPLAINT) ==
		    0)
			return &bad_framing;
		return says_bounce(object) ? &bounced : &failing;
	case 401:
		return &wrong_key;
	case 403:
		return says_bounce(object) ? &rejected : &failing;
	case 404:
		return says_bounce(object) ? &bounced : &failing;
	case 413:
		return &too_large;
	case 429:
		return &too_many;
	case 507:
		return &over_quota;
	default:
		return &failing;
	}
}

/* Fixed names for the statuses that one meets. */
static const char *status_reason(int status)
{
	switch (status) {
	case 400:
		return "http_400";
	case 403:
		return "http_403";
	case 404:
		return "http_404";
	case 408:
		return "http_408";
	case 422:
		return "http_422";
	case 425:
		return "http_425";
	case 429:
		return "http_429";
	case 500:
		return "http_500";
	case 502:
		return "http_502";
	case 503:
		return "http_503";
	case 504:
		return "http_504";
	case 507:
		return "http_507";
	default:
		break;
	}
	if (status >= 500)
		return "http_5xx";
	if (status >= 400)
		return "http_4xx";
	return status >= 300 ? "http_3xx" : "http_2xx";
}

/* Copies valid UTF-8 and cuts it where a character ends. */
static void set_answer(struct outcome *outcome, const char *text)
{
	size_t len = strlen(text), most = sizeof(outcome->answer) - 1;

	if (len > most) {
		len = most;
		while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80)
			len--;
	}
	memcpy(outcome->answer, text, len);
	outcome->answer[len] = '\0';
}

/* Any bytes as one line of ASCII. */
static void set_raw_answer(
    struct outcome *outcome, const char *bytes, size_t len)
{
	size_t used = 0;
	bool gap = false;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (isspace(c)) {
			gap = used > 0;
			continue;
		}
		if (used + gap >= sizeof(outcome->answer) - 1)
			break;
		if (gap)
			outcome->answer[used++] = ' ';
		gap = false;
		outcome->answer[used++] = isprint(c) ? (char)c : '?';
	}
	outcome->answer[used] = '\0';
}

static void judge_failure(
    const struct http_response *response, struct outcome *outcome)
{
	outcome->kind = OUTCOME_DEFERRED;
	outcome->blame = BLAME_DESTINATION;
	outcome->reason = http_failure_name(response->failure);
	set_raw_answer(outcome, response->problem, strlen(response->problem));
	if (response->failure == HTTP_REFUSED)
		outcome->blame = BLAME_HARD;
	else if (response->failure == HTTP_BODY_FAILED)
		outcome->blame = BLAME_MESSAGE;
	else if (response->failure == HTTP_INTERRUPTED)
		outcome->kind = OUTCOME_RELEASED;
}

static void judge_answer(
    const struct http_response *response, struct outcome *outcome)
{
	json_t *object = json_loadb(
	    response->body, response->body_len, JSON_REJECT_DUPLICATES, NULL);
	const struct meaning *meaning = meaning_of(response->status, object);
	const char *error = text_member(object, "error");

	outcome->kind = meaning->kind;
	outcome->blame = meaning->blame;
	outcome->reason = meaning->reason != NULL
			      ? meaning->reason
			      : status_reason(response->status);
	outcome->retry_after_ms = response->retry_after_ms;
	if (error[0] != '\0')
		set_answer(outcome, error);
	else
		set_raw_answer(outcome, response->body, response->body_len);
	json_decref(object);
}

void webhook_answer_judge(
    const struct http_response *response, struct outcome *outcome)
{
	outcome->status = response->status;
	outcome->duration_ms = response->duration_ms;
	outcome->retry_after_ms = 0;
	if (response->failure == HTTP_ANSWERED)
		judge_answer(response, outcome);
	else
		judge_failure(response, outcome);
}
