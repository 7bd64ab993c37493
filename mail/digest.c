#include "mail/digest.h"

#include "base/errors.h"

#include <openssl/evp.h>

void digest_begin(struct digest *digest)
{
	if (digest->context == NULL)
		digest->context = EVP_MD_CTX_new();
	if (digest->context == NULL ||
	    EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1)
		fatal("SHA-256 is not available");
}

void digest_add(struct digest *digest, const void *bytes, size_t len)
{
	if (EVP_DigestUpdate(digest->context, bytes, len) != 1)
		fatal("SHA-256 failed");
}

void digest_end(struct digest *digest, uint8_t out[DIGEST_BYTES])
{
	if (EVP_DigestFinal_ex(digest->context, out, NULL) != 1)
		fatal("SHA-256 failed");
}

void digest_free(struct digest *digest)
{
	EVP_MD_CTX_free(digest->context);
	digest->context = NULL;
}
