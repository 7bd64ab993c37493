/*
 * How many full TLS handshakes a second an SMTP server makes after STARTTLS.
 *
 * Each of N threads opens a connection, says EHLO and STARTTLS, shakes hands
 * without a session to resume, and goes away; for some seconds. Prints one
 * line of key=value pairs.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_THREADS = 64, REPLY_ROOM = 4096 };

struct bench {
	SSL_CTX *context;
	struct sockaddr_in server;
	unsigned threads;
	double seconds, end;
};

struct client {
	pthread_t thread;
	const struct bench *bench;
	unsigned long done;
	const char *protocol;
};

static void die(const char *what)
{
	fprintf(stderr, "tls_handshakes: %s\n", what);
	exit(74);
}

static double now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* Says `line` (NULL: nothing yet) and waits for the last line of a reply that
 * begins with `code`. */
static void talk(int fd, const char *line, const char *code)
{
	char reply[REPLY_ROOM], *last;
	size_t len = 0;
	ssize_t got;

	if (line != NULL &&
	    write(fd, line, strlen(line)) != (ssize_t)strlen(line))
		die("cannot write a command");
	do {
		got = read(fd, reply + len, sizeof(reply) - 1 - len);
		if (got <= 0)
			die("no reply");
		len += (size_t)got;
		reply[len] = '\0';
		last = memrchr(reply, '\n', len - 1);
		last = last == NULL ? reply : last + 1;
	} while (reply[len - 1] != '\n' || last[3] != ' ');
	if (strncmp(last, code, 3) != 0)
		die(reply);
}

static const char *shake_hands(const struct bench *bench)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *protocol;
	SSL *ssl;

	if (fd < 0 || connect(fd, (const struct sockaddr *)&bench->server,
			  sizeof(bench->server)) != 0)
		die("cannot connect");
	talk(fd, NULL, "220");
	talk(fd, "EHLO client.bench.test\r\n", "250");
	talk(fd, "STARTTLS\r\n", "220");
	ssl = SSL_new(bench->context);
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1)
		die("no handshake");
	if (SSL_session_reused(ssl))
		die("the session was resumed");
	/* Of TLS 1.3 the server must have read our end of it, too. */
	if (SSL_write(ssl, "QUIT\r\n", 6) != 6 ||
	    SSL_read(ssl, (char[REPLY_ROOM]){0}, REPLY_ROOM) < 3)
		die("no answer under TLS");
	protocol = SSL_get_version(ssl);
	SSL_free(ssl);
	(void)close(fd);
	return protocol;
}

static void *run(void *arg)
{
	struct client *client = arg;

	while (now() < client->bench->end) {
		client->protocol = shake_hands(client->bench);
		client->done++;
	}
	return NULL;
}

static void parse(struct bench *bench, int argc, char **argv)
{
	static const struct option options[] = {
	    {"port", required_argument, NULL, 'p'},
	    {"threads", required_argument, NULL, 't'},
	    {"seconds", required_argument, NULL, 's'}, {0}};
	int option;

	bench->server.sin_family = AF_INET;
	bench->server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			bench->server.sin_port =
			    htons((uint16_t)strtoul(optarg, NULL, 10));
		else if (option == 't')
			bench->threads = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 's')
			bench->seconds = strtod(optarg, NULL);
		else
			exit(64);
	}
	if (bench->server.sin_port == 0 || bench->threads < 1 ||
	    bench->threads > MAX_THREADS || bench->seconds <= 0)
		die("--port P --threads 1..64 --seconds S");
}

int main(int argc, char **argv)
{
	struct bench bench = {.threads = 16, .seconds = 4};
	struct client clients[MAX_THREADS] = {0};
	unsigned long done = 0;
	double start;

	parse(&bench, argc, argv);
	bench.context = SSL_CTX_new(TLS_client_method());
	if (bench.context == NULL)
		die("no TLS");
	start = now();
	bench.end = start + bench.seconds;
	for (unsigned i = 0; i < bench.threads; i++) {
		clients[i].bench = &bench;
		if (pthread_create(
			&clients[i].thread, NULL, run, &clients[i]) != 0)
			die("cannot start a thread");
	}
	for (unsigned i = 0; i < bench.threads; i++) {
		(void)pthread_join(clients[i].thread, NULL);
		done += clients[i].done;
	}
	printf("handshakes=%lu rate=%.0f protocol=%s\n", done,
	    (double)done / (now() - start), clients[0].protocol);
	SSL_CTX_free(bench.context);
	return 0;
}
