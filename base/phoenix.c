#include "base/phoenix.h"

#include "base/alloc.h"
#include "base/http_client.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USER_AGENT "elektrine-spool/" ELEKTRINE_VERSION

struct caller {
	struct caller *next; /* of all */
	struct caller *idle; /* of those that nobody uses */
	struct http_client *client;
};

struct phoenix {
	size_t answer_limit;
	pthread_mutex_t lock; /* all that follows */
	struct caller *all, *idle;
	bool interrupted;
};

struct phoenix *phoenix_new(size_t answer_limit)
{
	struct phoenix *phoenix = xcalloc(1, sizeof(*phoenix));

	phoenix->answer_limit = answer_limit;
	(void)pthread_mutex_init(&phoenix->lock, NULL);
	return phoenix;
}

void phoenix_free(struct phoenix **phoenix)
{
	struct caller *next;

	if (*phoenix == NULL)
		return;
	for (struct caller *each = (*phoenix)->all; each != NULL; each = next) {
		next = each->next;
		http_client_free(&each->client);
		free(each);
	}
	(void)pthread_mutex_destroy(&(*phoenix)->lock);
	free(*phoenix);
	*phoenix = NULL;
}

/* One whose connection may still be open, or a new one. */
static struct caller *take(struct phoenix *phoenix)
{
	struct caller *caller;

	(void)pthread_mutex_lock(&phoenix->lock);
	caller = phoenix->idle;
	if (caller != NULL) {
		phoenix->idle = caller->idle;
	} else {
		caller = xcalloc(1, sizeof(*caller));
		caller->client =
		    http_client_new(USER_AGENT, phoenix->answer_limit);
		caller->next = phoenix->all;
		phoenix->all = caller;
		if (phoenix->interrupted)
			http_client_interrupt(caller->client);
	}
	(void)pthread_mutex_unlock(&phoenix->lock);
	return caller;
}

static void give_back(struct phoenix *phoenix, struct caller *caller)
{
	(void)pthread_mutex_lock(&phoenix->lock);
	caller->idle = phoenix->idle;
	phoenix->idle = caller;
	(void)pthread_mutex_unlock(&phoenix->lock);
}

void phoenix_interrupt(struct phoenix *phoenix)
{
	(void)pthread_mutex_lock(&phoenix->lock);
	phoenix->interrupted = true;
	for (struct caller *each = phoenix->all; each != NULL;
	     each = each->next)
		http_client_interrupt(each->client);
	(void)pthread_mutex_unlock(&phoenix->lock);
}

/* --- a request body in memory ----------------------------------------- */

struct text {
	const char *bytes;
	size_t len, at;
};

static bool read_text(
    void *arg, void *data, size_t len, size_t *got, struct error *err)
{
	struct text *text = arg;

	(void)err;
	*got = text->len - text->at < len ? text->len - text->at : len;
	memcpy(data, text->bytes + text->at, *got);
	text->at += *got;
	return true;
}

static bool rewind_text(void *arg, struct error *err)
{
	struct text *text = arg;

	(void)err;
	text->at = 0;
	return true;
}

/* --- the call --------------------------------------------------------- */

static void read_answer(
    const struct http_response *response, struct phoenix_answer *answer)
{
	if (response->failure != HTTP_ANSWERED) {
		(void)snprintf(answer->problem, sizeof(answer->problem), "%s",
		    response->problem);
		return;
	}
	answer->status = response->status;
	answer->body = json_loadb(
	    response->body, response->body_len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(answer->body)) {
		json_decref(answer->body);
		answer->body = NULL;
	}
}

static void send_request(struct caller *caller, const struct config *config,
    const char *url, const struct http_body *body, int64_t timeout_ms,
    struct phoenix_answer *answer)
{
	const char *key =
	    config->phoenix_api_key != NULL ? config->phoenix_api_key : "";
	size_t size = sizeof("X-API-Key: ") + strlen(key);
	char *key_line = xmalloc(size);
	const char *headers[] = {key_line, "Accept: application/json",
	    "Content-Type: application/json", "X-Forwarded-Proto: https"};
	struct http_request request = {.url = url,
	    .headers = headers,
	    .header_count = http_url_is_internal(url) ? 4 : 3,
	    .body = body,
	    .timeout_ms = timeout_ms};
	struct http_response response;

	(void)snprintf(key_line, size, "X-API-Key: %s", key);
	http_client_send(caller->client, &request, &response);
	read_answer(&response, answer);
	sodium_memzero(key_line, size);
	free(key_line);
}

bool phoenix_call(struct phoenix *phoenix, const struct config *config,
    const char *url, const json_t *body, int64_t timeout_ms,
    struct phoenix_answer *answer)
{
	struct caller *caller = take(phoenix);
	char *json = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	struct text text = {
	    .bytes = json, .len = json != NULL ? strlen(json) : 0};
	struct http_body stream = {.size = text.len,
	    .read = read_text,
	    .rewind = rewind_text,
	    .arg = &text};

	*answer = (struct phoenix_answer){.status = 0};
	send_request(caller, config, url, json != NULL ? &stream : NULL,
	    timeout_ms, answer);
	free(json);
	give_back(phoenix, caller);
	return answer->status != 0;
}
