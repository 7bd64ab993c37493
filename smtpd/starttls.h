/*
 * TLS of a session: the verb, and the handshake that follows it or, on a
 * listener with TLS, the connection itself. For session.c, and for whoever
 * offers the verb.
 *
 * In STATE_HANDSHAKE nothing is heard but the handshake. It begins when all
 * that was said in plain text has left.
 */
#ifndef SMTPD_STARTTLS_H
#define SMTPD_STARTTLS_H

#include "base/tls.h"

#include <stdbool.h>

struct session;

/* Whether STARTTLS makes sense here and now. */
bool starttls_is_offered(const struct session *session);

/* Plain text ends; what the client said beyond it is dropped. */
void starttls_begin(struct session *session);
/* The socket is ready for the handshake. With TLS_DONE the session is new
 * again, as RFC 3207 wants it; with TLS_BROKEN, which was logged, it must
 * end. */
enum tls_progress starttls_go_on(struct session *session);

#endif
