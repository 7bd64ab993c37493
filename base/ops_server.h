/*
 * The small server of METRICS_LISTEN, the same in each program: /metrics (what
 * this process recorded), /livez and /readyz. It asks for no key, so the
 * address belongs to a network of the operator's.
 */
#ifndef BASE_OPS_SERVER_H
#define BASE_OPS_SERVER_H

#include "error.h"

#include <stdbool.h>

struct ops_server;

/* Whether the program can do its work now; err says why not. Called on the
 * server's thread; must not wait long. */
typedef bool ops_ready_fn(void *arg, struct error *err);

/* Takes the address ("127.0.0.1:9100"; NULL: *server is NULL, and all else
 * here does nothing). While the program is still privileged. */
MUST_CHECK bool ops_server_listen(
    const char *address, struct ops_server **server, struct error *err);
/* Answers from now on, on a thread of its own. */
MUST_CHECK bool ops_server_start(struct ops_server *server, ops_ready_fn *ready,
    void *arg, struct error *err);
/* Clears the pointer. */
void ops_server_close(struct ops_server **server);

#endif
