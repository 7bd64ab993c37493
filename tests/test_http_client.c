/*
 * The client against a server of a few lines that plays a script: one answer
 * after the other, each of them as broken as it likes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_LIMIT 4096
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* What the server does after it read a request. */
struct scene {
	const char *answer;
	bool keep;      /* the connection stays open for the next scene */
	bool unread;    /* answers before it reads the body */
	int sip_ms;     /* between a few kilobytes of the body */
	int silence_ms; /* before the answer */
	bool mute;      /* until the client has gone */
	int endless;    /* then this many bytes of "x" */
};

struct stage {
	int listener;
	char url[64];
	pthread_t thread;
	const struct scene *scenes;
	size_t count;
	atomic_int connections;
	char request[16384]; /* the last one, header fields first */
	size_t body_len;     /* of it */
	int body_sum;
};

static size_t content_length(const char *request)
{
	const char *field = strcasestr(request, "\r\nContent-Length:");

	return field == NULL ? 0 : strtoul(field + 17, NULL, 10);
}

/* Reads header fields, byte by byte, so that nothing of the body is taken. */
static bool read_head(struct stage *stage, int fd)
{
	size_t len = 0;

	while (len < sizeof(stage->request) - 1) {
		if (read(fd, stage->request + len, 1) != 1)
			return false;
		stage->request[++len] = '\0';
		if (len >= 4 &&
		    memcmp(stage->request + len - 4, "\r\n\r\n", 4) == 0)
			return true;
	}
	return false;
}

static void read_body(struct stage *stage, int fd, int sip_ms)
{
	size_t left = content_length(stage->request);
	char bytes[32768];
	ssize_t got;

	stage->body_len = 0;
	stage->body_sum = 0;
	while (left > 0) {
		got = read(
		    fd, bytes, left < sizeof(bytes) ? left : sizeof(bytes));
		if (got <= 0)
			return;
		if (sip_ms > 0)
			(void)usleep((useconds_t)sip_ms * 1000);
		for (ssize_t i = 0; i < got; i++)
			stage->body_sum += (unsigned char)bytes[i];
		stage->body_len += (size_t)got;
		left -= (size_t)got;
	}
}

static void play(const struct scene *scene, int fd)
{
	char filler[4096];
	ssize_t done;

	if (scene->mute) {
		struct pollfd gone = {.fd = fd, .events = POLLRDHUP};

		(void)poll(&gone, 1, 20000);
		return;
	}
	memset(filler, 'x', sizeof(filler));
	if (scene->silence_ms > 0)
		(void)usleep((useconds_t)scene->silence_ms * 1000);
	done = send(fd, scene->answer, strlen(scene->answer), MSG_NOSIGNAL);
	for (int i = 0; i < scene->endless && done > 0; i += (int)done)
		done = send(fd, filler, sizeof(filler), MSG_NOSIGNAL);
}

static void *serve(void *arg)
{
	struct stage *stage = arg;
	int fd = -1;

	for (size_t i = 0; i < stage->count; i++) {
		const struct scene *scene = &stage->scenes[i];

		while (fd < 0 || !read_head(stage, fd)) {
			if (fd >= 0)
				(void)close(fd);
			fd = accept(stage->listener, NULL, NULL);
			if (fd < 0)
				return NULL;
			atomic_fetch_add(&stage->connections, 1);
		}
		if (!scene->unread)
			read_body(stage, fd, scene->sip_ms);
		play(scene, fd);
		if (scene->unread && !scene->mute)
			read_body(stage, fd, scene->sip_ms);
		if (!scene->keep) {
			(void)close(fd);
			fd = -1;
		}
	}
	if (fd >= 0)
		(void)close(fd);
	return NULL;
}

static void stage_open(
    struct stage *stage, const struct scene *scenes, size_t count)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	memset(stage, 0, sizeof(*stage));
	stage->scenes = scenes;
	stage->count = count;
	stage->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(stage->listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(stage->listener, 16), 0);
	assert_int_equal(
	    getsockname(stage->listener, (struct sockaddr *)&address, &len), 0);
	(void)snprintf(stage->url, sizeof(stage->url), "http://127.0.0.1:%d/p",
	    ntohs(address.sin_port));
	assert_int_equal(pthread_create(&stage->thread, NULL, serve, stage), 0);
}

static void stage_close(struct stage *stage)
{
	(void)shutdown(stage->listener, SHUT_RDWR);
	(void)pthread_join(stage->thread, NULL);
	(void)close(stage->listener);
}

/* A body of `size` bytes, each told by its position. */
struct pattern {
	size_t size, at;
	size_t fail_at; /* past this many bytes; 0: never */
	int rewinds;
};

static bool pattern_read(
    void *arg, void *data, size_t len, size_t *got, struct error *err)
{
	struct pattern *pattern = arg;

	if (len > pattern->size - pattern->at)
		len = pattern->size - pattern->at;
	if (pattern->fail_at > 0 && pattern->at + len > pattern->fail_at)
		return error_set(err, ERROR_IO, "the disk is gone");
	for (size_t i = 0; i < len; i++)
		((char *)data)[i] = (char)((pattern->at + i) % 100);
	pattern->at += len;
	*got = len;
	return true;
}

static bool pattern_rewind(void *arg, struct error *err)
{
	struct pattern *pattern = arg;

	(void)err;
	pattern->at = 0;
	pattern->rewinds++;
	return true;
}

static int pattern_sum(size_t size)
{
	int sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += (int)(i % 100);
	return sum;
}

static struct http_response post(struct http_client *client, const char *url,
    struct pattern *pattern, int64_t timeout_ms)
{
	static const char *const headers[] = {
	    "Content-Type: application/json", "X-API-Key: key"};
	struct http_body body = {
	    .size = pattern->size,
	    .read = pattern_read,
	    .rewind = pattern_rewind,
	    .arg = pattern,
	};
	struct http_request request = {
	    .url = url,
	    .headers = headers,
	    .header_count = 2,
	    .body = &body,
	    .timeout_ms = timeout_ms,
	};
	struct http_response response;

	pattern->at = 0;
	http_client_send(client, &request, &response);
	return response;
}

static void every_kind_of_answer_has_its_name(void **state)
{
	static const struct {
		struct scene scene;
		enum http_failure failure;
		int status;
		const char *body;
		int64_t retry_after_ms;
	} rows[] = {
	    {{.answer = OK}, HTTP_ANSWERED, 200, "ok", 0},
	    {{.answer = "HTTP/1.1 503 Later\r\nRetry-After: 7\r\n"
			"Content-Length: 0\r\n\r\n"},
		HTTP_ANSWERED, 503, "", 7000},
	    {{.answer = "HTTP/1.1 429 No\r\nRetry-After: 99999999999\r\n"
			"Content-Length: 0\r\n\r\n"},
		HTTP_ANSWERED, 429, "", 86400000},
	    {{.answer = "HTTP/1.1 503 Later\r\nRetry-After: soon\r\n"
			"Content-Length: 0\r\n\r\n"},
		HTTP_ANSWERED, 503, "", 0},
	    {{.answer = "HTTP/1.1 503 Later\r\nRetry-After: -5\r\n"
			"Content-Length: 0\r\n\r\n"},
		HTTP_ANSWERED, 503, "", 0},
	    {{.answer = "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n"
			"Content-Length: 0\r\n\r\n"},
		HTTP_ANSWERED, 302, "", 0},
	    {{.answer = "HTTP/1.0 200 OK\r\n\r\nuntil the end"}, HTTP_ANSWERED,
		200, "until the end", 0},
	    {{.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			"2\r\nok\r\n0\r\n\r\n"},
		HTTP_ANSWERED, 200, "ok", 0},
	    {{.answer = "HTTP/1.1 100 Continue\r\n\r\n" OK}, HTTP_ANSWERED, 200,
		"ok", 0},
	    {{.answer = ""}, HTTP_BROKEN, 0, "", 0},
	    {{.answer = "HTTP/1.1 2"}, HTTP_BROKEN, 0, "", 0},
	    {{.answer = "220 mail.example ESMTP\r\n"}, HTTP_BROKEN, 0, "", 0},
	    {{.answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"},
		HTTP_BROKEN, 200, "half", 0},
	    {{.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			"5\r\nhal"},
		HTTP_BROKEN, 200, NULL, 0},
	    {{.answer = "HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n",
		 .endless = 10000000},
		HTTP_BROKEN, 200, NULL, 0},
	    {{.answer = "HTTP/1.1 200 OK\r\nX-Long: ", .endless = 10000000},
		HTTP_BROKEN, 0, NULL, 0},
	    {{.answer = OK, .silence_ms = 600}, HTTP_TIMEOUT, 0, "", 0},
	    {{.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nha",
		 .keep = true},
		HTTP_TIMEOUT, 200, "ha", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_client *client =
		    http_client_new("test/1", ANSWER_LIMIT);
		struct pattern pattern = {.size = 1000};
		struct scene scenes[] = {rows[i].scene, {.answer = OK}};
		struct stage stage;
		struct http_response response;

		stage_open(&stage, scenes, rows[i].scene.keep ? 2 : 1);
		response = post(client, stage.url, &pattern, 300);
		assert_int_equal(response.failure, rows[i].failure);
		if (rows[i].failure != HTTP_BROKEN || rows[i].status != 0)
			assert_int_equal(response.status, rows[i].status);
		if (rows[i].body != NULL)
			assert_string_equal(response.body, rows[i].body);
		assert_int_equal(
		    response.retry_after_ms, rows[i].retry_after_ms);
		if (response.failure != HTTP_ANSWERED)
			assert_true(strlen(response.problem) > 0);
		http_client_free(&client);
		assert_null(client);
		stage_close(&stage);
	}
}

static void retry_after_may_be_a_date(void **state)
{
	struct http_client *client = http_client_new("test/1", ANSWER_LIMIT);
	struct pattern pattern = {.size = 10};
	char answer[200], date[CLOCK_MAIL_SIZE];
	struct scene scene = {.answer = answer};
	struct stage stage;
	struct http_response response;

	(void)state;
	clock_format_mail(clock_wall_ms() + 60000, date);
	memcpy(date + strlen(date) - 5, "GMT", 4);
	(void)snprintf(answer, sizeof(answer),
	    "HTTP/1.1 503 Later\r\nRetry-After: %s\r\n"
	    "Content-Length: 0\r\n\r\n",
	    date);
	stage_open(&stage, &scene, 1);
	response = post(client, stage.url, &pattern, 1000);
	assert_in_range(response.retry_after_ms, 55000, 61000);
	http_client_free(&client);
	stage_close(&stage);
}

static void a_request_carries_its_fields_and_body(void **state)
{
	static const size_t sizes[] = {0, 1, 5000, 65536, 65537, 3000000};
	struct scene scene = {.answer = OK};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct http_client *client =
		    http_client_new("test/1", ANSWER_LIMIT);
		struct pattern pattern = {.size = sizes[i]};
		struct stage stage;
		struct http_response response;

		stage_open(&stage, &scene, 1);
		response = post(client, stage.url, &pattern, 5000);
		assert_int_equal(response.failure, HTTP_ANSWERED);
		stage_close(&stage);
		assert_int_equal(stage.body_len, sizes[i]);
		assert_int_equal(stage.body_sum, pattern_sum(sizes[i]));
		assert_memory_equal(stage.request, "POST /p HTTP/1.1\r\n", 18);
		assert_non_null(
		    strstr(stage.request, "\r\nUser-Agent: test/1\r\n"));
		assert_non_null(
		    strstr(stage.request, "\r\nX-API-Key: key\r\n"));
		assert_non_null(strstr(
		    stage.request, "\r\nContent-Type: application/json\r\n"));
		assert_null(strstr(stage.request, "Expect"));
		http_client_free(&client);
	}
}

static void a_connection_is_used_again(void **state)
{
	static const struct scene scenes[] = {{.answer = OK, .keep = true},
	    {.answer = OK, .keep = true}, {.answer = OK, .keep = true},
	    {.answer = OK}};
	struct http_client *client = http_client_new("test/1", ANSWER_LIMIT);
	struct stage stage;

	(void)state;
	stage_open(&stage, scenes, 4);
	for (size_t i = 0; i < 4; i++) {
		/* Small and large in turn. */
		struct pattern pattern = {.size = i % 2 == 0 ? 100 : 100000};
		struct http_response response =
		    post(client, stage.url, &pattern, 2000);

		assert_int_equal(response.failure, HTTP_ANSWERED);
		assert_int_equal(response.status, 200);
	}
	stage_close(&stage);
	assert_int_equal(atomic_load(&stage.connections), 1);
	http_client_free(&client);
}

static void a_dead_kept_connection_costs_nothing(void **state)
{
	static const struct scene scenes[] = {{.answer = OK}, {.answer = OK}};
	struct http_client *client = http_client_new("test/1", ANSWER_LIMIT);
	struct stage stage;

	(void)state;
	stage_open(&stage, scenes, 2);
	for (size_t i = 0; i < 2; i++) {
		struct pattern pattern = {.size = 200000};
		struct http_response response =
		    post(client, stage.url, &pattern, 2000);

		assert_int_equal(response.failure, HTTP_ANSWERED);
		assert_int_equal(pattern.at, pattern.size);
	}
	stage_close(&stage);
	assert_int_equal(atomic_load(&stage.connections), 2);
	http_client_free(&client);
}

static void an_answer_before_the_end_of_the_body_is_heard(void **state)
{
	static const struct scene scene = {
	    .answer = "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n"
		      "Connection: close\r\n\r\nno",
	    .unread = true};
	struct http_client *client = http_client_new("test/1", ANSWER_LIMIT);
	struct pattern pattern = {.size = 20000000};
	struct stage stage;
	struct http_response response;

	(void)state;
	stage_open(&stage, &scene, 1);
	response = post(client, stage.url, &pattern, 2000);
	assert_int_equal(response.failure, HTTP_ANSWERED);
	assert_int_equal(response.status, 413);
	assert_string_equal(response.body, "no");
	stage_close(&stage);
	http_client_free(&client);
}

/* At LIMIT_UPLOAD_FLOOR, sixteen seconds for these. */
static void a_large_body_gets_time_to_travel(void **state)
{
	static const struct scene scenes[] = {
	    {.answer = OK, .sip_ms = 10}, {.answer = OK, .silence_ms = 900}};
	struct http_client *client = http_client_new("test/1", ANSWER_LIMIT);
	struct pattern large = {.size = 4 << 20}, small = {.size = 1 << 10};
	int window = 65536;
	struct stage stage;

	(void)state;
	stage_open(&stage, scenes, 2);
	(void)setsockopt(
	    stage.listener, SOL_SOCKET, SO_RCVBUF, &window, sizeof(window));
	assert_int_equal(
	    post(client, stage.url, &large, 500).failure, HTTP_ANSWERED);
	assert_int_equal(
	    post(client, stage.url, &small, 500).failure, HTTP_TIMEOUT);
	stage_close(&stage);
	http_client_free(&client);
}

/* This one may take over a minute, but not in silence. */
static void a_large_body_may_not_stand_still(void **state)
{
	static const struct scene scene = {
	    .answer = OK, .unread = true, .mute = true};
	struct http_client *client = http_client_new("test/1", ANSWER_LIMIT);
	struct pattern pattern = {.size = 20000000};
	int64_t start = clock_mono_ms();
	struct stage stage;

	(void)state;
	stage_open(&stage, &scene, 1);
	assert_int_equal(
	    post(client, stage.url, &pattern, 500).failure, HTTP_TIMEOUT);
	assert_true(clock_mono_ms() - start < 4000);
	stage_close(&stage);
	http_client_free(&client);
}

static void our_own_failing_body_is_not_the_servers_fault(void **state)
{
	struct http_client *client = http_client_new("test/1", ANSWER_LIMIT);
	struct pattern large = {.size = 1000000, .fail_at = 500000};
	struct pattern small = {.size = 1000, .fail_at = 500};
	struct scene scene = {.answer = OK};
	struct stage stage;
	struct http_response response;

	(void)state;
	stage_open(&stage, &scene, 1);
	response = post(client, stage.url, &large, 1000);
	assert_int_equal(response.failure, HTTP_BODY_FAILED);
	assert_string_equal(response.problem, "the disk is gone");
	response = post(client, stage.url, &small, 1000);
	assert_int_equal(response.failure, HTTP_BODY_FAILED);
	stage_close(&stage);
	http_client_free(&client);
}

static void nobody_there_is_told_apart(void **state)
{
	struct http_client *client = http_client_new("test/1", ANSWER_LIMIT);
	struct pattern pattern = {.size = 10};
	struct stage stage;
	struct http_response response;

	(void)state;
	stage_open(&stage, NULL, 0);
	stage_close(&stage);
	response = post(client, stage.url, &pattern, 1000);
	assert_int_equal(response.failure, HTTP_REFUSED);
	response = post(client, "http://no-such-name.invalid/", &pattern, 5000);
	assert_int_equal(response.failure, HTTP_UNRESOLVED);
	response = post(client, "gopher://127.0.0.1/", &pattern, 1000);
	assert_int_equal(response.failure, HTTP_BROKEN);
	http_client_free(&client);
}

/* A full backlog: the kernel drops what more comes. */
static void a_connection_has_a_time_limit(void **state)
{
	struct http_client *client = http_client_new("test/1", ANSWER_LIMIT);
	struct pattern pattern = {.size = 10};
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), taken[3];
	char url[64];
	struct http_response response;

	(void)state;
	(void)bind(listener, (struct sockaddr *)&address, len);
	(void)listen(listener, 0);
	(void)getsockname(listener, (struct sockaddr *)&address, &len);
	for (size_t i = 0; i < 3; i++) {
		taken[i] = socket(
		    AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(taken[i], (struct sockaddr *)&address, len);
	}
	(void)snprintf(
	    url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
	response = post(client, url, &pattern, 300);
	assert_int_equal(response.failure, HTTP_CONNECT_TIMEOUT);
	for (size_t i = 0; i < 3; i++)
		(void)close(taken[i]);
	(void)close(listener);
	http_client_free(&client);
}

static void *interrupt_soon(void *arg)
{
	(void)usleep(100000);
	http_client_interrupt(arg);
	return NULL;
}

static void a_call_can_be_interrupted(void **state)
{
	static const struct scene scene = {.answer = OK, .silence_ms = 1500};
	struct http_client *client = http_client_new("test/1", ANSWER_LIMIT);
	struct pattern pattern = {.size = 10};
	int64_t start = clock_mono_ms();
	struct stage stage;
	struct http_response response;
	pthread_t thread;

	(void)state;
	stage_open(&stage, &scene, 1);
	assert_int_equal(
	    pthread_create(&thread, NULL, interrupt_soon, client), 0);
	response = post(client, stage.url, &pattern, 10000);
	assert_int_equal(response.failure, HTTP_INTERRUPTED);
	assert_true(clock_mono_ms() - start < 1000);
	(void)pthread_join(thread, NULL);
	response = post(client, stage.url, &pattern, 10000);
	assert_int_equal(response.failure, HTTP_INTERRUPTED);
	http_client_free(&client);
	stage_close(&stage);
}

static void without_a_body_it_is_a_get(void **state)
{
	static const struct scene scenes[] = {
	    {.answer = OK, .keep = true}, {.answer = OK}};
	struct http_client *client = http_client_new("test/1", ANSWER_LIMIT);
	struct pattern pattern = {.size = 10};
	struct http_request request = {.timeout_ms = 1000};
	struct http_response response;
	struct stage stage;

	(void)state;
	stage_open(&stage, scenes, 2);
	request.url = stage.url;
	(void)post(client, stage.url, &pattern, 1000);
	http_client_send(client, &request, &response);
	assert_int_equal(response.status, 200);
	stage_close(&stage);
	assert_memory_equal(stage.request, "GET /p HTTP/1.1\r\n", 17);
	assert_null(strcasestr(stage.request, "Content-"));
	http_client_free(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_of_answer_has_its_name),
	    cmocka_unit_test(retry_after_may_be_a_date),
	    cmocka_unit_test(a_request_carries_its_fields_and_body),
	    cmocka_unit_test(a_connection_is_used_again),
	    cmocka_unit_test(a_dead_kept_connection_costs_nothing),
	    cmocka_unit_test(an_answer_before_the_end_of_the_body_is_heard),
	    cmocka_unit_test(a_large_body_gets_time_to_travel),
	    cmocka_unit_test(a_large_body_may_not_stand_still),
	    cmocka_unit_test(our_own_failing_body_is_not_the_servers_fault),
	    cmocka_unit_test(nobody_there_is_told_apart),
	    cmocka_unit_test(a_connection_has_a_time_limit),
	    cmocka_unit_test(a_call_can_be_interrupted),
	    cmocka_unit_test(without_a_body_it_is_a_get),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
