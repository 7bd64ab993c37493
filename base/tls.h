/*
 * TLS on a socket that does not block. This and base/tls_server.h are the only
 * users of OpenSSL's SSL interface.
 *
 * tls_read() and tls_write() answer as recv() and send() do, so that whoever
 * owns the socket need not care which of them it calls. A connection belongs
 * to one thread at a time. The process must ignore SIGPIPE.
 */
#ifndef BASE_TLS_H
#define BASE_TLS_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tls;
struct ssl_st;

/* The most that one record carries (RFC 8446 section 5.1). */
#define TLS_RECORD ((size_t)16 * 1024)

/* Wraps what tls_server made; takes it over. The socket stays the caller's,
 * and must outlive it. */
struct tls *tls_new(struct ssl_st **ssl, int fd);
/* Says good-bye to the peer, if that may still be done, and frees. Clears the
 * pointer; NULL is fine. */
void tls_free(struct tls **tls);

enum tls_progress {
	TLS_DONE,
	TLS_MORE,  /* when the socket may be used again: see tls_wants_room() */
	TLS_BROKEN /* err says why; ERROR_TEMPORARY */
};

/* Goes on with the handshake, which comes before all else. */
enum tls_progress tls_handshake(struct tls *tls, struct error *err);

/* As recv() into a place of at least TLS_RECORD: bytes; 0 at the end; -1 with
 * EAGAIN for now, EPROTO for good. Takes one record at a time and holds
 * nothing back: what is left to read shows on the socket. */
ssize_t tls_read(struct tls *tls, void *data, size_t len);
/* As send(). What was not taken must be offered again before anything else. */
ssize_t tls_write(struct tls *tls, const void *data, size_t len);
/* Whether it is room to write that a handshake or a read waits for. */
bool tls_wants_room(const struct tls *tls);
/* Tells the peer that nothing more will be said. */
void tls_shut(struct tls *tls);

/* "TLSv1.3 TLS_AES_256_GCM_SHA384", after the handshake. */
#define TLS_TEXT 64
void tls_describe(const struct tls *tls, char out[TLS_TEXT]);

#endif
