/*
 * What a check is: a file check_<name>.c with one function, and a row in the
 * table of smtpd/policy.c, which says at which stage it is made, in which
 * order, and whether it may block. This header is all that such a file needs.
 *
 * A check looks at the subject, and may leave three things: a finding (what it
 * saw, for the log and for `elektrine-spool trace`), results (for the checks
 * behind it, the envelope and the Authentication-Results line), and a refusal.
 * The first refusal ends the stage.
 *
 * A check that blocks runs as straight-line code on a thread of its service's
 * pool, while the session waits. All that the subject points to lives until it
 * returns, also when the session is gone by then.
 */
#ifndef SMTPD_CHECK_H
#define SMTPD_CHECK_H

#include "base/arena.h"
#include "base/dns.h"
#include "base/net.h"
#include "base/source.h"
#include "bounds.h"
#include "envelope.h"
#include "error.h"
#include "mail/address.h"
#include "mail/mime.h"
#include "smtpd/settings.h"
#include "verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct services;
struct signed_mail;

/* In the order in which they are reached. */
enum stage {
	STAGE_NONE,
	STAGE_CONNECT,  /* who comes */
	STAGE_GREETING, /* whether it can wait to be greeted */
	STAGE_HELO,     /* each EHLO or HELO */
	STAGE_MAIL,
	STAGE_RCPT,    /* each recipient that is new */
	STAGE_CONTENT, /* while the content comes, and at its end: pure; what
			* is refused here cannot be mended by more of it */
	STAGE_MESSAGE  /* once all of it is there */
};

/* What was noted of the content so far. */
struct content_facts {
	uint64_t size;
	bool bare_newline;
	uint64_t header_bytes;
	unsigned header_lines;
	unsigned received; /* Received fields */
	bool described;    /* see header_watch.h; if not, it is plain text */
	bool uuencoded;    /* a file may be in it: see uuencode_watch.h */
};

/* What checks found out of a client or a message. Strings live in the arena of
 * the subject that they were left in. All zero at first. */
struct results {
	struct check_results checks; /* the envelope's */
	/* What SPF says of the sender, also where CHECK_SPF is off; what it was
	 * asked for, and what that domain explains: NULL if it was not. */
	enum auth_result spf;
	const char *spf_domain, *spf_explanation;
	const char *client_name; /* confirmed reverse name, or NULL */
	/* "spf=pass smtp.mailfrom=a.example": RFC 8601 resinfo, in order. */
	const char *authentication[LIMIT_AUTHENTICATION];
	size_t authentication_count;
};

struct check_findings {
	struct check_finding
	    *items; /* malloc'd; their strings are in an arena */
	size_t count;
};

/* What a check may look at; what the stage has not reached is NULL or 0. */
struct subject {
	enum stage stage;
	struct settings *settings; /* read only */
	struct services *services; /* resolver, lists, ...; any thread */
	int64_t deadline_ms; /* clock_mono_ms(): all of this stage's checks */

	const char *session; /* for the log */
	struct ip ip;
	const char *ip_text;
	size_t early_bytes; /* GREETING: heard before it */
	const char *helo;
	bool extended; /* EHLO */

	const char *id;     /* MESSAGE */
	const char *sender; /* "local@domain"; "" is the null sender */
	const struct recipient *recipients; /* MESSAGE: those accepted */
	size_t recipient_count;
	const struct address *recipient;     /* RCPT: the one at hand */
	const struct content_facts *content; /* CONTENT, MESSAGE */
	struct source message;               /* MESSAGE: the content */
	const struct mime *mime; /* MESSAGE: its parts, behind `parts` */

	/* MESSAGE: what authentication.h opened, with what DKIM found; gone
	 * with the stage. */
	struct signed_mail *signed_mail;

	struct results results; /* what was left before, and is left now */

	/* --- private to check.c, policy.c and review.c --- */
	struct verdict verdict;
	struct check_findings findings;
	struct arena *arena;        /* NULL until something is kept */
	const struct check *check;  /* the one that is being made */
	struct check_finding found; /* its finding so far */
	size_t next;                /* row of the table */
	_Atomic bool forgotten;     /* nobody waits any more */
};

typedef void check_fn(struct subject *subject);

/* --- for checks ------------------------------------------------------- */

/* Memory that lives as long as what the check leaves. */
struct arena *check_arena(struct subject *subject);

/* The finding: `result` is one static word ("pass", "listed", "temperror"),
 * the text says what was seen (a DNS answer, a list, a score), cut to
 * LIMIT_FINDING_TEXT. A second call replaces it. */
void check_found(struct subject *subject, const char *result,
    const char *format, ...) PRINTF_LIKE(3, 4);

/* What several things said, for one finding: "one, two", cut as it is. All
 * zero at first. */
struct finding_text {
	char text[LIMIT_FINDING_TEXT + 1];
	size_t len;
};
void finding_add(struct finding_text *all, const char *format, ...)
    PRINTF_LIKE(2, 3);

/* Refuses, by a 4xx or 5xx code. enhanced and reason must be static. A finding
 * is made of it if there is none. */
void check_refuse(struct subject *subject, int code, const char *enhanced,
    const char *reason, const char *format, ...) PRINTF_LIKE(5, 6);

/* Adds a method to our Authentication-Results line: "spf=pass
 * smtp.mailfrom=a.example", safe to be written as it is; of at most
 * LIMIT_RESINFO bytes. */
void check_authenticates(struct subject *subject, const char *format, ...)
    PRINTF_LIKE(2, 3);

/* Milliseconds until the stage's deadline; 0 when it is over, or when nobody
 * waits for the result any more. What waits longer than a second for somebody
 * asks again. */
int64_t check_time_left_ms(const struct subject *subject);

/* Asks the DNS, in the time that is left; the records lie in check_arena().
 * Only checks of SERVICE_DNS, which may block. */
void check_ask(struct subject *subject, const char *name, enum dns_type type,
    struct dns_answer *answer);
/* Lets it be asked beside others; check_ask() gets the answer. */
void check_ask_ahead(
    struct subject *subject, const char *name, enum dns_type type);

/* --- for those who have them made ------------------------------------- */

/* Takes the findings of `from` over, at most LIMIT_FINDINGS in all; true if
 * any was taken. */
bool findings_take(
    struct check_findings *findings, struct check_findings *from);
void findings_free(struct check_findings *findings);

#endif
