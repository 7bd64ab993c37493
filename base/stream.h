/*
 * A connection to a service nearby, as plain blocking code with a limit to
 * every wait: for threads of a pool, never for an event loop.
 */
#ifndef BASE_STREAM_H
#define BASE_STREAM_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long the caller will go on waiting, in milliseconds; 0 ends a wait at
 * once. Asked again at least once a second. */
struct patience {
	int64_t (*left_ms)(void *arg);
	void *arg;
};

/* All failures are ERROR_TEMPORARY, and name the address. */

/* Connects to "host:port", "[ip]:port" or the path of a Unix socket. *fd is -1
 * on failure. A host name is looked up first, in the resolver's own time. */
MUST_CHECK bool stream_open(const char *address,
    const struct patience *patience, int *fd, struct error *err);
/* Closes and sets -1; closing -1 is fine. */
void stream_close(int *fd);

MUST_CHECK bool stream_write(int fd, const void *data, size_t len,
    const struct patience *patience, struct error *err);
/* At least one byte, unless the peer has ended: then *got is 0. */
MUST_CHECK bool stream_read(int fd, void *data, size_t size, size_t *got,
    const struct patience *patience, struct error *err);
/* Whether nothing came and nobody hung up: a connection that was kept can be
 * used again. */
bool stream_is_quiet(int fd);

#endif
