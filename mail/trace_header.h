/*
 * The header lines that we put in front of a message: Return-Path and
 * Received (RFC 5321 section 4.4), Authentication-Results (RFC 8601). Pure.
 */
#ifndef MAIL_TRACE_HEADER_H
#define MAIL_TRACE_HEADER_H

#include "base/buf.h"
#include "envelope.h"

#include <stdbool.h>
#include <stdint.h>

/* What a Received field tells. Strings are NUL-terminated; NULL means unknown.
 * What a stranger wrote (helo) is made harmless. */
struct received {
	const char *helo;
	const char *client_name; /* confirmed reverse name */
	const char *client_ip;
	const char *host;     /* our name */
	const char *protocol; /* "ESMTP" (RFC 3848, RFC 6531) */
	const char *tls;      /* "TLSv1.3 TLS_AES_256_GCM_SHA384" */
	const char *id;
	const char *recipient; /* only if it is the only one */
	int64_t when_ms;       /* wall clock */
};

/* Append the field with its CRLF. False if the buf's limit would be passed
 * (then it may hold a part). */
bool trace_return_path(struct buf *out, const char *sender);
bool trace_received(struct buf *out, const struct received *received);
/* `methods` are resinfos, "spf=pass smtp.mailfrom=a.example", written as they
 * are, each on a line of its own; without any there is no field. */
bool trace_authentication(struct buf *out, const char *host,
    const char *const *methods, size_t count);

/* "pass", "fail", ... (RFC 8601 section 2.7). Static. */
const char *auth_result_name(enum auth_result result);

#endif
