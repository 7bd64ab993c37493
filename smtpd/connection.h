/*
 * The socket of a session, without blocking: what came and was not used yet,
 * what was said and not taken yet. Both are empty, and cost no memory, while
 * the client is idle.
 */
#ifndef SMTPD_CONNECTION_H
#define SMTPD_CONNECTION_H

#include "base/buf.h"
#include "base/loop.h"
#include "base/tls.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>

struct worker;

struct connection {
	struct worker *worker;
	int fd; /* -1: closed */
	struct loop_watch *watch;
	struct tls *tls;   /* NULL: in plain text */
	struct buf unread; /* at most WORKER_READ_SIZE */
	struct buf unsent;
};

enum arrival { ARRIVAL_BYTES, ARRIVAL_NONE, ARRIVAL_END };

/* Takes the socket over and watches it for input, in plain text. */
void connection_open(struct connection *connection, struct worker *worker,
    int fd, loop_watch_fn *on_ready, void *arg);
/* Closing twice is fine. */
void connection_close(struct connection *connection);

/* From now on everything is TLS; what is kept of the plain text is dropped
 * (RFC 3207 section 4.2). Nothing may be unsent. */
void connection_start_tls(struct connection *connection);
/* Goes on with the handshake, and waits for what it needs. */
enum tls_progress connection_handshake(
    struct connection *connection, struct error *err);

/* One read(). The bytes, those kept before in front, lie in the worker's
 * memory until its next read. ARRIVAL_END: the peer is gone or said all. */
enum arrival connection_read(
    struct connection *connection, char **bytes, size_t *len);
/* The kept bytes alone, without reading. */
void connection_take_unread(
    struct connection *connection, char **bytes, size_t *len);
/* For what must not be read beyond its end: as connection_read(), in plain
 * text, but what is new stays in the socket. */
enum arrival connection_peek(
    struct connection *connection, char **bytes, size_t *len);
/* Keeps the first `len` of the bytes that were peeked at, and no more. */
void connection_hold(struct connection *connection, size_t len);
/* While the client has to wait: whether it has gone, and left nothing to be
 * heard. What it says is kept, a record of it at most. */
bool connection_is_abandoned(struct connection *connection);
/* Keeps bytes of the worker's memory for later. */
void connection_keep(
    struct connection *connection, const char *bytes, size_t len);

/* Sends what the worker's `out` holds, behind what waits; what is not taken
 * at once waits. False if the peer is gone. */
MUST_CHECK bool connection_flush(struct connection *connection);
bool connection_is_stuck(const struct connection *connection);

/* Says nothing more; the peer may still be heard. */
void connection_shut(struct connection *connection);
/* Waits for room if something is unsent, else for input. */
void connection_wait(struct connection *connection);
/* Hears nothing until the next connection_wait(). */
void connection_pause(struct connection *connection);

#endif
