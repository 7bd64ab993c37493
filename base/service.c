#include "base/service.h"

#include "base/number.h"

#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_SOCKET 3 /* SD_LISTEN_FDS_START */

static void notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len = path != NULL ? strlen(path) : 0;
	int fd;

	if (len == 0 || len >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@') /* an abstract name */
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* A manager that does not listen is not our problem. */
	(void)sendto(fd, state, strlen(state), MSG_DONTWAIT | MSG_NOSIGNAL,
	    (const struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	(void)close(fd);
}

void service_ready(void)
{
	notify("READY=1");
}

void service_stopping(void)
{
	notify("STOPPING=1");
}

/* A plain number from the environment, 0 if it is none. */
static int number_of(const char *name)
{
	const char *text = getenv(name);
	uint64_t number = 0;

	if (text == NULL || !number_parse(text, INT_MAX, &number))
		return 0;
	return (int)number;
}

size_t service_inherited_sockets(int *first)
{
	int count = number_of("LISTEN_FDS");
	int flags;

	*first = FIRST_SOCKET;
	if (number_of("LISTEN_PID") != getpid())
		count = 0; /* meant for a process above us */
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	for (int i = 0; i < count; i++) {
		flags = fcntl(FIRST_SOCKET + i, F_GETFD);
		if (flags < 0)
			return (size_t)i; /* fewer than were promised */
		(void)fcntl(FIRST_SOCKET + i, F_SETFD, flags | FD_CLOEXEC);
	}
	return (size_t)count;
}
