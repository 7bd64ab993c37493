/* The sockets that requests come to. */
#ifndef HTTPAPI_LISTEN_H
#define HTTPAPI_LISTEN_H

#include "base/config.h"
#include "error.h"

#include <stddef.h>

#define LISTEN_MAX 8

struct listening {
	int fds[LISTEN_MAX];
	size_t count;
};

/* Takes the sockets that were passed in, or opens HARAKA_HTTP_HOST and _PORT.
 * Before any thread is made. */
MUST_CHECK bool listening_open(struct listening *listening,
    const struct config *config, struct error *err);
void listening_close(struct listening *listening);

#endif
