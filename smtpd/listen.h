/* The sockets that strangers come to. */
#ifndef SMTPD_LISTEN_H
#define SMTPD_LISTEN_H

#include "base/config.h"
#include "base/listeners.h"

/* Those of SMTP_LISTEN, or those that were passed in. */
MUST_CHECK bool smtpd_listen(const struct config *config,
    struct listeners *listeners, struct error *err);

/* Whether SMTP_LISTEN has an address with TLS from the first byte. */
bool smtpd_listen_needs_tls(const struct config *config);

#endif
