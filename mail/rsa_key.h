/*
 * RSA public keys in DER, as key records have them: SubjectPublicKeyInfo
 * (RFC 5280), which everybody publishes, or the bare RSAPublicKey (RFC 8017)
 * that RFC 6376 section 3.6.1 speaks of. Pure. The decoders of OpenSSL 3.0 take
 * five times as long as checking a signature does.
 */
#ifndef MAIL_RSA_KEY_H
#define MAIL_RSA_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Two positive numbers, big-endian, in the bytes that were read; without
 * leading zeros. */
struct rsa_key {
	const uint8_t *modulus, *exponent;
	size_t modulus_len, exponent_len;
	unsigned modulus_bits, exponent_bits;
};

/* False if it is none, or anything follows it. */
bool rsa_key_read(const uint8_t *bytes, size_t len, struct rsa_key *key);

#endif
