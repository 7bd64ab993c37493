/*
 * The envelope header: the first header field of every file in the spool, at
 * offset 0. It carries the envelope and one status byte per recipient, so
 * that the index can be rebuilt from the files alone. INTERNALS.md, "The
 * file", draws it.
 *
 * Pure functions, any thread.
 */
#ifndef SPOOL_ENVELOPE_HEADER_H
#define SPOOL_ENVELOPE_HEADER_H

#include "base/arena.h"
#include "base/buf.h"
#include "envelope.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENVELOPE_HEADER_NAME "X-Elektrine-Spool"
/* Bytes of a content MAC (content_mac.h). */
#define ENVELOPE_HASH_BYTES 32
/* The first line, CRLF included: all widths in it are fixed. */
#define ENVELOPE_FIRST_LINE 116
/* Where the first status byte is: behind the first line and " s=". */
#define ENVELOPE_STATUS_OFFSET (ENVELOPE_FIRST_LINE + 3)

/* One byte per recipient, outside the hash, overwritten in place. */
enum status_byte {
	STATUS_QUEUED = 'Q',
	STATUS_DELIVERED = 'D',
	STATUS_DEAD = 'X',
	STATUS_CANCELLED = 'C',
	STATUS_HELD = 'H'
};

/* What the first line says. */
struct envelope_lengths {
	size_t header; /* of the envelope header: the trace starts here */
	size_t trace;  /* our Return-Path, Received, ... */
	uint64_t body; /* the sender's bytes */
	uint8_t hash[ENVELOPE_HASH_BYTES];
};

/* How many bytes to reserve in front of a message whose envelope and trace
 * are not known in full yet: recipients with their parameters, and
 * LIMIT_ENVELOPE_ROOM + LIMIT_TRACE for the rest. */
size_t envelope_header_reserve(const struct envelope *so_far);

/*
 * Appends the header to out, with all status bytes STATUS_QUEUED and the hash
 * left as zeros, padded so that header and trace together take exactly `total`
 * bytes (0: no padding). The spam report is cut first if it does not fit.
 * False: it does not fit even so.
 */
MUST_CHECK bool envelope_header_write(struct buf *out,
    const struct envelope *envelope, size_t trace_len, uint64_t body_len,
    size_t total, struct error *err);

/* The parts of a finished header that the hash covers, in this order after
 * body and trace: the first line up to the hash, and all behind the status
 * line. */
struct envelope_hashed {
	const char *first, *rest;
	size_t first_len, rest_len;
};
struct envelope_hashed envelope_header_hashed(const char *header, size_t len);
/* Puts the hash into its place in the first line. */
void envelope_header_set_hash(
    char *header, const uint8_t hash[ENVELOPE_HASH_BYTES]);

/* Reads the first line only: enough to know how much to read. `len` bytes are
 * there, at least ENVELOPE_FIRST_LINE or it is ERROR_CORRUPT. */
MUST_CHECK bool envelope_header_lengths(const char *bytes, size_t len,
    struct envelope_lengths *lengths, struct error *err);

/* Reads the whole header (lengths.header bytes) into arena memory.
 * *status points to one byte per recipient, also in the arena. */
MUST_CHECK bool envelope_header_read(const char *bytes, size_t len,
    struct arena *arena, struct envelope *envelope, const char **status,
    struct error *err);

#endif
