/*
 * Who, from where, for whom, when, and what the checks said: everything that
 * is known of a message and is not in its bytes. It travels from smtpd or
 * httpapi into the spool, rests in the first header of the message's file,
 * and comes out again in front of a delivery.
 *
 * Strings are borrowed: whoever fills an envelope keeps them alive (an arena
 * does), whoever receives one copies what it keeps. NULL means unknown.
 */
#ifndef ELEKTRINE_ENVELOPE_H
#define ELEKTRINE_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A ULID: 48 bits of milliseconds, 80 random bits; 26 characters of
 * Crockford's base 32 as text. */
#define ID_BYTES 16
#define ID_TEXT 26

struct id {
	uint8_t bytes[ID_BYTES];
};

/* The way a message leaves: part of the on-disk format, never renumber. */
enum lane {
	LANE_WEBHOOK = 1, /* posted to Phoenix */
	LANE_SMTP = 2     /* sent to a remote MX */
};

/* RFC 8601 section 2.7; part of the on-disk format. */
enum auth_result {
	AUTH_NONE = 0,
	AUTH_PASS,
	AUTH_FAIL,
	AUTH_SOFTFAIL,
	AUTH_NEUTRAL,
	AUTH_TEMPERROR,
	AUTH_PERMERROR
};

enum spam_status { SPAM_UNKNOWN = 0, SPAM_HAM, SPAM_SPAM };

struct recipient {
	const char *address;     /* "user@example.com", without brackets */
	enum lane lane;          /* */
	const char *destination; /* lane smtp: the domain; webhook: NULL */
	const char *orcpt;       /* RFC 3461 ORCPT value as received, or NULL */
	unsigned notify;         /* RFC 3461 NOTIFY bits, 0 = not given */
};

/* What the checks said. All zero is "nothing was checked". */
struct check_results {
	enum auth_result spf, dkim, dmarc, arc;
	bool aligned; /* SPF or DKIM passed for the From's domain */
	enum spam_status spam;
	double spam_score, spam_threshold;
	const char *spam_report;        /* may be cut to fit */
	const char *spam_status_header; /* "Yes, score=..." */
};

/* What one check said, for the story of a message. */
struct check_finding {
	const char *check;  /* its name: "dnsbl" */
	const char *result; /* one word: "pass", "listed", "temperror" */
	const char *saw;    /* the answer, the list, the score; "" = nothing */
	int64_t duration_ms;
};

struct envelope {
	struct id id;
	const char *sender; /* "" is the null sender */
	const struct recipient *recipients;
	size_t recipient_count; /* 1 ... LIMIT_RECIPIENTS */
	int64_t received_ms;    /* wall clock, milliseconds since 1970 */

	const char *client_ip;   /* "192.0.2.1" or "2001:db8::1" */
	const char *client_name; /* confirmed reverse name */
	const char *helo;
	const char *protocol; /* RFC 3848: "ESMTP", "ESMTPS", "HTTP", ... */
	const char *tls;      /* "TLSv1.3 TLS_AES_256_GCM_SHA384" */

	bool authenticated;    /* by AUTH on submission, or by the send API */
	const char *auth_user; /* only with authenticated */
	bool smtputf8;         /* RFC 6531 */
	bool eight_bit;        /* BODY=8BITMIME, RFC 6152 */
	const char *envid;     /* RFC 3461 ENVID, or NULL */
	const char *ret;       /* RFC 3461 RET: "FULL", "HDRS" or NULL */

	const char *message_id;  /* Message-ID field without brackets */
	const char *imported_id; /* the id it had in the old queue, or NULL */
	struct check_results checks;
	/* In the order in which they were made; those that pass
	 * LIMIT_FINDINGS_ROOM are not kept. */
	const struct check_finding *findings;
	size_t finding_count;
};

#endif
