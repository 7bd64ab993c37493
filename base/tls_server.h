/*
 * The certificates that we show to clients, and what TLS we speak with them:
 * TLS 1.2 and 1.3, ECDHE, AEAD, in our order of preference; session tickets
 * instead of a cache; no client certificates, no renegotiation.
 *
 * Thread-safe: connections are made on any thread while another one brings
 * new certificates in. A connection keeps those that it began with.
 */
#ifndef BASE_TLS_SERVER_H
#define BASE_TLS_SERVER_H

#include "base/config.h"
#include "base/tls.h"
#include "error.h"

#include <stdbool.h>
#include <stdint.h>

struct tls_server;

/* One without a certificate. */
struct tls_server *tls_server_new(void);
/* Clears the pointer; NULL is fine. */
void tls_server_free(struct tls_server **server);

/* Reads the pairs of files, PEM, and uses them from now on; at least one, and
 * as many keys as certificates. A client is shown those that cover the name
 * it asks for, or else the first one; of several that do (RSA and ECDSA, say)
 * it gets the one that it understands. On failure everything stays as it was,
 * and ERROR_CONFIG names the file. */
MUST_CHECK bool tls_server_load(struct tls_server *server,
    const struct list *certificates, const struct list *keys,
    struct error *err);
/* Whether there is a certificate. */
bool tls_server_is_ready(const struct tls_server *server);
/* When the first of them ends: wall clock in milliseconds, 0 without one. */
int64_t tls_server_expiry_ms(const struct tls_server *server);

/* Our side of a new connection; only if it is ready. */
struct tls *tls_server_accept(struct tls_server *server, int fd);

#endif
