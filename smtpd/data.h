/*
 * The content of a message, by DATA (RFC 5321) or BDAT (RFC 3030): from the
 * wire through the scanner into a draft of the spool, and its fate.
 */
#ifndef SMTPD_DATA_H
#define SMTPD_DATA_H

#include "error.h"
#include "smtpd/check.h"
#include "smtpd/data_scan.h"
#include "smtpd/header_watch.h"
#include "smtpd/uuencode_watch.h"
#include "spool/spool.h"
#include "verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;

struct content {
	struct draft *draft; /* NULL: not begun, or no longer wanted */
	struct data_scan scan;
	struct header_watch header;
	struct uuencode_watch uuencode;
	uint64_t size; /* bytes, also those that were not kept */
	/* Of what came so far; once it refuses, the rest is only read. */
	struct verdict verdict;
	bool told;          /* the log knows that it is refused */
	struct error error; /* of the spool, if that is why */
};

/* Frees what it holds; the draft is discarded. */
void content_free(struct content *content);

/* In STATE_CONTENT and STATE_CHUNK: takes bytes of content; the result is how
 * many belonged to it. At the end it moves the session on. */
size_t data_feed(struct session *session, const char *bytes, size_t len);

/* What was noted of the content so far. */
struct content_facts data_facts(const struct session *session);

/* Whether the client sends too slowly, now. */
bool data_is_too_slow(const struct session *session, int64_t now_ms);

#endif
