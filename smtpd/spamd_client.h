/* Reports by spamd, each over a connection of its own. Any thread; blocks. */
#ifndef SMTPD_SPAMD_CLIENT_H
#define SMTPD_SPAMD_CLIENT_H

#include "base/buf.h"
#include "base/slice.h"
#include "base/source.h"
#include "base/stream.h"
#include "error.h"
#include "smtpd/spamd_reply.h"

#include <stdbool.h>

/* Has the message, with our trace lines in front of it, judged by the spamd
 * at this address. The answer, which is empty, gets what came, and the reply
 * points into it. False if there is no answer, or none that makes sense. */
MUST_CHECK bool spamd_report(const char *address, struct slice trace,
    const struct source *message, const struct patience *patience,
    struct buf *answer, struct spamd_reply *reply, struct error *err);

#endif
