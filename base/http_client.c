#include "base/http_client.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/unconst.h"
#include "bounds.h"

#include <assert.h>
#include <curl/curl.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>

/* A body up to this size goes out in one piece with the header fields: one
 * packet and one system call less (libcurl does so up to 64 KiB). */
#define SMALL_BODY ((size_t)64 * 1024)
/* No host is waited for longer than this, however long the call may take. */
#define CONNECT_LIMIT_MS 10000L
/* How often a call looks after its time limits while nothing moves. */
#define POLL_MS 1000

struct http_client {
	CURL *easy;
	CURLM *multi; /* of this one transfer: it can be woken, easy cannot */
	struct curl_slist headers[HTTP_HEADERS + 1];
	char small[SMALL_BODY];
	const struct http_body *body; /* of the call in progress */
	struct buf answer;
	char problem[CURL_ERROR_SIZE];
	struct error body_error;
	curl_off_t moved; /* bytes of the call in progress, both ways */
	int64_t moved_ms; /* when the last of them did */
	int64_t still_ms; /* how long none of them may */
	atomic_bool interrupted;
};

static void start_library(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		fatal("libcurl does not start");
}

static size_t on_body_wanted(char *out, size_t size, size_t count, void *arg)
{
	struct http_client *client = arg;
	const struct http_body *body = client->body;
	size_t got;

	if (!body->read(
		body->arg, out, size * count, &got, &client->body_error))
		return CURL_READFUNC_ABORT;
	return got;
}

static int on_body_rewound(void *arg, curl_off_t offset, int origin)
{
	struct http_client *client = arg;
	const struct http_body *body = client->body;

	if (offset != 0 || origin != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	return body->rewind(body->arg, &client->body_error)
		   ? CURL_SEEKFUNC_OK
		   : CURL_SEEKFUNC_FAIL;
}

static size_t on_answer_bytes(char *bytes, size_t size, size_t count, void *arg)
{
	struct http_client *client = arg;

	/* Taking less than was offered ends the call: CURLE_WRITE_ERROR. */
	return buf_append(&client->answer, bytes, size * count) ? size * count
								: 0;
}

static void must(CURLcode code, const char *option)
{
	if (code != CURLE_OK)
		fatal(
		    "libcurl refuses %s: %s", option, curl_easy_strerror(code));
}

#define SET(option, value)                                                     \
	must(curl_easy_setopt(easy, (option), (value)), #option)

/* What stays the same from call to call. */
static void set_up(struct http_client *client, const char *user_agent)
{
	CURL *easy = client->easy;

	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_USERAGENT, user_agent);
	SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_LIMIT_MS);
	SET(CURLOPT_ERRORBUFFER, client->problem);
	SET(CURLOPT_READFUNCTION, on_body_wanted);
	SET(CURLOPT_READDATA, client);
	SET(CURLOPT_SEEKFUNCTION, on_body_rewound);
	SET(CURLOPT_SEEKDATA, client);
	SET(CURLOPT_WRITEFUNCTION, on_answer_bytes);
	SET(CURLOPT_WRITEDATA, client);
}

struct http_client *http_client_new(const char *user_agent, size_t answer_limit)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http_client *client = xcalloc(1, sizeof(*client));

	(void)pthread_once(&once, start_library);
	client->easy = curl_easy_init();
	client->multi = curl_multi_init();
	if (client->easy == NULL || client->multi == NULL)
		fatal("out of memory: libcurl gives no handle");
	client->answer = buf_new(answer_limit);
	set_up(client, user_agent);
	return client;
}

void http_client_free(struct http_client **client)
{
	if (*client == NULL)
		return;
	curl_easy_cleanup((*client)->easy);
	(void)curl_multi_cleanup((*client)->multi);
	buf_free(&(*client)->answer);
	free(*client);
	*client = NULL;
}

void http_client_interrupt(struct http_client *client)
{
	atomic_store(&client->interrupted, true);
	(void)curl_multi_wakeup(client->multi);
}

/* The caller's lines as libcurl's list, in nodes that are used again. */
static struct curl_slist *link_headers(
    struct http_client *client, const struct http_request *request)
{
	struct curl_slist *list = client->headers;
	size_t count = request->header_count;

	assert(count <= HTTP_HEADERS);
	for (size_t i = 0; i < count; i++) {
		list[i].data = unconst(request->headers[i]);
		list[i].next = &list[i + 1];
	}
	/* No "Expect: 100-continue": it would cost a round trip, or a
	 * second of silence from a server that does not know it. */
	list[count].data = unconst("Expect:");
	list[count].next = NULL;
	return list;
}

static bool read_small(struct http_client *client)
{
	const struct http_body *body = client->body;
	size_t at = 0, got;

	while (at < body->size) {
		if (!body->read(body->arg, client->small + at,
			(size_t)body->size - at, &got, &client->body_error))
			return false;
		if (got == 0)
			return error_set(&client->body_error, ERROR_CORRUPT,
			    "the request body is shorter than it said");
		at += got;
	}
	return true;
}

static bool set_body(struct http_client *client)
{
	CURL *easy = client->easy;
	const struct http_body *body = client->body;

	if (body == NULL) {
		SET(CURLOPT_HTTPGET, 1L);
		return true;
	}
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->size);
	if (body->size > SMALL_BODY) {
		SET(CURLOPT_POSTFIELDS, NULL);
		return true;
	}
	SET(CURLOPT_POSTFIELDS, client->small);
	return read_small(client);
}

static void set_time_limits(
    struct http_client *client, const struct http_request *request)
{
	CURL *easy = client->easy;
	int64_t whole = request->timeout_ms;

	if (request->body != NULL)
		whole +=
		    (int64_t)(request->body->size * 1000 / LIMIT_UPLOAD_FLOOR);
	SET(CURLOPT_TIMEOUT_MS, (long)whole);
	client->still_ms = request->timeout_ms;
}

/* What the kernel took and nobody has acknowledged: megabytes at times, and a
 * slow upload would look like one that stands still. */
static int on_the_way(struct http_client *client)
{
	fd_set in, out, other;
	int fd = -1, bytes = 0;

	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&other);
	(void)curl_multi_fdset(client->multi, &in, &out, &other, &fd);
	if (fd >= 0)
		(void)ioctl(fd, SIOCOUTQ, &bytes);
	return bytes;
}

static curl_off_t count_moved(struct http_client *client)
{
	curl_off_t sent = 0, received = 0;

	(void)curl_easy_getinfo(client->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
	(void)curl_easy_getinfo(
	    client->easy, CURLINFO_SIZE_DOWNLOAD_T, &received);
	return sent + received - on_the_way(client);
}

/* How long the call may go on without a movement; not above 0: no longer.
 * libcurl's CURLOPT_LOW_SPEED_TIME looks at a mean of five seconds, and so
 * notices as much later. */
static int64_t patience_ms(struct http_client *client)
{
	curl_off_t moved = count_moved(client);
	int64_t now_ms = clock_mono_ms();

	if (moved != client->moved) {
		client->moved = moved;
		client->moved_ms = now_ms;
	}
	return client->moved_ms + client->still_ms - now_ms;
}

/* Runs the transfer to its end. False: it was interrupted. */
static bool run(struct http_client *client, CURLcode *result)
{
	CURLMsg *message;
	int64_t patience;
	int running = 1, left;

	client->moved = 0;
	client->moved_ms = clock_mono_ms();
	*result = CURLE_OPERATION_TIMEDOUT;
	if (curl_multi_add_handle(client->multi, client->easy) != CURLM_OK)
		fatal("libcurl refuses a transfer");
	while (!atomic_load(&client->interrupted)) {
		if (curl_multi_perform(client->multi, &running) != CURLM_OK)
			fatal("libcurl cannot go on with a transfer");
		patience = patience_ms(client);
		if (running == 0 || patience <= 0)
			break;
		(void)curl_multi_poll(client->multi, NULL, 0,
		    patience < POLL_MS ? (int)patience : POLL_MS, NULL);
	}
	message = curl_multi_info_read(client->multi, &left);
	if (message != NULL)
		*result = message->data.result;
	(void)curl_multi_remove_handle(client->multi, client->easy);
	return message != NULL || !atomic_load(&client->interrupted);
}

static enum http_failure failure_of(struct http_client *client, CURLcode code)
{
	long sent = 0;

	switch ((int)code) {
	case CURLE_OK:
		return HTTP_ANSWERED;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return HTTP_UNRESOLVED;
	case CURLE_COULDNT_CONNECT:
		return HTTP_REFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		(void)curl_easy_getinfo(
		    client->easy, CURLINFO_REQUEST_SIZE, &sent);
		return sent == 0 ? HTTP_CONNECT_TIMEOUT : HTTP_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
		return HTTP_TLS;
	case CURLE_ABORTED_BY_CALLBACK:
	case CURLE_SEND_FAIL_REWIND:
	case CURLE_READ_ERROR:
		return HTTP_BODY_FAILED;
	default:
		return HTTP_BROKEN;
	}
}

static void describe(
    struct http_client *client, CURLcode code, struct http_response *response)
{
	const char *text = client->problem;

	switch (response->failure) {
	case HTTP_ANSWERED:
		return;
	case HTTP_BODY_FAILED:
		text = client->body_error.text;
		break;
	case HTTP_INTERRUPTED:
		text = "interrupted";
		break;
	case HTTP_UNRESOLVED:
	case HTTP_REFUSED:
	case HTTP_CONNECT_TIMEOUT:
	case HTTP_TIMEOUT:
	case HTTP_TLS:
	case HTTP_BROKEN:
		if (code == CURLE_WRITE_ERROR)
			text = "the answer is too long";
		else if (text[0] == '\0')
			text = curl_easy_strerror(code);
		break;
	}
	(void)snprintf(response->problem, sizeof(response->problem), "%.*s",
	    (int)sizeof(response->problem) - 1, text);
}

static void read_answer(
    struct http_client *client, struct http_response *response)
{
	long status = 0;
	curl_off_t retry_after = 0;

	(void)curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(
	    client->easy, CURLINFO_RETRY_AFTER, &retry_after);
	response->status = (int)status;
	if (retry_after > LIMIT_RETRY_AFTER_S)
		retry_after = LIMIT_RETRY_AFTER_S;
	if (retry_after > 0)
		response->retry_after_ms = retry_after * 1000;
	response->body = buf_text(&client->answer);
	response->body_len = client->answer.len;
}

/* A connection that was kept died before a byte of the answer came. libcurl
 * tries again by itself, but not when it notices while it sends. */
static bool died_while_kept(struct http_client *client, CURLcode code)
{
	long connections = 0, status = 0;

	if (code != CURLE_SEND_ERROR)
		return false;
	(void)curl_easy_getinfo(
	    client->easy, CURLINFO_NUM_CONNECTS, &connections);
	(void)curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
	return connections == 0 && status == 0;
}

static bool rewind_body(struct http_client *client)
{
	return client->body == NULL || client->body->size <= SMALL_BODY ||
	       client->body->rewind(client->body->arg, &client->body_error);
}

static enum http_failure make_call(struct http_client *client, CURLcode *code)
{
	if (!set_body(client))
		return HTTP_BODY_FAILED;
	if (!run(client, code))
		return HTTP_INTERRUPTED;
	if (died_while_kept(client, *code)) {
		if (!rewind_body(client))
			return HTTP_BODY_FAILED;
		if (!run(client, code))
			return HTTP_INTERRUPTED;
	}
	return failure_of(client, *code);
}

void http_client_send(struct http_client *client,
    const struct http_request *request, struct http_response *response)
{
	CURL *easy = client->easy;
	int64_t start = clock_mono_ms();
	CURLcode code = CURLE_OK;

	*response = (struct http_response){.body = ""};
	client->body = request->body;
	client->problem[0] = '\0';
	client->body_error = (struct error){.text = "no reason given"};
	buf_clear(&client->answer);
	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_HTTPHEADER, link_headers(client, request));
	set_time_limits(client, request);
	response->failure = make_call(client, &code);
	if (response->failure != HTTP_INTERRUPTED &&
	    response->failure != HTTP_BODY_FAILED)
		read_answer(client, response);
	describe(client, code, response);
	response->duration_ms = clock_mono_ms() - start;
}

const char *http_failure_name(enum http_failure failure)
{
	switch (failure) {
	case HTTP_ANSWERED:
		return "answered";
	case HTTP_UNRESOLVED:
		return "unresolved";
	case HTTP_REFUSED:
		return "connection_refused";
	case HTTP_CONNECT_TIMEOUT:
		return "connect_timeout";
	case HTTP_TIMEOUT:
		return "timeout";
	case HTTP_TLS:
		return "tls_failed";
	case HTTP_BROKEN:
		return "broken_answer";
	case HTTP_BODY_FAILED:
		return "message_unreadable";
	case HTTP_INTERRUPTED:
		return "interrupted";
	}
	return "broken_answer";
}

bool http_url_is_internal(const char *url)
{
	static const char domain[] = ".internal";
	const size_t domain_len = sizeof(domain) - 1;
	const char *host, *at;
	size_t len;

	if (strncasecmp(url, "http://", 7) != 0)
		return false;
	host = url + 7;
	len = strcspn(host, "/?#");
	at = memrchr(host, '@', len);
	if (at != NULL) {
		len -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	at = memchr(host, ':', len);
	if (at != NULL)
		len = (size_t)(at - host);
	return len > domain_len &&
	       strncasecmp(host + len - domain_len, domain, domain_len) == 0;
}
