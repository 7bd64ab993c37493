/*
 * Signing (RFC 6376 section 5, RFC 8463): makes the DKIM-Signature field that
 * goes on top of a message. Pure but for the signature itself, which is the
 * same for the same message, key and time.
 */
#ifndef MAIL_DKIM_SIGN_H
#define MAIL_DKIM_SIGN_H

#include "base/buf.h"
#include "base/source.h"
#include "mail/canonical.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A private key with its names. Never changes: any thread. */
struct dkim_signer;

/* Reads a key in PEM: RSA of 1024 bits or more, or Ed25519. The domain and the
 * selector are copied. ERROR_CONFIG if they or the key cannot be used. */
MUST_CHECK bool dkim_signer_new(const char *domain, const char *selector,
    const char *pem, size_t len, struct dkim_signer **signer,
    struct error *err);
/* Wipes the key, clears the pointer; NULL is fine. */
void dkim_signer_free(struct dkim_signer **signer);

/* A name of the list, and whether it is named once more than it occurs, so
 * that no such field can be added (RFC 6376 section 8.15). */
struct dkim_signed_name {
	const char *name;
	bool sealed;
};

struct dkim_sign_options {
	enum canonical header, body;
	int64_t now_s;        /* t=; 0: none */
	int64_t lifetime_s;   /* x= is so much later; 0: none */
	const char *identity; /* i=, of the domain or below it; NULL: none */
	/* What is signed of what the message has. From is always, and always
	 * sealed. NULL: what RFC 6376 section 5.4.1 recommends. */
	const struct dkim_signed_name *names;
	size_t name_count;
};

/* Appends one field for each signer, CRLF included; the body is read once.
 * ERROR_PERMANENT if the message has no From or is no message, ERROR_CONFIG if
 * the options are wrong, ERROR_LIMIT if out's limit would be passed; also what
 * the source says. */
MUST_CHECK bool dkim_sign(const struct source *message,
    struct dkim_signer *const signers[], size_t count,
    const struct dkim_sign_options *options, struct buf *out,
    struct error *err);

#endif
