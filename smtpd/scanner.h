/* What the checks that ask a scanner share. */
#ifndef SMTPD_SCANNER_H
#define SMTPD_SCANNER_H

#include "base/stream.h"
#include "smtpd/check.h"

/* The patience of one check: its own limit, and what is left of the stage. */
struct scanner_wait {
	const struct subject *subject;
	int64_t end_ms; /* clock_mono_ms() */
};

/* Begins now. The wait must live as long as the patience is used. */
struct patience scanner_patience(
    struct scanner_wait *wait, const struct subject *subject, int64_t limit_ms);

#endif
