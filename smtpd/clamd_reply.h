/*
 * What clamd answers to a scan (clamd(8), INSTREAM): "stream: OK", "stream:
 * NAME FOUND", "... ERROR", with "N: " in front within a session. Pure.
 */
#ifndef SMTPD_CLAMD_REPLY_H
#define SMTPD_CLAMD_REPLY_H

#include "base/slice.h"
#include "bounds.h"

enum clamd_verdict {
	CLAMD_CLEAN,
	CLAMD_FOUND,  /* text: the signature's name */
	CLAMD_FAILED, /* text: what it says */
	CLAMD_NONSENSE
};

struct clamd_reply {
	enum clamd_verdict verdict;
	char text[LIMIT_FINDING_TEXT]; /* printable ASCII */
};

/* The answer, without the NUL that ends it, to the scan of this number; 0
 * outside of a session. */
void clamd_reply_parse(
    struct slice answer, unsigned number, struct clamd_reply *reply);

#endif
