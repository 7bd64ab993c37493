/*
 * The keyed hash that each message file carries: whether its bytes are those
 * that were stored, and whether it was this spool that wrote them.
 *
 * The body, which may be long, goes through a universal hash (Poly1305 under
 * a key of its own, four times as fast as BLAKE2b here); keyed BLAKE2b-256
 * covers its result and all the rest. The universal hash never leaves that,
 * so its key may serve for every message; two bodies of 64 MiB share a result
 * by a chance of one in 2^80, whoever chose them.
 *
 * No thread of its own: one context, one thread at a time.
 */
#ifndef SPOOL_CONTENT_MAC_H
#define SPOOL_CONTENT_MAC_H

#include "spool/envelope_header.h"

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>

#define SPOOL_KEY_BYTES 32

struct content_mac {
	crypto_onetimeauth_state body;
};

void content_mac_begin(
    struct content_mac *mac, const uint8_t key[SPOOL_KEY_BYTES]);
/* The body, in order, in pieces of any length. */
void content_mac_body(struct content_mac *mac, const void *data, size_t len);
/* What stands before the body: the header (as written, its hash and status
 * bytes of whatever value), and the trace. Ends the context. */
void content_mac_end(struct content_mac *mac,
    const uint8_t key[SPOOL_KEY_BYTES], const char *header, size_t header_len,
    const char *trace, size_t trace_len, uint8_t result[ENVELOPE_HASH_BYTES]);

#endif
