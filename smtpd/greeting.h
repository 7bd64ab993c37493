/*
 * All that comes before the greeting: a proxy says whose connection it is
 * (PROXY_PROTOCOL_CIDRS), the checks of CONNECT are made, and the greeting
 * waits for those who cannot (EARLY_TALKER_MS). The session's thread only.
 *
 *   PROXY --header--> GREETING --checks, time--> NEW
 */
#ifndef SMTPD_GREETING_H
#define SMTPD_GREETING_H

#include "smtpd/session.h"

#include <stdbool.h>
#include <stddef.h>

/* For a session that has just been opened. */
void greeting_begin(struct session *session);

/* In STATE_PROXY: uses the header, if all of it is there. */
size_t greeting_feed(struct session *session, const char *bytes, size_t len);

/* Whether a client that speaks now is too early. */
bool greeting_is_waited_for(const struct session *session);
/* It has spoken. */
void greeting_heard(struct session *session, size_t len);

/* The session ends. */
void greeting_forget(struct session *session);

#endif
