/*
 * All that comes before the greeting: a proxy says whose connection it is
 * (PROXY_PROTOCOL_CIDRS), the checks of CONNECT are made, and the greeting
 * waits for those who cannot (EARLY_TALKER_MS). The session's thread only.
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

/* Whether a client that speaks now is too early. */
bool greeting_is_waited_for(const struct session *session);
/* It has spoken. */
void greeting_heard(struct session *session, size_t len);

/* The session ends. */
void greeting_forget(struct session *session);

#endif
