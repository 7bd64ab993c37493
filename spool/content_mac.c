#include "spool/content_mac.h"

#include <string.h>

static const unsigned char body_key_label[] = "elektrine-spool body key 1";

void content_mac_begin(
    struct content_mac *mac, const uint8_t key[SPOOL_KEY_BYTES])
{
	uint8_t body_key[crypto_onetimeauth_KEYBYTES];

	(void)crypto_generichash(body_key, sizeof(body_key), body_key_label,
	    sizeof(body_key_label) - 1, key, SPOOL_KEY_BYTES);
	(void)crypto_onetimeauth_init(&mac->body, body_key);
	sodium_memzero(body_key, sizeof(body_key));
}

void content_mac_body(struct content_mac *mac, const void *data, size_t len)
{
	(void)crypto_onetimeauth_update(&mac->body, data, len);
}

void content_mac_end(struct content_mac *mac,
    const uint8_t key[SPOOL_KEY_BYTES], const char *header, size_t header_len,
    const char *trace, size_t trace_len, uint8_t result[ENVELOPE_HASH_BYTES])
{
	struct envelope_hashed parts =
	    envelope_header_hashed(header, header_len);
	uint8_t body[crypto_onetimeauth_BYTES];
	crypto_generichash_state state;

	(void)crypto_onetimeauth_final(&mac->body, body);
	(void)crypto_generichash_init(
	    &state, key, SPOOL_KEY_BYTES, ENVELOPE_HASH_BYTES);
	(void)crypto_generichash_update(&state, body, sizeof(body));
	(void)crypto_generichash_update(
	    &state, (const unsigned char *)trace, trace_len);
	(void)crypto_generichash_update(
	    &state, (const unsigned char *)parts.first, parts.first_len);
	(void)crypto_generichash_update(
	    &state, (const unsigned char *)parts.rest, parts.rest_len);
	(void)crypto_generichash_final(&state, result, ENVELOPE_HASH_BYTES);
}
