/*
 * A private DKIM key: read, judged and made. A key that is here works: it has
 * signed something, and its public half agreed.
 */
#ifndef HTTPAPI_DKIM_KEY_H
#define HTTPAPI_DKIM_KEY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "error.h"

#include <stdbool.h>

enum dkim_kind { DKIM_RSA, DKIM_ED25519 };

/* Strings are the arena's. */
struct dkim_public {
	enum dkim_kind kind;
	unsigned bits;
	const char *pem;    /* "-----BEGIN PUBLIC KEY-----..." */
	const char *record; /* "v=DKIM1; k=rsa; p=..." */
};

/* RSA of fewer bits is read, and not to be stored any more. */
#define DKIM_LEAST_BITS 2048

/* Reads a private key in PEM, without a passphrase: RSA or Ed25519.
 * ERROR_PERMANENT says why it cannot be used. */
MUST_CHECK bool dkim_key_read(struct slice pem, struct arena *arena,
    struct dkim_public *public, struct error *err);

/* Makes one: RSA of 2048 bits (that is what fits everywhere), or Ed25519.
 * Appends it in PEM; wipe it. */
MUST_CHECK bool dkim_key_make(
    enum dkim_kind kind, struct buf *pem, struct error *err);

#endif
