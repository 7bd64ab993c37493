/*
 * How long a client waits for the 250 after the end of its data.
 *
 * Keeps N sessions open, each sending one message after the other (or one
 * every --interval milliseconds), and measures from the write of the final
 * dot to the reply. Prints one line of key=value pairs; --record writes one
 * line per message, "<id> <monotonic nanoseconds of the 250>", so that the
 * arrival at a webhook can be matched.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_SESSIONS = 1000, REPLY_ROOM = 4096, WAIT_SECONDS = 60 };

/* What was last sent, and so which reply is awaited. */
enum step { CONNECTED, SAID_EHLO, SAID_MAIL, SAID_RCPT, SAID_DATA, SAID_DOT };

struct session {
	int fd;
	enum step step;
	char reply[REPLY_ROOM];
	size_t reply_len;
	size_t sent;     /* of the message */
	uint64_t dot_at; /* when the last byte of it was written */
	uint64_t next_at;
	bool resting;
};

struct bench {
	const char *sender, *recipient;
	size_t size;
	unsigned sessions;
	uint64_t interval; /* nanoseconds between messages of a session */
	unsigned long wanted, started, done;
	char *message;
	size_t message_len;
	uint64_t *latencies;
	FILE *record;
	int epoll;
	struct session session[MAX_SESSIONS];
};

static void die(const char *what)
{
	fprintf(stderr, "smtp_latency: %s: %s\n", what, strerror(errno));
	exit(74);
}

static uint64_t now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static void say(struct session *session, enum step step, const char *verb,
    const char *argument, const char *end)
{
	char line[1024];
	int len =
	    snprintf(line, sizeof(line), "%s%s%s\r\n", verb, argument, end);

	if (write(session->fd, line, (size_t)len) != len)
		die("write a command");
	session->step = step;
}

static void watch(struct bench *bench, struct session *session, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = session};

	if (epoll_ctl(bench->epoll, EPOLL_CTL_MOD, session->fd, &event) != 0)
		die("epoll_ctl");
}

static void next_message(struct bench *bench, struct session *session)
{
	if (bench->started >= bench->wanted) {
		session->resting = true;
		session->next_at = UINT64_MAX;
		return;
	}
	session->resting = bench->interval > 0 && now() < session->next_at;
	if (session->resting)
		return;
	session->next_at = now() + bench->interval;
	bench->started++;
	say(session, SAID_MAIL, "MAIL FROM:<", bench->sender, ">");
}

static void send_content(struct bench *bench, struct session *session)
{
	ssize_t len;

	while (session->sent < bench->message_len) {
		len = write(session->fd, bench->message + session->sent,
		    bench->message_len - session->sent);
		if (len < 0 && errno == EAGAIN) {
			watch(bench, session, EPOLLIN | EPOLLOUT);
			return;
		}
		if (len < 0)
			die("write a message");
		session->sent += (size_t)len;
	}
	session->dot_at = now();
	session->step = SAID_DOT;
	watch(bench, session, EPOLLIN);
}

/* "250 2.0.0 Ok: queued as <id>": the id is the last word. */
static void note_accepted(struct bench *bench, const char *reply)
{
	const char *id = strrchr(reply, ' ');

	if (bench->record != NULL && id != NULL)
		fprintf(bench->record, "%.*s %ju\n",
		    (int)strcspn(id + 1, "\r\n"), id + 1, (uintmax_t)now());
}

static void on_reply(struct bench *bench, struct session *session)
{
	static const char *const expected[] = {
	    "220", "250", "250", "250", "354", "250"};

	if (strncmp(session->reply, expected[session->step], 3) != 0) {
		fprintf(stderr, "smtp_latency: unexpected reply: %s",
		    session->reply);
		exit(1);
	}
	switch (session->step) {
	case CONNECTED:
		say(session, SAID_EHLO, "EHLO ", "client.bench.test", "");
		break;
	case SAID_EHLO:
		next_message(bench, session);
		break;
	case SAID_MAIL:
		say(session, SAID_RCPT, "RCPT TO:<", bench->recipient, ">");
		break;
	case SAID_RCPT:
		say(session, SAID_DATA, "DATA", "", "");
		break;
	case SAID_DATA:
		session->sent = 0;
		send_content(bench, session);
		break;
	case SAID_DOT:
		bench->latencies[bench->done++] = now() - session->dot_at;
		note_accepted(bench, session->reply);
		next_message(bench, session);
		break;
	}
}

/* The last line of a reply has a space after its code. */
static const char *last_line_end(const struct session *session)
{
	const char *line = session->reply, *end;

	while ((end = strstr(line, "\r\n")) != NULL) {
		if (end - line >= 4 && line[3] == ' ')
			return end + 2;
		line = end + 2;
	}
	return NULL;
}

static void read_reply(struct bench *bench, struct session *session)
{
	size_t room = REPLY_ROOM - 1 - session->reply_len;
	ssize_t len;

	len = read(session->fd, session->reply + session->reply_len, room);
	if (len < 0 && errno == EAGAIN)
		return;
	if (len <= 0)
		die("the server closed a session");
	session->reply_len += (size_t)len;
	session->reply[session->reply_len] = '\0';
	if (last_line_end(session) == NULL)
		return;
	session->reply_len = 0;
	on_reply(bench, session);
}

static void open_session(struct bench *bench, struct session *session,
    const struct sockaddr_in *server)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = session};
	int on = 1;

	session->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (session->fd < 0 ||
	    connect(session->fd, (const struct sockaddr *)server,
		sizeof(*server)) != 0)
		die("connect");
	setsockopt(session->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (fcntl(session->fd, F_SETFL, O_NONBLOCK) != 0)
		die("fcntl");
	if (epoll_ctl(bench->epoll, EPOLL_CTL_ADD, session->fd, &event) != 0)
		die("epoll_ctl");
}

static int wake_resting(struct bench *bench)
{
	uint64_t soonest = UINT64_MAX, at = now();
	struct session *session;
	unsigned i;

	for (i = 0; i < bench->sessions; i++) {
		session = &bench->session[i];
		if (!session->resting)
			continue;
		if (session->next_at <= at)
			next_message(bench, session);
		else if (session->next_at < soonest)
			soonest = session->next_at;
	}
	if (soonest == UINT64_MAX)
		return WAIT_SECONDS * 1000;
	return (int)((soonest - at) / 1000000) + 1;
}

static void run(struct bench *bench)
{
	struct epoll_event events[MAX_SESSIONS];
	struct session *session;
	int i, count, patience = WAIT_SECONDS * 1000;

	while (bench->done < bench->wanted) {
		count =
		    epoll_wait(bench->epoll, events, MAX_SESSIONS, patience);
		if (count < 0)
			die("epoll_wait");
		if (count == 0 && patience == WAIT_SECONDS * 1000) {
			fputs("smtp_latency: no reply\n", stderr);
			exit(1);
		}
		for (i = 0; i < count; i++) {
			session = events[i].data.ptr;
			if ((events[i].events & EPOLLOUT) != 0)
				send_content(bench, session);
			else
				read_reply(bench, session);
		}
		patience = wake_resting(bench);
	}
}

static void make_message(struct bench *bench)
{
	static const char header[] = "From: <sender@bench.test>\r\n"
				     "To: <user@bench.test>\r\n"
				     "Subject: latency\r\n\r\n";
	static const char line[] = "The quick brown fox jumps over the lazy "
				   "dog, again and again and again.\r\n";
	size_t room = sizeof(header) + bench->size + sizeof(line) + 8;

	bench->message = malloc(room);
	if (bench->message == NULL)
		die("malloc");
	memcpy(bench->message, header, sizeof(header) - 1);
	bench->message_len = sizeof(header) - 1;
	while (bench->message_len < bench->size) {
		memcpy(bench->message + bench->message_len, line,
		    sizeof(line) - 1);
		bench->message_len += sizeof(line) - 1;
	}
	memcpy(bench->message + bench->message_len, ".\r\n", 3);
	bench->message_len += 3;
}

static int by_value(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static double percentile(const struct bench *bench, double part)
{
	size_t at = (size_t)(part * (double)(bench->done - 1));

	return (double)bench->latencies[at] / 1e6;
}

static void print_result(struct bench *bench, double seconds)
{
	qsort(
	    bench->latencies, bench->done, sizeof(*bench->latencies), by_value);
	printf("sessions=%u messages=%lu rate=%.0f p50_ms=%.3f p90_ms=%.3f "
	       "p99_ms=%.3f max_ms=%.3f\n",
	    bench->sessions, bench->done, (double)bench->done / seconds,
	    percentile(bench, 0.5), percentile(bench, 0.9),
	    percentile(bench, 0.99), percentile(bench, 1));
}

static const struct option options[] = {
    {"sessions", required_argument, NULL, 's'},
    {"messages", required_argument, NULL, 'm'},
    {"size", required_argument, NULL, 'l'},
    {"from", required_argument, NULL, 'f'},
    {"to", required_argument, NULL, 't'},
    {"interval", required_argument, NULL, 'i'},
    {"record", required_argument, NULL, 'r'},
    {NULL, 0, NULL, 0},
};

static void usage(void)
{
	fputs("usage: smtp_latency [--sessions N] [--messages N] [--size BYTES]"
	      "\n  [--from A] [--to A] [--interval MS] [--record FILE] PORT\n",
	    stderr);
	exit(2);
}

static void parse(
    struct bench *bench, struct sockaddr_in *server, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			bench->sessions = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'm')
			bench->wanted = strtoul(optarg, NULL, 10);
		else if (option == 'l')
			bench->size = strtoul(optarg, NULL, 10);
		else if (option == 'f')
			bench->sender = optarg;
		else if (option == 't')
			bench->recipient = optarg;
		else if (option == 'i')
			bench->interval = strtoul(optarg, NULL, 10) * 1000000;
		else if (option == 'r')
			bench->record = fopen(optarg, "we");
		else
			usage();
		if (option == 'r' && bench->record == NULL)
			die(optarg);
	}
	if (optind + 1 != argc || bench->sessions < 1 ||
	    bench->sessions > MAX_SESSIONS || bench->wanted < 1)
		usage();
	server->sin_port = htons((uint16_t)strtoul(argv[optind], NULL, 10));
}

int main(int argc, char **argv)
{
	static struct bench bench = {.sender = "sender@bench.test",
	    .recipient = "user@bench.test",
	    .size = 4096,
	    .sessions = 1,
	    .wanted = 1000};
	struct sockaddr_in server = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uint64_t start;
	unsigned i;

	parse(&bench, &server, argc, argv);
	make_message(&bench);
	bench.latencies = calloc(bench.wanted, sizeof(*bench.latencies));
	bench.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (bench.latencies == NULL || bench.epoll < 0)
		die("start");
	for (i = 0; i < bench.sessions; i++)
		open_session(&bench, &bench.session[i], &server);
	start = now();
	run(&bench);
	print_result(&bench, (double)(now() - start) / 1e9);
	if (bench.record != NULL && fclose(bench.record) != 0)
		die("the record");
	return 0;
}
