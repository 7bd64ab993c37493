/*
 * Public keys as DNS has them (RFC 6376 section 3.6, RFC 8301, RFC 8463):
 * `v=DKIM1; k=rsa; p=MIIB...`. Pure.
 */
#ifndef MAIL_DKIM_KEY_H
#define MAIL_DKIM_KEY_H

#include "base/arena.h"
#include "base/slice.h"
#include "mail/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key_type { KEY_RSA, KEY_ED25519 };

/* A key record that can be used for mail. */
struct dkim_key {
	enum key_type type;
	bool testing;      /* t=y */
	bool exact_domain; /* t=s: i= must have the domain of d= */
	const uint8_t *bytes;
	size_t len;
};

/* Reads a record, of which all strings of the TXT were joined. NULL, or why it
 * is of no use (static); its flags are known all the same, if it is a list of
 * tags. The bytes are the arena's. */
const char *dkim_key_parse(
    struct slice record, struct arena *arena, struct dkim_key *key);

enum key_check {
	KEY_GOOD,
	KEY_MISMATCH, /* the key did not make this signature */
	KEY_UNUSABLE  /* *why says what is wrong with the key */
};

/* Whether the key made the signature of this SHA-256. *bits is its size, if
 * that is known. The work is bounded, whatever the key. */
enum key_check dkim_key_check(const struct dkim_key *key,
    const uint8_t digest[DIGEST_BYTES], const uint8_t *signature, size_t len,
    unsigned *bits, const char **why);

#endif
