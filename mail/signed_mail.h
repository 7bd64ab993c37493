/*
 * A message whose signatures are to be checked (mail/dkim.h, mail/arc.h): its
 * header in memory, its body read once, with all hashes made in that pass, and
 * the steps that DKIM and ARC share. One thread; blocks while keys are asked
 * for.
 */
#ifndef MAIL_SIGNED_MAIL_H
#define MAIL_SIGNED_MAIL_H

#include "base/arena.h"
#include "base/source.h"
#include "envelope.h"
#include "mail/body_hash.h"
#include "mail/lookup.h"
#include "mail/raw_header.h"
#include "mail/signature.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What verifying needs besides the message. A key is the TXT record of
 * "selector._domainkey.domain". */
struct key_source {
	const struct lookup *dns;
	int64_t now_s; /* wall clock, for t= and x= */
};

/* --- the message ------------------------------------------------------ */

struct signed_mail;

/* Reads the header, of at most LIMIT_HEADER_BLOCK bytes, and finds its
 * signatures. All of it is the arena's; the source must live as long. False if
 * it cannot be read. */
MUST_CHECK bool signed_mail_open(const struct source *source,
    struct arena *arena, struct signed_mail **mail, struct error *err);

const struct raw_header *signed_mail_header(const struct signed_mail *mail);
struct arena *signed_mail_arena(struct signed_mail *mail);
/* Why no signature can hold, whatever it says; NULL otherwise (static). */
const char *signed_mail_fault(const struct signed_mail *mail);

/* --- one signature ---------------------------------------------------- */

/* A DKIM-Signature or an ARC field, and what became of it. */
struct signature_verdict {
	struct signature signature;
	size_t field;      /* its index in the header */
	size_t hash;       /* of its body, by number; the mail's own */
	const char *fault; /* of its text; NULL: it could be read */

	enum auth_result result; /* AUTH_NONE: was not looked at */
	const char *why;         /* "" or a sentence, static */
	unsigned key_bits;       /* 0: not known */
	bool testing;            /* the key is one on trial (t=y) */
	/* Bytes of the canonical body that it does not cover (l=). */
	uint64_t uncovered;
};

/* The signatures of a kind, from the top; of DKIM-Signature at most
 * LIMIT_SIGNATURES, of ARC's fields at most LIMIT_ARC_SETS + 1. */
struct signature_set {
	struct signature_verdict *list;
	size_t count;
};
struct signature_set *signed_mail_signatures(
    struct signed_mail *mail, enum signature_kind kind);

/* Times, key, body and header of a DKIM or ARC message signature, which has no
 * fault. Fills in its result. False if the message cannot be read. */
MUST_CHECK bool signed_mail_verify(struct signed_mail *mail,
    struct signature_verdict *one, const struct key_source *keys,
    struct error *err);

/* Whether the signer may be testing only (RFC 6376 section 3.6.1, t=y), also
 * where the signature was found to be bad before its key was asked for: says
 * one of its keys, or none has an answer. */
bool signature_may_be_tested(const struct signature *signature,
    const struct lookup *dns, struct arena *arena);

/* The last step of it: asks for the signature's keys, and whether one of them
 * made it for this header hash. Fills in the result. */
void signature_check_keys(struct signature_verdict *one,
    const uint8_t digest[DIGEST_BYTES], const struct key_source *keys,
    struct arena *arena);

/* --- what is signed --------------------------------------------------- */

/* The hash of the fields that the signature names and of itself, which is the
 * field `self` of the header, or RAW_NONE if it is not there yet. */
void signed_mail_hash_header(struct signed_mail *mail,
    const struct signature *signature, size_t self, uint8_t out[DIGEST_BYTES]);

/* The hash of the whole body. Before any other is asked for. */
MUST_CHECK bool signed_mail_hash_body(struct signed_mail *mail,
    enum canonical kind, uint8_t out[DIGEST_BYTES], struct error *err);

#endif
