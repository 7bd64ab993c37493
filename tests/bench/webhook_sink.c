/*
 * A webhook that answers {"status":"success"} at once, as cheaply as it can,
 * so that the sender is what is measured. HTTP/1.1 with keep-alive, bodies by
 * Content-Length or chunked.
 *
 * Prints "port=N" when it listens. Ends after --count requests, or on SIGTERM
 * or SIGINT, and prints one line of key=value pairs; the rate is that between
 * the first request and the last. --record writes "<X-Message-Id> <monotonic
 * nanoseconds>" per request; the time is that of the request's first byte.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_EVENTS = 64, HEAD_ROOM = 16384, READ_ROOM = 1 << 18, ID_ROOM = 64 };

enum state { IN_HEAD, IN_BODY, IN_CHUNK_SIZE, IN_CHUNK, IN_TRAILER };

struct connection {
	int fd;
	enum state state;
	char head[HEAD_ROOM]; /* the head, or the line of a chunk's size */
	size_t head_len;
	uint64_t left; /* of the body or chunk */
	uint64_t since;
};

struct sink {
	int epoll, listener, signals;
	unsigned long count, wanted;
	uint64_t bytes, first, last;
	FILE *record;
};

static void die(const char *what)
{
	fprintf(stderr, "webhook_sink: %s: %s\n", what, strerror(errno));
	exit(74);
}

static uint64_t now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static const char *find_header(const char *head, const char *name)
{
	const char *line = strstr(head, "\r\n");
	size_t len = strlen(name);

	while (line != NULL) {
		line += 2;
		if (strncasecmp(line, name, len) == 0 && line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, " ");
		line = strstr(line, "\r\n");
	}
	return NULL;
}

static void reply(const struct connection *connection, const char *text)
{
	size_t len = strlen(text);

	if (write(connection->fd, text, len) != (ssize_t)len)
		die("answer");
}

static void finish_request(struct sink *sink, struct connection *connection)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\n"
				     "Content-Type: application/json\r\n"
				     "Content-Length: 20\r\n\r\n"
				     "{\"status\":\"success\"}";

	reply(connection, answer);
	connection->state = IN_HEAD;
	connection->head_len = 0;
	sink->count++;
	sink->last = now();
	if (sink->first == 0)
		sink->first = connection->since;
}

static void note_arrival(
    const struct sink *sink, const struct connection *connection)
{
	const char *id = find_header(connection->head, "X-Message-Id");

	if (sink->record != NULL && id != NULL)
		fprintf(sink->record, "%.*s %ju\n", (int)strcspn(id, "\r"), id,
		    (uintmax_t)connection->since);
}

static void finish_head(struct sink *sink, struct connection *connection)
{
	const char *length = find_header(connection->head, "Content-Length");
	const char *coding = find_header(connection->head, "Transfer-Encoding");

	note_arrival(sink, connection);
	if (find_header(connection->head, "Expect") != NULL)
		reply(connection, "HTTP/1.1 100 Continue\r\n\r\n");
	connection->head_len = 0;
	if (coding != NULL && strncasecmp(coding, "chunked", 7) == 0) {
		connection->state = IN_CHUNK_SIZE;
		return;
	}
	connection->left = length == NULL ? 0 : strtoull(length, NULL, 10);
	connection->state = IN_BODY;
	if (connection->left == 0)
		finish_request(sink, connection);
}

/* Moves bytes to the head until END is seen; true when it was. */
static bool collect(struct connection *connection, const char **data,
    size_t *len, const char *end)
{
	size_t end_len = strlen(end), room, from;
	const char *found;

	room = HEAD_ROOM - 1 - connection->head_len;
	room = *len < room ? *len : room;
	from =
	    connection->head_len < end_len ? 0 : connection->head_len - end_len;
	memcpy(connection->head + connection->head_len, *data, room);
	connection->head[connection->head_len + room] = '\0';
	found = strstr(connection->head + from, end);
	if (found != NULL)
		room = (size_t)(found + end_len - connection->head) -
		       connection->head_len;
	connection->head_len += room;
	connection->head[connection->head_len] = '\0';
	*data += room;
	*len -= room;
	if (found == NULL && connection->head_len == HEAD_ROOM - 1) {
		fputs("webhook_sink: the head is too long\n", stderr);
		exit(1);
	}
	return found != NULL;
}

static void finish_chunk_size(struct connection *connection)
{
	connection->left = strtoull(connection->head, NULL, 16);
	connection->head_len = 0;
	connection->state = connection->left > 0 ? IN_CHUNK : IN_TRAILER;
	connection->left += 2; /* the line end behind the chunk */
}

static void skip(struct connection *connection, const char **data, size_t *len)
{
	size_t part = *len;

	if (part > connection->left)
		part = (size_t)connection->left;
	*data += part;
	*len -= part;
	connection->left -= part;
}

static void consume_body(struct sink *sink, struct connection *connection,
    const char **data, size_t *len)
{
	skip(connection, data, len);
	if (connection->left > 0)
		return;
	if (connection->state == IN_CHUNK)
		connection->state = IN_CHUNK_SIZE;
	else
		finish_request(sink, connection);
}

static void consume_lines(struct sink *sink, struct connection *connection,
    const char **data, size_t *len)
{
	bool head = connection->state == IN_HEAD;

	if (head && connection->head_len == 0)
		connection->since = now();
	if (!collect(connection, data, len, head ? "\r\n\r\n" : "\r\n"))
		return;
	if (head)
		finish_head(sink, connection);
	else if (connection->state == IN_CHUNK_SIZE)
		finish_chunk_size(connection);
	else
		finish_request(sink, connection);
}

static void consume(struct sink *sink, struct connection *connection,
    const char *data, size_t len)
{
	while (len > 0) {
		if (connection->state == IN_BODY ||
		    connection->state == IN_CHUNK)
			consume_body(sink, connection, &data, &len);
		else
			consume_lines(sink, connection, &data, &len);
	}
}

static void serve(struct sink *sink, struct connection *connection)
{
	static char data[READ_ROOM];
	ssize_t len = read(connection->fd, data, sizeof(data));

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0) {
		close(connection->fd);
		free(connection);
		return;
	}
	sink->bytes += (uint64_t)len;
	consume(sink, connection, data, (size_t)len);
}

static void watch(struct sink *sink, int fd, void *what)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};

	if (fd < 0 || epoll_ctl(sink->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		die("watch a socket");
}

static void accept_connection(struct sink *sink)
{
	struct connection *connection;
	int on = 1;
	int fd = accept4(sink->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	connection = calloc(1, sizeof(*connection));
	if (connection == NULL)
		die("calloc");
	connection->fd = fd;
	watch(sink, fd, connection);
	/* The event of its socket owns it from here on. */
} /* NOLINT(clang-analyzer-unix.Malloc) */

static void run(struct sink *sink)
{
	struct epoll_event events[MAX_EVENTS];
	int i, count;

	for (;;) {
		count = epoll_wait(sink->epoll, events, MAX_EVENTS, -1);
		for (i = 0; i < count; i++) {
			if (events[i].data.ptr == &sink->signals)
				return;
			if (events[i].data.ptr == &sink->listener)
				accept_connection(sink);
			else
				serve(sink, events[i].data.ptr);
		}
		if (sink->wanted > 0 && sink->count >= sink->wanted)
			return;
	}
}

static void print_result(const struct sink *sink)
{
	double seconds = (double)(sink->last - sink->first) / 1e9;

	printf("requests=%lu megabytes=%.1f seconds=%.3f rate=%.0f\n",
	    sink->count, (double)sink->bytes / 1e6, seconds,
	    seconds > 0 ? (double)sink->count / seconds : 0);
}

static void listen_on(struct sink *sink, uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int on = 1;

	sink->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(sink->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(sink->listener, (struct sockaddr *)&address, len) != 0 ||
	    listen(sink->listener, 512) != 0 ||
	    getsockname(sink->listener, (struct sockaddr *)&address, &len) != 0)
		die("listen");
	printf("port=%u\n", ntohs(address.sin_port));
	fflush(stdout);
}

static void parse(struct sink *sink, uint16_t *port, int argc, char **argv)
{
	static const struct option options[] = {
	    {"port", required_argument, NULL, 'p'},
	    {"count", required_argument, NULL, 'c'},
	    {"record", required_argument, NULL, 'r'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p') {
			*port = (uint16_t)strtoul(optarg, NULL, 10);
		} else if (option == 'c') {
			sink->wanted = strtoul(optarg, NULL, 10);
		} else if (option == 'r') {
			sink->record = fopen(optarg, "we");
			if (sink->record == NULL)
				die(optarg);
		} else {
			fputs("usage: webhook_sink [--port N] [--count N] "
			      "[--record FILE]\n",
			    stderr);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	struct sink sink = {0};
	uint16_t port = 0;
	sigset_t stop;

	parse(&sink, &port, argc, argv);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);
	sink.signals = signalfd(-1, &stop, SFD_CLOEXEC);
	sink.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (sink.epoll < 0)
		die("epoll_create1");
	listen_on(&sink, port);
	watch(&sink, sink.listener, &sink.listener);
	watch(&sink, sink.signals, &sink.signals);
	run(&sink);
	print_result(&sink);
	if (sink.record != NULL && fclose(sink.record) != 0)
		die("the record");
	return 0;
}
