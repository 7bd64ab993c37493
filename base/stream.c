#include "base/stream.h"

#include "base/errors.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The caller's patience is asked for again after this. */
#define WAIT_MS 1000
#define HOST_SIZE 256

static bool fail(struct error *err, const char *what)
{
	(void)error_errno(err, "%s", what);
	err->kind = ERROR_TEMPORARY;
	return false;
}

static bool wait_for(
    int fd, short what, const struct patience *patience, struct error *err)
{
	struct pollfd waiting = {.fd = fd, .events = what};
	int64_t left_ms;
	int ready;

	while ((left_ms = patience->left_ms(patience->arg)) > 0) {
		ready = poll(
		    &waiting, 1, left_ms < WAIT_MS ? (int)left_ms : WAIT_MS);
		if (ready > 0)
			return true;
		if (ready < 0 && errno != EINTR)
			return fail(err, "cannot wait");
	}
	return error_set(err, ERROR_TEMPORARY, "no answer in time");
}

/* --- connecting ------------------------------------------------------- */

static bool connect_to(int fd, const struct sockaddr *to, socklen_t len,
    const struct patience *patience, struct error *err)
{
	int code = 0;
	socklen_t size = sizeof(code);

	if (connect(fd, to, len) == 0)
		return true;
	if (errno != EINPROGRESS)
		return fail(err, "cannot connect");
	if (!wait_for(fd, POLLOUT, patience, err))
		return false;
	(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size);
	errno = code;
	return code == 0 || fail(err, "cannot connect");
}

static bool open_socket(int family, const struct sockaddr *to, socklen_t len,
    const struct patience *patience, int *fd, struct error *err)
{
	*fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return fail(err, "cannot make a socket");
	if (connect_to(*fd, to, len, patience, err))
		return true;
	stream_close(fd);
	return false;
}

static bool open_path(const char *path, const struct patience *patience,
    int *fd, struct error *err)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len = strlen(path);

	if (len >= sizeof(to.sun_path))
		return error_set(err, ERROR_TEMPORARY, "the path is too long");
	memcpy(to.sun_path, path, len);
	return open_socket(AF_UNIX, (const struct sockaddr *)&to, sizeof(to),
	    patience, fd, err);
}

/* "host:port" or "[ip]:port", taken apart in place. */
static bool split(char *text, const char **host, const char **port)
{
	char *colon = strrchr(text, ':');

	if (colon == NULL)
		return false;
	*colon = '\0';
	*port = colon + 1;
	*host = text;
	if (text[0] == '[' && colon > text && colon[-1] == ']') {
		colon[-1] = '\0';
		*host = text + 1;
	}
	return true;
}

static bool open_host(const char *address, const struct patience *patience,
    int *fd, struct error *err)
{
	struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found, *one;
	const char *host, *port;
	char text[HOST_SIZE];
	const int on = 1;
	int code;

	if (strlen(address) >= sizeof(text))
		return error_set(err, ERROR_TEMPORARY, "the name is too long");
	memcpy(text, address, strlen(address) + 1);
	if (!split(text, &host, &port))
		return error_set(err, ERROR_TEMPORARY, "there is no port");
	code = getaddrinfo(host, port, &wanted, &found);
	if (code != 0)
		return error_set(err, ERROR_TEMPORARY,
		    "the name is not found: %s", gai_strerror(code));
	for (one = found; one != NULL; one = one->ai_next)
		if (open_socket(one->ai_family, one->ai_addr, one->ai_addrlen,
			patience, fd, err))
			break;
	freeaddrinfo(found);
	if (*fd >= 0)
		(void)setsockopt(
		    *fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return *fd >= 0;
}

bool stream_open(const char *address, const struct patience *patience, int *fd,
    struct error *err)
{
	struct error why;
	bool opened;

	*fd = -1;
	opened = address[0] == '/' ? open_path(address, patience, fd, &why)
				   : open_host(address, patience, fd, &why);
	if (opened)
		return true;
	return error_set(err, ERROR_TEMPORARY, "%s: %s", address, why.text);
}

void stream_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* --- bytes ------------------------------------------------------------ */

bool stream_write(int fd, const void *data, size_t len,
    const struct patience *patience, struct error *err)
{
	const char *bytes = data;
	ssize_t sent;

	while (len > 0) {
		sent = send(fd, bytes, len, MSG_NOSIGNAL);
		if (sent > 0) {
			bytes += sent;
			len -= (size_t)sent;
		} else if (errno == EAGAIN) {
			if (!wait_for(fd, POLLOUT, patience, err))
				return false;
		} else if (errno != EINTR) {
			return fail(err, "cannot send");
		}
	}
	return true;
}

bool stream_read(int fd, void *data, size_t size, size_t *got,
    const struct patience *patience, struct error *err)
{
	ssize_t count;

	*got = 0;
	for (;;) {
		count = recv(fd, data, size, 0);
		if (count >= 0) {
			*got = (size_t)count;
			return true;
		}
		if (errno == EAGAIN) {
			if (!wait_for(fd, POLLIN, patience, err))
				return false;
		} else if (errno != EINTR) {
			return fail(err, "cannot read");
		}
	}
}

bool stream_is_quiet(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	       errno == EAGAIN;
}
