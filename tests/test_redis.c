#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/redis_publisher.h"
#include "base/redis_subscriber.h"
#include "base/redis_url.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEN "/123456789"
#define LONG_URL "unix:" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void same(const char *got, const char *want)
{
	if (want == NULL)
		assert_null(got);
	else
		assert_string_equal(got, want);
}

static void redis_url_reads_every_form(void **state)
{
	static const struct {
		const char *url;
		struct {
			const char *host;
			int port;
			const char *path, *user, *password;
			int database;
		} want;
	} rows[] = {
	    {"redis://localhost", {.host = "localhost", .port = 6379}},
	    {"redis://10.0.0.1:7000/", {.host = "10.0.0.1", .port = 7000}},
	    {"redis://h/15", {.host = "h", .port = 6379, .database = 15}},
	    {"redis://[::1]", {.host = "::1", .port = 6379}},
	    {"redis://[::1]:6380/2",
		{.host = "::1", .port = 6380, .database = 2}},
	    {"redis://:secret@h",
		{.host = "h", .port = 6379, .password = "secret"}},
	    {"redis://me:secret@h:1",
		{.host = "h", .port = 1, .user = "me", .password = "secret"}},
	    {"redis://me:p%40ss%3A@h",
		{.host = "h", .port = 6379, .user = "me", .password = "p@ss:"}},
	    {"redis://:a@b@h", {.host = "h", .port = 6379, .password = "a@b"}},
	    {"redis://:a/b#c@h",
		{.host = "h", .port = 6379, .password = "a/b#c"}},
	    {"unix:/run/redis.sock", {.path = "/run/redis.sock"}},
	    {"unix:///run/redis.sock", {.path = "/run/redis.sock"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct redis_address got;
		struct error err = {0};

		assert_true(redis_url_parse(rows[i].url, &got, &err));
		same(got.host, rows[i].want.host);
		same(got.path, rows[i].want.path);
		same(got.user, rows[i].want.user);
		same(got.password, rows[i].want.password);
		assert_int_equal(got.port, rows[i].want.port);
		assert_int_equal(got.database, rows[i].want.database);
		redis_address_free(&got);
	}
}

static void redis_url_refuses_the_rest_and_keeps_the_password(void **state)
{
	static const char *const rows[] = {
	    "",
	    "localhost",
	    "http://localhost",
	    "redis://",
	    "redis://:6379",
	    "redis://h:",
	    "redis://h:0",
	    "redis://h:65536",
	    "redis://h:6379x",
	    "redis://h:-1",
	    "redis://h/x",
	    "redis://h/1234567890",
	    "redis://h?db=1",
	    "redis://h#1",
	    "redis://hidden@h",
	    "redis://:@h",
	    "redis://:hidden%4@h",
	    "redis://:hidden%00@h",
	    "redis://[::1",
	    "redis://[::1]x",
	    "rediss://:hidden@h",
	    "unix:relative",
	    "unix:",
	    LONG_URL,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct redis_address got;
		struct error err = {0};

		assert_false(redis_url_parse(rows[i], &got, &err));
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_true(strlen(err.text) > 0);
		assert_null(strstr(err.text, "hidden"));
	}
}

static void on_message(void *arg, const char *message)
{
	atomic_int *count = arg;

	(void)message;
	atomic_fetch_add(count, 1);
}

/* A listener that accepts connections into its backlog and never answers, as
 * a stopped server does. */
static int open_silence(char *url, size_t size)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	(void)snprintf(
	    url, size, "redis://127.0.0.1:%d", ntohs(address.sin_port));
	return fd;
}

static void a_frozen_server_holds_up_nobody(void **state)
{
	char url[64];
	int fd = open_silence(url, sizeof(url));
	struct redis_publisher *publisher;
	struct redis_subscriber *subscriber;
	atomic_int heard = 0;
	int64_t start = clock_mono_ms();

	(void)state;
	assert_true(redis_publisher_open(url, &publisher, NULL));
	assert_true(redis_subscriber_open(
	    url, "channel", on_message, &heard, &subscriber, NULL));
	for (int i = 0; i < 5000; i++)
		redis_publish(publisher, "channel", "message");
	assert_true(clock_mono_ms() - start < 500);
	(void)usleep(300000);
	redis_subscriber_close(&subscriber);
	redis_publisher_close(&publisher);
	assert_true(clock_mono_ms() - start < 2500);
	assert_int_equal(atomic_load(&heard), 0);
	(void)close(fd);
}

static void a_wrong_url_is_said_at_once(void **state)
{
	struct redis_publisher *publisher;
	struct redis_subscriber *subscriber;
	struct error err = {0};

	(void)state;
	assert_false(redis_publisher_open("rediss://h", &publisher, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_null(publisher);
	assert_false(redis_subscriber_open(
	    "tcp://h", "c", on_message, NULL, &subscriber, &err));
	assert_null(subscriber);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(redis_url_reads_every_form),
	    cmocka_unit_test(redis_url_refuses_the_rest_and_keeps_the_password),
	    cmocka_unit_test(a_frozen_server_holds_up_nobody),
	    cmocka_unit_test(a_wrong_url_is_said_at_once),
	};

	log_open("test", LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
