#include "spool/notify.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/os.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define FOLDER "run/agents"
#define SUFFIX ".sock"
/* Agents come and go rarely: how often the folder is read again. */
#define REFRESH_MS 500
#define MAX_AGENTS 64

struct notifier {
	int root, socket;
	pthread_mutex_t lock; /* of all below */
	int64_t read_ms;
	size_t count;
	struct sockaddr_un agents[MAX_AGENTS];
};

/* Through /proc, since a spool's path may be longer than a socket's may. */
static void address_of(int root, const char *name, struct sockaddr_un *address)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	(void)snprintf(address->sun_path, sizeof(address->sun_path),
	    "/proc/self/fd/%d/" FOLDER "/%.40s", root, name);
}

struct notifier *notifier_new(int root)
{
	struct notifier *notifier = xcalloc(1, sizeof(*notifier));

	notifier->root = root;
	notifier->read_ms = -1;
	(void)pthread_mutex_init(&notifier->lock, NULL);
	notifier->socket =
	    socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return notifier;
}

void notifier_free(struct notifier **notifier)
{
	if (*notifier == NULL)
		return;
	os_close(&(*notifier)->socket);
	(void)pthread_mutex_destroy(&(*notifier)->lock);
	free(*notifier);
	*notifier = NULL;
}

static bool is_socket_name(const char *name)
{
	size_t len = strlen(name);

	return len > strlen(SUFFIX) &&
	       strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static void refresh(struct notifier *notifier)
{
	int64_t now = clock_mono_ms();
	struct dirent *entry;
	DIR *dir;
	int fd;

	if (notifier->read_ms >= 0 && now - notifier->read_ms < REFRESH_MS)
		return;
	notifier->read_ms = now;
	notifier->count = 0;
	fd = openat(notifier->root, FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		os_close(&fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL && notifier->count < MAX_AGENTS) {
		if (is_socket_name(entry->d_name))
			address_of(notifier->root, entry->d_name,
			    &notifier->agents[notifier->count++]);
	}
	(void)closedir(dir);
}

void notifier_wake(struct notifier *notifier)
{
	(void)pthread_mutex_lock(&notifier->lock);
	refresh(notifier);
	for (size_t i = 0; i < notifier->count; i++) {
		/* Full means that it is awake already; gone, that it polls
		 * under another name. */
		(void)sendto(notifier->socket, "", 0, MSG_NOSIGNAL,
		    (const struct sockaddr *)&notifier->agents[i],
		    sizeof(notifier->agents[i]));
	}
	(void)pthread_mutex_unlock(&notifier->lock);
}

bool notify_listen(int root, const char *name, int *fd, struct error *err)
{
	struct sockaddr_un address;
	char file[64];

	(void)snprintf(file, sizeof(file), "%.34s" SUFFIX, name);
	address_of(root, file, &address);
	*fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return error_errno(err, "cannot make a socket");
	/* Writers of the spool's group may wake us, whatever the umask. */
	if (bind(*fd, (const struct sockaddr *)&address, sizeof(address)) ==
		0 &&
	    chmod(address.sun_path, 0660) == 0)
		return true;
	(void)error_errno(err, "cannot bind %s/%s", FOLDER, file);
	os_close(fd);
	return false;
}

void notify_drain(int fd)
{
	char byte;

	while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0)
		;
}
