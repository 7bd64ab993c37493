#include "mail/rsa_key.h"

#include <string.h>

#define INTEGER 0x02
#define BIT_STRING 0x03
#define NULL_VALUE 0x05
#define OBJECT 0x06
#define SEQUENCE 0x30

/* 1.2.840.113549.1.1.1, rsaEncryption (RFC 8017 appendix C). */
static const uint8_t rsa_encryption[] = {
    0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01};

struct der {
	const uint8_t *at;
	size_t left;
};

static bool take_byte(struct der *der, size_t *byte)
{
	if (der->left == 0)
		return false;
	*byte = *der->at++;
	der->left--;
	return true;
}

/* X.690 section 8.1.3; two bytes are enough for any key. */
static bool take_length(struct der *der, size_t *len)
{
	size_t high;

	if (!take_byte(der, len))
		return false;
	if (*len < 0x80)
		return true;
	if (*len == 0x81)
		return take_byte(der, len);
	if (*len != 0x82 || !take_byte(der, &high) || !take_byte(der, len))
		return false;
	*len |= high << 8;
	return true;
}

/* Takes an element of this tag off the front. */
static bool take(struct der *der, size_t wanted, struct der *inside)
{
	size_t tag, len;

	if (!take_byte(der, &tag) || tag != wanted || !take_length(der, &len) ||
	    len > der->left)
		return false;
	*inside = (struct der){der->at, len};
	der->at += len;
	der->left -= len;
	return true;
}

static bool take_number(
    struct der *der, const uint8_t **number, size_t *len, unsigned *bits)
{
	struct der inside;

	if (!take(der, INTEGER, &inside) || inside.left == 0 ||
	    (inside.at[0] & 0x80) != 0)
		return false;
	while (inside.left > 0 && inside.at[0] == 0) {
		inside.at++;
		inside.left--;
	}
	if (inside.left == 0)
		return false;
	*number = inside.at;
	*len = inside.left;
	*bits = (unsigned)inside.left * 8;
	for (unsigned first = inside.at[0]; (first & 0x80) == 0; first <<= 1)
		(*bits)--;
	return true;
}

static bool read_numbers(struct der der, struct rsa_key *key)
{
	struct der inside;

	return take(&der, SEQUENCE, &inside) && der.left == 0 &&
	       take_number(&inside, &key->modulus, &key->modulus_len,
		   &key->modulus_bits) &&
	       take_number(&inside, &key->exponent, &key->exponent_len,
		   &key->exponent_bits) &&
	       inside.left == 0;
}

static bool is_rsa(struct der algorithm)
{
	struct der name, parameters;

	return take(&algorithm, OBJECT, &name) &&
	       name.left == sizeof(rsa_encryption) &&
	       memcmp(name.at, rsa_encryption, name.left) == 0 &&
	       (algorithm.left == 0 ||
		   (take(&algorithm, NULL_VALUE, &parameters) &&
		       parameters.left == 0 && algorithm.left == 0));
}

static bool read_info(struct der der, struct rsa_key *key)
{
	struct der inside, algorithm, bits;
	size_t unused;

	return take(&der, SEQUENCE, &inside) && der.left == 0 &&
	       take(&inside, SEQUENCE, &algorithm) && is_rsa(algorithm) &&
	       take(&inside, BIT_STRING, &bits) && inside.left == 0 &&
	       take_byte(&bits, &unused) && unused == 0 &&
	       read_numbers(bits, key);
}

bool rsa_key_read(const uint8_t *bytes, size_t len, struct rsa_key *key)
{
	struct der der = {bytes, len};

	return read_info(der, key) || read_numbers(der, key);
}
