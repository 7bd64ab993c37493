/*
 * Scans by clamd, over connections that are kept (IDSESSION) and given to
 * whoever needs one. Any thread; blocks.
 */
#ifndef SMTPD_CLAMD_CLIENT_H
#define SMTPD_CLAMD_CLIENT_H

#include "base/source.h"
#include "base/stream.h"
#include "error.h"
#include "smtpd/clamd_reply.h"

#include <stdbool.h>

struct clamd;

struct clamd *clamd_new(void);
/* Nobody scans any more. Clears the pointer; NULL is fine. */
void clamd_free(struct clamd **clamd);

/* Has the message scanned by the clamd at this address. False if there is no
 * answer; one that makes no sense is CLAMD_NONSENSE. */
MUST_CHECK bool clamd_scan(struct clamd *clamd, const char *address,
    const struct source *message, const struct patience *patience,
    struct clamd_reply *reply, struct error *err);

#endif
