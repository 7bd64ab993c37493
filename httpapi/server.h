/*
 * The workers of the program and what they share.
 */
#ifndef HTTPAPI_SERVER_H
#define HTTPAPI_SERVER_H

#include "base/listeners.h"
#include "error.h"
#include "httpapi/context.h"

struct server;

/* Begins to serve the sockets, which must outlive it, as the spool must. */
MUST_CHECK bool server_open(struct spool *spool, struct settings *settings,
    const struct listeners *listeners, struct server **server,
    struct error *err);
/* Requests that begin from now on follow these settings. */
void server_reload(struct server *server, struct settings *settings);
/* Takes nothing new, answers what was asked, and returns. Clears the pointer;
 * NULL is fine. */
void server_close(struct server **server);

#endif
