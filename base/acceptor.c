#include "base/acceptor.h"

#include "base/alloc.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Connections accepted in a row. */
#define BATCH 8

struct listening {
	struct acceptor *acceptor;
	int fd;
	struct loop_watch *watch;
};

struct acceptor {
	struct loop *loop;
	acceptor_fn *call;
	void *arg;
	struct listening sockets[ACCEPTOR_MAX];
	size_t count;
};

static void want(struct acceptor *acceptor, unsigned bits)
{
	for (size_t i = 0; i < acceptor->count; i++)
		loop_watch_want(acceptor->sockets[i].watch, bits);
}

static void on_listening_ready(void *arg, unsigned ready)
{
	struct listening *listening = arg;
	struct acceptor *acceptor = listening->acceptor;
	size_t which = (size_t)(listening - acceptor->sockets);
	struct sockaddr_storage name;
	socklen_t len;
	struct ip ip;
	int fd;

	(void)ready;
	for (int i = 0; i < BATCH; i++) {
		name = (struct sockaddr_storage){0};
		len = sizeof(name);
		fd = accept4(listening->fd, (struct sockaddr *)&name, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			/* Another loop was faster; or there is no free
			 * descriptor. */
			if (errno == EMFILE || errno == ENFILE ||
			    errno == ENOMEM || errno == ENOBUFS)
				want(acceptor, 0);
			return;
		}
		ip = ip_of_socket(&name);
		acceptor->call(acceptor->arg, which, fd, &ip);
	}
}

struct acceptor *acceptor_new(struct loop *loop, acceptor_fn *call, void *arg)
{
	struct acceptor *acceptor = xcalloc(1, sizeof(*acceptor));

	acceptor->loop = loop;
	acceptor->call = call;
	acceptor->arg = arg;
	return acceptor;
}

void acceptor_add(struct acceptor *acceptor, int fd)
{
	struct listening *listening = &acceptor->sockets[acceptor->count++];

	assert(acceptor->count <= ACCEPTOR_MAX);
	listening->acceptor = acceptor;
	listening->fd = fd;
	listening->watch = loop_watch_open(
	    acceptor->loop, fd, LOOP_READ, on_listening_ready, listening);
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
