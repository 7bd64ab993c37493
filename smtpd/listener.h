/*
 * The sockets that we listen on: those of SMTP_LISTEN, or those that the
 * service manager passed in. All workers share them, so that a restart need
 * not miss a connection.
 */
#ifndef SMTPD_LISTENER_H
#define SMTPD_LISTENER_H

#include "base/config.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>

#define LISTENERS_MAX 16

struct listener {
	int fd;
	bool tls; /* from the first byte */
};

struct listeners {
	struct listener all[LISTENERS_MAX];
	size_t count;
};

/* Opens and logs them. ERROR_CONFIG or ERROR_BUSY names the address. A socket
 * that was passed in has TLS if SMTP_LISTEN has a tls: entry of its port. */
MUST_CHECK bool listeners_open(struct listeners *listeners,
    const struct config *config, struct error *err);
void listeners_close(struct listeners *listeners);
/* Whether one of them has TLS from the first byte. */
bool listeners_need_tls(const struct listeners *listeners);

#endif
