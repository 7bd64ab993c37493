#include "deliver/sign_webhook.h"

#include "base/alloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "whsec_"

struct webhook_key {
	size_t len;
	unsigned char bytes[];
};

struct webhook_key *webhook_key_new(const char *secret)
{
	size_t whole = strlen(secret);
	size_t prefix =
	    strncmp(secret, PREFIX, strlen(PREFIX)) == 0 ? strlen(PREFIX) : 0;
	struct webhook_key *key = xcalloc(1, sizeof(*key) + whole + 1);

	if (sodium_base642bin(key->bytes, whole, secret + prefix,
		whole - prefix, NULL, &key->len, NULL,
		sodium_base64_VARIANT_ORIGINAL) == 0 &&
	    key->len > 0)
		return key;
	key->len = whole;
	memcpy(key->bytes, secret, whole);
	return key;
}

void webhook_key_free(struct webhook_key **key)
{
	if (*key == NULL)
		return;
	sodium_memzero((*key)->bytes, (*key)->len);
	free(*key);
	*key = NULL;
}

void webhook_signature_begin(struct webhook_signature *signature,
    const struct webhook_key *key, const char *id, int64_t timestamp_s)
{
	char timestamp[24];
	int len = snprintf(
	    timestamp, sizeof(timestamp), ".%" PRId64 ".", timestamp_s);

	(void)crypto_auth_hmacsha256_init(
	    &signature->state, key->bytes, key->len);
	webhook_signature_add(signature, id, strlen(id));
	webhook_signature_add(signature, timestamp, (size_t)len);
}

void webhook_signature_add(
    struct webhook_signature *signature, const void *data, size_t len)
{
	(void)crypto_auth_hmacsha256_update(&signature->state, data, len);
}

void webhook_signature_end(
    struct webhook_signature *signature, char out[WEBHOOK_SIGNATURE_SIZE])
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];

	(void)crypto_auth_hmacsha256_final(&signature->state, mac);
	memcpy(out, "v1,", 3);
	(void)sodium_bin2base64(out + 3, WEBHOOK_SIGNATURE_SIZE - 3, mac,
	    sizeof(mac), sodium_base64_VARIANT_ORIGINAL);
}
