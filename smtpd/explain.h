/*
 * What the checks would say of a mail, without one being sent: all stages in
 * their order in this thread, each from where the one before it left off, also
 * behind one that refuses; but of a message that is too large no more is told.
 */
#ifndef SMTPD_EXPLAIN_H
#define SMTPD_EXPLAIN_H

#include "smtpd/check.h"
#include "smtpd/services.h"

#include <stdbool.h>

struct explain_query {
	struct ip ip;
	const char *helo;
	const char *sender; /* "" is the null sender */
	struct address recipient;
	const struct source *message; /* lines end in CRLF; NULL: none */
};

/* A stage that was gone through; everything is borrowed for the call. */
struct explained {
	const char *stage; /* "connect", "helo", ... */
	const struct check_findings *findings;
	const struct verdict *verdict;
};

typedef void explain_fn(void *arg, const struct explained *explained);

/* Tells of each stage. False if the message cannot be read. */
MUST_CHECK bool explain(struct settings *settings, struct services *services,
    const struct explain_query *query, explain_fn *tell, void *arg,
    struct error *err);

#endif
