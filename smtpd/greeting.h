/*
 * All that comes before the greeting: a proxy says whose connection it is
 * (PROXY_PROTOCOL_CIDRS), the checks of CONNECT are made, and the greeting
 * waits for those who cannot (EARLY_TALKER_MS). Checks that take long (a name
 * server of the client's that is slow) hold up not the greeting but the first
 * MAIL, which is refused then. The session's thread only.
 *
 *   PROXY --header--> HANDSHAKE (with TLS) --> GREETING --checks, time--> NEW
 */
#ifndef SMTPD_GREETING_H
#define SMTPD_GREETING_H

#include "smtpd/session.h"

#include <stdbool.h>
#include <stddef.h>

/* For a session that has just been opened; with `tls` it begins with a
 * handshake, behind what a proxy may say. */
void greeting_begin(struct session *session, bool tls);

/* In STATE_PROXY: there is something to read. */
void greeting_read(struct session *session);

/* When the client can hear it: makes the checks, and greets in time. */
void greeting_wait(struct session *session);

/* In STATE_CHECKING, now and then: greets if the checks of CONNECT take longer
 * than LIMIT_GREETING_MS. False if that is not what is waited for. */
bool greeting_hurry(struct session *session);

/* Whether a client that speaks now is too early. */
bool greeting_is_waited_for(const struct session *session);
/* It has spoken. */
void greeting_heard(struct session *session, size_t len);

/* The session ends. */
void greeting_forget(struct session *session);

#endif
