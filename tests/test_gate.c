/* Clients that are slow, and when the server has waited long enough: the whole
 * server on one loop, and a clock that the test sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "httpapi/server.h"
#include "scratch.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A request that asks for nothing and is answered at once. */
#define LIVEZ "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
/* One with a body of blanks and an empty object, which lacks all that a letter
 * needs. As much of it as the slowest must have sent in time, and the rest. */
#define PACE ((size_t)LIMIT_HTTP_BODY_MS / 1000 * LIMIT_HTTP_BODY_SPEED)
#define REST ((size_t)1000)

#define KEY "a-key-of-this-test"
/* More than this process has. */
#define DESCRIPTORS 200

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

struct fixture {
	char *dir;
	struct spool *spool;
	struct listeners listeners;
	struct server *server;
	int64_t wall_ms, mono_ms;
};

/* --- the server ------------------------------------------------------- */

/* One processor is one loop, so that a tick looks at all clients at once. */
static void use_one_processor(void)
{
	cpu_set_t all, one;
	size_t number = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	while (!CPU_ISSET(number, &all))
		number++;
	CPU_ZERO(&one);
	CPU_SET(number, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

static int listen_somewhere(void)
{
	struct sockaddr_in name = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static struct config *load_config(const char *dir)
{
	struct config_report report = config_report_new();
	struct config *config;

	(void)setenv("SPOOL_DIR", dir, 1);
	(void)setenv("HARAKA_DOMAIN", "mail.example.com", 1);
	(void)setenv("LOCAL_DOMAINS", "example.com", 1);
	(void)setenv("HARAKA_HTTP_API_KEY", KEY, 1);
	config = config_load(PROGRAM_HTTPAPI, &report);
	if (config == NULL)
		fail_msg("%s", buf_text(&report.faults));
	config_report_free(&report);
	return config;
}

static int setup(void **state)
{
	static struct fixture fixture;
	struct spool_options options;
	struct settings *settings;
	struct config *config;
	struct error err = {0};

	fixture = (struct fixture){.dir = scratch_make(),
	    .wall_ms = clock_wall_ms(),
	    .mono_ms = clock_mono_ms()};
	clock_set_for_test(fixture.wall_ms, fixture.mono_ms);
	config = load_config(fixture.dir);
	options = spool_options_of(config);
	if (!spool_open(&options, &fixture.spool, &err))
		fail_msg("%s", err.text);
	fixture.listeners.all[0].fd = listen_somewhere();
	fixture.listeners.count = 1;
	settings = settings_new(config);
	if (!server_open(fixture.spool, settings, &fixture.listeners,
		&fixture.server, &err))
		fail_msg("%s", err.text);
	settings_release(&settings);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	/* Who is left by a case that failed is not waited for forever. */
	clock_set_for_test(-1, -1);
	server_close(&fixture->server);
	listeners_close(&fixture->listeners);
	spool_close(&fixture->spool);
	scratch_remove(&fixture->dir);
	return 0;
}

static void advance(struct fixture *fixture, int64_t ms)
{
	fixture->mono_ms += ms;
	clock_set_for_test(fixture->wall_ms, fixture->mono_ms);
}

/* --- clients ---------------------------------------------------------- */

static void say(int fd, const char *text, size_t len)
{
	ssize_t sent;

	for (size_t at = 0; at < len; at += (size_t)sent) {
		sent = send(fd, text + at, len - at, MSG_NOSIGNAL);
		assert_true(sent > 0);
	}
}

/* What the answer begins with; "": the connection ends without one. */
static void expect(int fd, const char *beginning)
{
	size_t len = strlen(beginning);
	char text[64] = "";

	assert_true(len < sizeof(text));
	assert_true(recv(fd, text, len > 0 ? len : 1, MSG_WAITALL) >= 0);
	assert_string_equal(text, beginning);
}

/* A client that was answered once, so that the server knows it. */
static int connect_client(const struct fixture *fixture)
{
	struct sockaddr_in name;
	socklen_t len = sizeof(name);
	char last = '\0';
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	/* An answer that does not come fails the case. */
	struct timeval most = {.tv_sec = 60};

	assert_int_equal(
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)), 0);
	assert_int_equal(getsockname(fixture->listeners.all[0].fd,
			     (struct sockaddr *)&name, &len),
	    0);
	assert_int_equal(connect(fd, (struct sockaddr *)&name, len), 0);
	say(fd, LIVEZ, strlen(LIVEZ));
	/* The only closing brace ends the body. */
	while (last != '}')
		assert_int_equal(recv(fd, &last, 1, 0), 1);
	return fd;
}

/* The server's end of a client's connection, which is in this process; -1 if
 * it was closed. */
static int find_other_end(int fd)
{
	struct sockaddr_in own = {0}, peer = {0};
	socklen_t len = sizeof(own);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
	for (int other = 0; other < DESCRIPTORS; other++) {
		len = sizeof(peer);
		if (getpeername(other, (struct sockaddr *)&peer, &len) == 0 &&
		    peer.sin_family == AF_INET && peer.sin_port == own.sin_port)
			return other;
	}
	return -1;
}

static int other_end(int fd)
{
	int other = find_other_end(fd);

	if (other < 0)
		fail_msg("the server has no such connection");
	return other;
}

/* Returns when the server is through with what it had at hand: another client
 * was answered behind it. */
static void settle(const struct fixture *fixture)
{
	(void)close(connect_client(fixture));
}

/* Sends the beginning of a request, and returns when the server has it. */
static void begin_request(
    const struct fixture *fixture, int fd, const char *text, size_t len)
{
	int server_end = other_end(fd), unsent, unread;

	say(fd, text, len);
	do {
		(void)usleep(1000);
		assert_int_equal(ioctl(fd, SIOCOUTQ, &unsent), 0);
		assert_int_equal(ioctl(server_end, SIOCINQ, &unread), 0);
	} while (unsent > 0 || unread > 0);
	settle(fixture);
}

static char *blanks(size_t len)
{
	char *text = malloc(len);

	assert_non_null(text);
	memset(text, ' ', len);
	return text;
}

static void begin_body(const struct fixture *fixture, int fd, size_t len)
{
	char head[256], *body = blanks(len);

	(void)snprintf(head, sizeof(head),
	    "POST /api/v1/send HTTP/1.1\r\nHost: a\r\nX-API-Key: " KEY
	    "\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    PACE + REST);
	say(fd, head, strlen(head));
	begin_request(fixture, fd, body, len);
	free(body);
}

static void end_body(int fd, size_t len)
{
	char *body = blanks(len);

	memcpy(body + len - 2, "{}", 2);
	say(fd, body, len);
	free(body);
}

/* What waits in both directions on a connection, at the server's end. */
static int waiting_at(int server_end)
{
	int unsent, unread;

	assert_int_equal(ioctl(server_end, SIOCOUTQ, &unsent), 0);
	assert_int_equal(ioctl(server_end, SIOCINQ, &unread), 0);
	return unsent > 0 && unread > 0 ? unsent + unread : 0;
}

/* Asks until the server cannot answer any more, since nobody takes it. */
static void ask_too_much(const struct fixture *fixture, int fd)
{
	int server_end = other_end(fd), before;

	do {
		while (send(fd, LIVEZ, strlen(LIVEZ), MSG_DONTWAIT) > 0)
			;
		settle(fixture);
		before = waiting_at(server_end);
		settle(fixture);
	} while (before == 0 || waiting_at(server_end) != before);
}

/* --- cases ------------------------------------------------------------ */

static void a_header_must_come_in_time(void **state)
{
	static const char begun[] = "GET /livez HTTP/1.1\r\nHo";
	static const char rest[] = "st: a\r\n\r\n";
	struct fixture *fixture = *state;
	int late = connect_client(fixture), in_time = connect_client(fixture);

	begin_request(fixture, late, begun, strlen(begun));
	advance(fixture, 1);
	begin_request(fixture, in_time, begun, strlen(begun));
	advance(fixture, LIMIT_HTTP_HEAD_MS - 1);
	expect(late, "HTTP/1.1 408 Request Timeout\r\n");
	say(in_time, rest, strlen(rest));
	expect(in_time, "HTTP/1.1 200");
	(void)close(late);
	(void)close(in_time);
}

static void a_body_must_keep_its_pace(void **state)
{
	struct fixture *fixture = *state;
	int late = connect_client(fixture), in_time = connect_client(fixture);

	begin_body(fixture, late, PACE - 1);
	begin_body(fixture, in_time, PACE);
	advance(fixture, LIMIT_HTTP_BODY_MS);
	expect(late, "HTTP/1.1 408 Request Timeout\r\n");
	end_body(in_time, REST);
	expect(in_time, "HTTP/1.1 400");
	(void)close(late);
	(void)close(in_time);
}

static void a_short_body_has_its_time(void **state)
{
	struct fixture *fixture = *state;
	int late = connect_client(fixture), in_time = connect_client(fixture);

	begin_body(fixture, late, 1);
	advance(fixture, 1);
	begin_body(fixture, in_time, 1);
	advance(fixture, LIMIT_HTTP_BODY_MS - 1);
	expect(late, "HTTP/1.1 408 Request Timeout\r\n");
	end_body(in_time, PACE + REST - 1);
	expect(in_time, "HTTP/1.1 400");
	(void)close(late);
	(void)close(in_time);
}

/* Nothing was asked, so nothing is answered; and who asks at last has all the
 * time that a request has. */
static void idle_clients_are_left(void **state)
{
	static const char begun[] = "GET /livez HTTP/1.1\r\nHo";
	static const char rest[] = "st: a\r\n\r\n";
	struct fixture *fixture = *state;
	int idle = connect_client(fixture), woken = connect_client(fixture);

	/* Both wait for their next request. */
	settle(fixture);
	advance(fixture, LIMIT_HTTP_IDLE_MS - 1);
	begin_request(fixture, woken, begun, strlen(begun));
	advance(fixture, 1);
	expect(idle, "");
	say(woken, rest, strlen(rest));
	expect(woken, "HTTP/1.1 200");
	(void)close(idle);
	(void)close(woken);
}

static void who_takes_no_answer_is_left(void **state)
{
	struct fixture *fixture = *state;
	int late = connect_client(fixture), in_time = connect_client(fixture);

	ask_too_much(fixture, late);
	advance(fixture, 1);
	ask_too_much(fixture, in_time);
	advance(fixture, LIMIT_HTTP_STALL_MS - 1);
	while (find_other_end(late) >= 0)
		(void)usleep(1000);
	(void)other_end(in_time);
	expect(in_time, "HTTP/1.1 200");
	(void)close(late);
	(void)close(in_time);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(who_takes_no_answer_is_left),
	    CASE(a_header_must_come_in_time),
	    CASE(a_body_must_keep_its_pace),
	    CASE(a_short_body_has_its_time),
	    CASE(idle_clients_are_left),
	};

	use_one_processor();
	log_open("test", LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
