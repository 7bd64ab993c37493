/*
 * Connections that send a byte a second: slow_clients PORT COUNT. Says "ready"
 * when all were greeted, and goes on until its standard input ends.
 *
 * Each has its turn, so that a second has no peaks; what is due is sent once
 * in a millisecond. In C, so that it takes little of the processors from what
 * is measured beside it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A command line that never ends. */
static const char words[] =
    "HELO xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

static void die(const char *what)
{
	fprintf(stderr, "slow_clients: %s: %s\n", what, strerror(errno));
	exit(74);
}

static uint64_t now_us(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (uint64_t)at.tv_sec * 1000000 + (uint64_t)at.tv_nsec / 1000;
}

static int connect_one(const struct sockaddr_in *server)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char greeting[512];

	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)server, sizeof(*server)) != 0)
		die("connect");
	if (read(fd, greeting, sizeof(greeting)) <= 0)
		die("greeting");
	return fd;
}

static void trickle(const int *fds, size_t count)
{
	struct pollfd end = {.fd = STDIN_FILENO, .events = POLLIN};
	uint64_t began = now_us(), turn = 0, due;

	while (poll(&end, 1, 1) == 0) {
		due = (now_us() - began) * count / 1000000;
		for (; turn < due; turn++) {
			size_t at = turn / count;

			if (at >= sizeof(words) - 1)
				at = sizeof(words) - 2;
			if (send(fds[turn % count], &words[at], 1,
				MSG_NOSIGNAL) != 1)
				die("send");
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in server = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct rlimit files;
	size_t count;
	int *fds;

	if (argc != 3) {
		fprintf(stderr, "usage: slow_clients PORT COUNT\n");
		return 64;
	}
	server.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	count = strtoul(argv[2], NULL, 10);
	files = (struct rlimit){count + 100, count + 100};
	fds = calloc(count, sizeof(*fds));
	if (fds == NULL || setrlimit(RLIMIT_NOFILE, &files) != 0)
		die("so many connections");
	for (size_t i = 0; i < count; i++)
		fds[i] = connect_one(&server);
	(void)puts("ready");
	(void)fflush(stdout);
	trickle(fds, count);
	free(fds);
	return 0;
}
