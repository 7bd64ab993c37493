/*
 * The sockets on which a program takes connections: those that the service
 * manager passed in, or those that its settings name. All its event loops
 * share them, so that a restart need not miss a connection.
 */
#ifndef BASE_LISTENERS_H
#define BASE_LISTENERS_H

#include "base/net.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>

#define LISTENERS_MAX 16

struct listener {
	int fd;   /* does not block */
	bool tls; /* from the first byte */
};

struct listeners {
	struct listener all[LISTENERS_MAX];
	size_t count;
};

/* Opens and logs them; at most LISTENERS_MAX addresses. ERROR_CONFIG or
 * ERROR_BUSY names the address. A socket that was passed in has TLS if the
 * first address of its port has. Before any thread is made. */
MUST_CHECK bool listeners_open(struct listeners *listeners,
    const struct listen_address *addresses, size_t count, struct error *err);
void listeners_close(struct listeners *listeners);
/* Whether one of them has TLS from the first byte. */
bool listeners_need_tls(const struct listeners *listeners);

#endif
