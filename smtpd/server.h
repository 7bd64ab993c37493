/*
 * The workers of the program and what they share.
 */
#ifndef SMTPD_SERVER_H
#define SMTPD_SERVER_H

#include "base/listeners.h"
#include "base/tls_server.h"
#include "error.h"
#include "smtpd/settings.h"
#include "spool/spool.h"

struct server;

/* Begins to serve the sockets, which must outlive it, as the spool and the
 * certificates must. */
MUST_CHECK bool server_open(struct spool *spool, struct tls_server *tls,
    struct settings *settings, const struct listeners *listeners,
    struct server **server, struct error *err);
/* From their next command on, sessions follow these settings. */
void server_reload(struct server *server, struct settings *settings);
/* Says good-bye to all clients; returns when the last message that is being
 * committed was answered. Clears the pointer; NULL is fine. */
void server_close(struct server **server);

#endif
