/* SHA-256, piece by piece. */
#ifndef MAIL_DIGEST_H
#define MAIL_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_BYTES ((size_t)32)

/* All zero is one that was not begun. */
struct digest {
	struct evp_md_ctx_st *context;
};

/* Also again, after an end or instead of one. */
void digest_begin(struct digest *digest);
void digest_add(struct digest *digest, const void *bytes, size_t len);
void digest_end(struct digest *digest, uint8_t out[DIGEST_BYTES]);
void digest_free(struct digest *digest);

#endif
