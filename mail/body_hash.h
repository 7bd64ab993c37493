/*
 * The hashes of a body that signatures ask for, all of them made in one pass:
 * SHA-256 of a canonical form, of all of it or of its first bytes (l=). Pure.
 *
 * Ask for all of them first, then run.
 */
#ifndef MAIL_BODY_HASH_H
#define MAIL_BODY_HASH_H

#include "base/arena.h"
#include "base/source.h"
#include "mail/canonical.h"
#include "mail/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No l= tag. */
#define BODY_WHOLE UINT64_MAX

struct body_hashes;

struct body_hash {
	uint8_t digest[DIGEST_BYTES];
	uint64_t hashed; /* canonical bytes that it covers; less than asked
			  * for if there are no more */
	uint64_t length; /* of the canonical body */
};

/* All of it is the arena's. */
struct body_hashes *body_hashes_new(struct arena *arena);

/* Returns its number; equal wishes share one. */
size_t body_hashes_ask(
    struct body_hashes *hashes, enum canonical kind, uint64_t first);

/* Reads the source from `offset` to its end, once, however often it is
 * called. False if it cannot be read. */
MUST_CHECK bool body_hashes_run(struct body_hashes *hashes,
    const struct source *source, uint64_t offset, struct error *err);

/* After the run. */
const struct body_hash *body_hashes_get(
    const struct body_hashes *hashes, size_t number);

#endif
