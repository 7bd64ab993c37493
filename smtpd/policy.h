/*
 * What we take: for each stage of a session an ordered table of checks, each
 * in a file of its own (check_<name>.c), and one verdict. Pure.
 */
#ifndef SMTPD_POLICY_H
#define SMTPD_POLICY_H

#include "error.h"
#include "mail/address.h"
#include "smtpd/settings.h"
#include "verdict.h"

#include <stdbool.h>
#include <stdint.h>

/* In the order in which they are reached. */
enum stage {
	STAGE_NONE,
	STAGE_RECIPIENT, /* each RCPT */
	STAGE_CONTENT    /* while the content comes, and at its end: what is
			  * refused here cannot be mended by more of it */
};

/* What was noted of the content so far. */
struct content_facts {
	uint64_t size;
	bool bare_newline;
	uint64_t header_bytes;
	unsigned header_lines;
	unsigned received; /* Received fields */
};

/* What a check may look at; what the stage has not reached is NULL. */
struct subject {
	const struct settings *settings;
	const struct address *recipient;
	const struct content_facts *content;
};

/* Runs the stage's checks in order until one does not accept. */
void policy_judge(
    enum stage stage, const struct subject *subject, struct verdict *verdict);

/* For checks: a 5xx. enhanced and reason must be static. */
void verdict_reject(struct verdict *verdict, int code, const char *enhanced,
    const char *reason, const char *format, ...) PRINTF_LIKE(5, 6);

/* A check changes the verdict, which accepts, only to refuse. */
typedef void check_fn(const struct subject *subject, struct verdict *verdict);

check_fn check_recipient; /* is its domain one of ours */
check_fn check_newlines;  /* bare CR or LF in the content */
check_fn check_size;      /* of the message and of its header */
check_fn check_loop;      /* has it been received too often */

#endif
