/*
 * What spamd answers to REPORT (SpamAssassin's spamd/PROTOCOL): a line of
 * status, headers of which Spam and Content-length matter, and the report.
 * Pure.
 */
#ifndef SMTPD_SPAMD_REPLY_H
#define SMTPD_SPAMD_REPLY_H

#include "base/buf.h"
#include "base/slice.h"

#include <stdbool.h>

struct spamd_reply {
	bool spam; /* score >= threshold, says spamd */
	double score, threshold;
	struct slice report; /* within the answer */
};

/* Reads a whole answer, up to its end. False if it is none, is cut off, or
 * tells of a failure. */
bool spamd_reply_parse(struct slice answer, struct spamd_reply *reply);

/* Appends the names of the tests that a report lists ("BAYES_00,DKIM_VALID"),
 * or "none". False if the limit would be passed; then it has some of them. */
bool spamd_reply_tests(struct slice report, struct buf *out);

#endif
