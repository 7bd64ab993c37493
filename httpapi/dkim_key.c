#include "httpapi/dkim_key.h"

#include "base/errors.h"
#include "bounds.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define RSA_MADE 2048

/* --- reading ---------------------------------------------------------- */

/* A key that wants a passphrase gets none, and nobody is asked for one. */
static int no_passphrase(char *text, int size, int writing, void *arg)
{
	(void)text;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static EVP_PKEY *parse(struct slice pem)
{
	BIO *bio =
	    pem.len <= INT_MAX ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
	EVP_PKEY *key = NULL;

	if (bio != NULL)
		key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	ERR_clear_error();
	return key;
}

static bool check_kind(
    EVP_PKEY *key, struct dkim_public *public, struct error *err)
{
	public->bits = (unsigned)EVP_PKEY_get_bits(key);
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) {
		public->kind = DKIM_ED25519;
		return true;
	}
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
		return error_set(err, ERROR_PERMANENT,
		    "is neither an RSA nor an Ed25519 key");
	public->kind = DKIM_RSA;
	if (public->bits > LIMIT_DKIM_BITS)
		return error_set(err, ERROR_PERMANENT,
		    "has %u bits; many receivers take no more than 4096, and "
		    "more than %d is not stored",
		    public->bits, LIMIT_DKIM_BITS);
	return true;
}

/* Signs and verifies, as it will be used. */
static bool works(EVP_PKEY *key, EVP_PKEY *public, enum dkim_kind kind)
{
	static const unsigned char text[] = "a test of the key";
	const EVP_MD *digest = kind == DKIM_RSA ? EVP_sha256() : NULL;
	unsigned char signature[LIMIT_DKIM_BITS / 8];
	size_t len = sizeof(signature);
	EVP_MD_CTX *sign = EVP_MD_CTX_new(), *verify = EVP_MD_CTX_new();
	bool good;

	good =
	    sign != NULL && verify != NULL &&
	    EVP_DigestSignInit(sign, NULL, digest, NULL, key) == 1 &&
	    EVP_DigestSign(sign, signature, &len, text, sizeof(text)) == 1 &&
	    EVP_DigestVerifyInit(verify, NULL, digest, NULL, public) == 1 &&
	    EVP_DigestVerify(verify, signature, len, text, sizeof(text)) == 1;
	EVP_MD_CTX_free(sign);
	EVP_MD_CTX_free(verify);
	ERR_clear_error();
	return good;
}

/* --- the public half -------------------------------------------------- */

static char *base64(const unsigned char *bytes, size_t len, struct arena *arena)
{
	char *text = arena_alloc(arena, 4 * ((len + 2) / 3) + 1);

	(void)EVP_EncodeBlock((unsigned char *)text, bytes, (int)len);
	return text;
}

/* RFC 6376 section 3.6.1; RFC 8463 section 4: the bare 32 bytes. */
static bool make_record(
    EVP_PKEY *key, struct dkim_public *public, struct arena *arena)
{
	unsigned char raw[64], *der = NULL;
	size_t raw_len = sizeof(raw);
	int len;

	if (public->kind == DKIM_ED25519) {
		if (EVP_PKEY_get_raw_public_key(key, raw, &raw_len) != 1)
			return false;
		public->record = arena_printf(arena, "v=DKIM1; k=ed25519; p=%s",
		    base64(raw, raw_len, arena));
		return true;
	}
	len = i2d_PUBKEY(key, &der);
	if (len <= 0)
		return false;
	public->record = arena_printf(
	    arena, "v=DKIM1; k=rsa; p=%s", base64(der, (size_t)len, arena));
	OPENSSL_free(der);
	return true;
}

/* Its PEM, and the same key as others see it; NULL if that cannot be. */
static EVP_PKEY *split_public(
    EVP_PKEY *key, struct dkim_public *public, struct arena *arena)
{
	BIO *bio = BIO_new(BIO_s_mem());
	EVP_PKEY *half = NULL;
	char *text;
	long len;

	if (bio != NULL && PEM_write_bio_PUBKEY(bio, key) == 1) {
		len = BIO_get_mem_data(bio, &text);
		public->pem = arena_strndup(arena, text, (size_t)len);
		half = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	}
	BIO_free(bio);
	return half;
}

bool dkim_key_read(struct slice pem, struct arena *arena,
    struct dkim_public *public, struct error *err)
{
	EVP_PKEY *key = parse(pem), *half = NULL;
	bool good;

	*public = (struct dkim_public){.pem = NULL};
	if (key == NULL)
		return error_set(err, ERROR_PERMANENT,
		    "is no private key in PEM without a passphrase");
	good = check_kind(key, public, err);
	if (good) {
		half = split_public(key, public, arena);
		good = half != NULL && make_record(key, public, arena) &&
		       works(key, half, public->kind);
		if (!good)
			(void)error_set(err, ERROR_PERMANENT,
			    "cannot sign: its parts do not belong together");
	}
	EVP_PKEY_free(half);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return good;
}

/* --- making ----------------------------------------------------------- */

bool dkim_key_make(enum dkim_kind kind, struct buf *pem, struct error *err)
{
	EVP_PKEY *key =
	    kind == DKIM_RSA
		? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_MADE)
		: EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text;
	long len;
	bool made = false;

	if (key != NULL && bio != NULL &&
	    PEM_write_bio_PKCS8PrivateKey(
		bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
		len = BIO_get_mem_data(bio, &text);
		made = buf_append(pem, text, (size_t)len);
	}
	BIO_free(bio);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return made || error_set(err, ERROR_TEMPORARY, "no key could be made");
}
