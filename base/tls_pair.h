/*
 * A certificate with its chain and its private key, from two PEM files. What
 * base/tls_server.c is made of, and nobody else sees.
 */
#ifndef BASE_TLS_PAIR_H
#define BASE_TLS_PAIR_H

#include "error.h"

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

struct tls_pair {
	X509 *certificate;
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
};

/* ERROR_CONFIG names the file at fault. The key must be the certificate's,
 * and not be encrypted. */
MUST_CHECK bool tls_pair_load(struct tls_pair *pair, const char *certificate,
    const char *key, struct error *err);
/* Frees what it holds; one of only zeros is fine. */
void tls_pair_free(struct tls_pair *pair);

/* Whether a client that asks for this host is content with it (RFC 6125). */
bool tls_pair_covers(const struct tls_pair *pair, const char *host);
/* Whether it covers a host of the other one. */
bool tls_pair_shares(const struct tls_pair *pair, const struct tls_pair *other);
/* When it ends: wall clock, milliseconds. */
int64_t tls_pair_expiry_ms(const struct tls_pair *pair);

#endif
