#include "base/acceptor.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Connections accepted in a row. */
#define BATCH 8

struct watched {
	struct acceptor *acceptor;
	const struct listener *listener;
	struct loop_watch *watch;
};

struct acceptor {
	acceptor_fn *call;
	void *arg;
	struct watched sockets[LISTENERS_MAX];
	size_t count;
};

static void want(struct acceptor *acceptor, unsigned bits)
{
	for (size_t i = 0; i < acceptor->count; i++)
		loop_watch_want(acceptor->sockets[i].watch, bits);
}

static void on_listening_ready(void *arg, unsigned ready)
{
	struct watched *watched = arg;
	struct acceptor *acceptor = watched->acceptor;
	struct sockaddr_storage name;
	socklen_t len;
	struct ip ip;
	int fd;

	(void)ready;
	for (int i = 0; i < BATCH; i++) {
		name = (struct sockaddr_storage){0};
		len = sizeof(name);
		fd = accept4(watched->listener->fd, (struct sockaddr *)&name,
		    &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			/* Another loop was faster; or there is no free
			 * descriptor. */
			if (errno == EMFILE || errno == ENFILE ||
			    errno == ENOMEM || errno == ENOBUFS)
				want(acceptor, 0);
			return;
		}
		ip = ip_of_socket(&name);
		acceptor->call(acceptor->arg, watched->listener, fd, &ip);
	}
}

struct acceptor *acceptor_new(struct loop *loop,
    const struct listeners *listeners, acceptor_fn *call, void *arg)
{
	struct acceptor *acceptor = xcalloc(1, sizeof(*acceptor));

	acceptor->call = call;
	acceptor->arg = arg;
	acceptor->count = listeners->count;
	for (size_t i = 0; i < listeners->count; i++) {
		struct watched *watched = &acceptor->sockets[i];

		watched->acceptor = acceptor;
		watched->listener = &listeners->all[i];
		watched->watch = loop_watch_open(loop, watched->listener->fd,
		    LOOP_READ, on_listening_ready, watched);
	}
	return acceptor;
}

void acceptor_resume(struct acceptor *acceptor)
{
	want(acceptor, LOOP_READ);
}

void acceptor_free(struct acceptor **acceptor)
{
	if (*acceptor == NULL)
		return;
	for (size_t i = 0; i < (*acceptor)->count; i++)
		loop_watch_close(&(*acceptor)->sockets[i].watch);
	free(*acceptor);
	*acceptor = NULL;
}
