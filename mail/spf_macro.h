/* Macro strings of SPF (RFC 7208 section 7): their syntax, and what they stand
 * for. Pure, but for %{p}, which asks whoever expands. */
#ifndef MAIL_SPF_MACRO_H
#define MAIL_SPF_MACRO_H

#include "base/buf.h"
#include "base/net.h"
#include "base/slice.h"
#include "mail/domain.h"

#include <stdbool.h>
#include <stdint.h>

/* What the letters stand for. */
struct spf_values {
	const char *local;         /* l */
	const char *sender_domain; /* o; s is both */
	const char *domain;        /* d: the one whose record is evaluated */
	const char *helo;          /* h */
	const char *receiver;      /* r; NULL is "unknown" */
	struct ip ip;              /* i, c, v */
	int64_t now_s;             /* t */
	/* p: the validated name of the client, or "unknown". */
	const char *(*client_name)(void *arg);
	void *arg;
};

/* macro-string, as the value of a modifier that nobody knows. */
bool spf_macro_is_string(struct slice text);
/* domain-spec. */
bool spf_macro_is_domain(struct slice text);

/* Expands a domain-spec. What is longer than a name loses labels on its left
 * (section 7.3), and a dot at its end goes. False if it holds a local part
 * beyond ASCII (RFC 8616 section 4), or a domain that has no A-labels: such a
 * term matches nothing. The result may be no valid name: see
 * domain_is_valid(). */
bool spf_macro_expand_domain(
    struct slice spec, const struct spf_values *values, struct buf *out);

/* Expands an explain-string, as far as out's limit allows. False if its syntax
 * is wrong, or the result is not printable ASCII. */
bool spf_macro_expand_text(
    struct slice text, const struct spf_values *values, struct buf *out);

#endif
