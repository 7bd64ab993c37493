/*
 * The sockets that we listen on: those of SMTP_LISTEN, or those that the
 * service manager passed in. All workers share them, so that a restart need
 * not miss a connection.
 */
#ifndef SMTPD_LISTENER_H
#define SMTPD_LISTENER_H

#include "base/config.h"
#include "error.h"

#include <stddef.h>

#define LISTENERS_MAX 16

struct listeners {
	int fds[LISTENERS_MAX];
	size_t count;
};

/* Opens and logs them. ERROR_CONFIG or ERROR_BUSY names the address. */
MUST_CHECK bool listeners_open(struct listeners *listeners,
    const struct config *config, struct error *err);
void listeners_close(struct listeners *listeners);

#endif
