/*
 * Keeps the certificates of a TLS server as their files are: looks at them now
 * and then, and reads them when they have changed. A pair that cannot be used
 * is named in the log, and what was in use stays. The main loop's thread.
 */
#ifndef SMTPD_CERTIFICATES_H
#define SMTPD_CERTIFICATES_H

#include "base/config.h"
#include "base/loop.h"
#include "base/tls_server.h"
#include "error.h"

#include <stdbool.h>
#include <stdint.h>

struct certificates {
	struct tls_server *tls; /* owned; shared with the workers */
	const struct config *config;
	struct loop_timer *timer;
	uint64_t read;      /* fingerprint of the files when they were read */
	uint64_t last_seen; /* and when they were looked at last */
	int64_t read_ms;    /* clock_mono_ms() */
};

/* Reads them for the first time, perhaps as root. False with err if they
 * cannot be used; then there is no TLS until they can. The config must live
 * until the next certificates_reload(). */
bool certificates_open(struct certificates *certificates,
    const struct config *config, struct error *err);
void certificates_close(struct certificates *certificates);

/* For --check-config: whether they can be used. Those that cannot are faults
 * if SMTP_LISTEN asks for TLS, else warnings. */
void certificates_check(
    const struct config *config, struct config_report *report);

/* From now on they are looked at. */
void certificates_watch(struct certificates *certificates, struct loop *loop);
/* Reads those of this config, at once. */
void certificates_reload(
    struct certificates *certificates, const struct config *config);

#endif
