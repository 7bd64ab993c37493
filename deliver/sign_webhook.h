/*
 * Standard Webhooks signatures (standardwebhooks.com, version 1): HMAC-SHA256
 * over `<id>.<timestamp>.<body>` with WEBHOOK_SIGNING_SECRET. The secret is
 * base64, with or without "whsec_" in front, as the reference libraries read
 * it; what is not base64 is taken as it stands.
 */
#ifndef DELIVER_SIGN_WEBHOOK_H
#define DELIVER_SIGN_WEBHOOK_H

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>

/* "v1," and the base64 of 32 bytes, with its NUL. */
#define WEBHOOK_SIGNATURE_SIZE (3 + 44 + 1)

struct webhook_key; /* may be shared by threads */

struct webhook_key *webhook_key_new(const char *secret);
/* Wipes it. NULL is fine. */
void webhook_key_free(struct webhook_key **key);

/* One signature: begin, the body in pieces, end. */
struct webhook_signature {
	crypto_auth_hmacsha256_state state;
};

void webhook_signature_begin(struct webhook_signature *signature,
    const struct webhook_key *key, const char *id, int64_t timestamp_s);
void webhook_signature_add(
    struct webhook_signature *signature, const void *data, size_t len);
void webhook_signature_end(
    struct webhook_signature *signature, char out[WEBHOOK_SIGNATURE_SIZE]);

#endif
