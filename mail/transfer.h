/*
 * Content-Transfer-Encoding (RFC 2045 section 6) undone, piece by piece.
 * What is broken is decoded as far as it goes.
 */
#ifndef MAIL_TRANSFER_H
#define MAIL_TRANSFER_H

#include "base/buf.h"
#include "base/slice.h"
#include "mail/uuencode.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum transfer_encoding {
	TRANSFER_IDENTITY, /* 7bit, 8bit, binary, and what is unknown */
	TRANSFER_BASE64,
	TRANSFER_QUOTED_PRINTABLE,
	TRANSFER_UUENCODE
};

/* The encoding that a header value names. */
enum transfer_encoding transfer_named(struct slice value);

/* Open to be embedded; the fields are transfer.c's. */
struct transfer {
	enum transfer_encoding encoding;
	uint32_t bits; /* base64: of the group that is not full yet */
	int count;     /* base64: characters in it */
	bool ended;    /* base64: padding was seen */
	struct uuencode uuencode;
};

void transfer_open(struct transfer *transfer, enum transfer_encoding encoding);
/* Appends what the piece decodes to (never more bytes than it has). What its
 * end cuts (less than TRANSFER_CUT bytes) is left unread unless `last`: *used
 * says how much was taken. False if out's limit would be passed. */
#define TRANSFER_CUT ((size_t)256)
bool transfer_decode(struct transfer *transfer, const char *in, size_t len,
    bool last, struct buf *out, size_t *used);

/*
 * Base64 to base64: a body as one line of strict base64 without decoding it.
 * Characters outside of the alphabet are dropped, padding ends it, and the
 * last group is made whole: the same bytes as decoding and encoding would
 * give, at a fraction of the cost.
 */
struct transfer_copy {
	char group[4]; /* the group that is not full yet */
	size_t count;
	bool ended;
};

/* Appends whole groups; `last` ends it. False if out's limit would be
 * passed. */
bool transfer_copy_base64(struct transfer_copy *copy, const char *in,
    size_t len, bool last, struct buf *out);

/* How many characters of the alphabet stand before the padding. *ended is set
 * once padding was seen; then the rest counts nothing. */
size_t transfer_count_base64(const char *in, size_t len, bool *ended);
/* How many bytes so many characters decode to. */
uint64_t transfer_decoded_size(uint64_t characters);
/* How many characters so many bytes are encoded to, padding included. */
uint64_t transfer_encoded_size(uint64_t bytes);

#endif
