#include "mail/dkim_key.h"

#include "bounds.h"
#include "mail/rsa_key.h"
#include "mail/tag_list.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

/* RFC 8463 section 4. */
#define ED25519_KEY ((size_t)32)
#define ED25519_BITS 256

/* --- the record ------------------------------------------------------- */

static const char *parse_type(const struct tag *tag, enum key_type *type)
{
	*type = KEY_RSA;
	if (tag == NULL || slice_equals(tag->value, "rsa"))
		return NULL;
	if (!slice_equals(tag->value, "ed25519"))
		return "key of unknown type";
	*type = KEY_ED25519;
	return NULL;
}

static bool serves_mail(const struct tag *tag)
{
	return tag == NULL || tag_has_word(tag->value, "*") ||
	       tag_has_word(tag->value, "email");
}

const char *dkim_key_parse(
    struct slice record, struct arena *arena, struct dkim_key *key)
{
	struct tag_list list;
	const struct tag *version, *hashes, *flags, *data;
	uint8_t *bytes;

	*key = (struct dkim_key){0};
	if (tag_list_parse(record, &list) != NULL)
		return "malformed key record";
	flags = tag_list_get(&list, "t");
	key->testing = flags != NULL && tag_has_word(flags->value, "y");
	key->exact_domain = flags != NULL && tag_has_word(flags->value, "s");
	version = tag_list_get(&list, "v");
	if (version != NULL && (version != &list.tags[0] ||
				   !slice_equals(version->value, "DKIM1")))
		return "key record of another version";
	data = tag_list_get(&list, "p");
	if (data == NULL)
		return "key record without a key";
	if (data->value.len == 0)
		return "key revoked";
	if (!serves_mail(tag_list_get(&list, "s")))
		return "key not meant for mail";
	hashes = tag_list_get(&list, "h");
	if (hashes != NULL && !tag_has_word(hashes->value, "sha256"))
		return "key not meant for SHA-256";
	if (!tag_base64(data->value, arena, &bytes, &key->len))
		return "malformed key";
	key->bytes = bytes;
	return parse_type(tag_list_get(&list, "k"), &key->type);
}

/* --- RSA -------------------------------------------------------------- */

static const char *rsa_fault(const struct rsa_key *key)
{
	if (key->modulus_bits < LIMIT_RSA_BITS_LEAST)
		return "RSA key too short";
	if (key->modulus_bits > LIMIT_RSA_BITS)
		return "RSA key too long";
	if (key->exponent_bits > LIMIT_RSA_EXPONENT_BITS)
		return "RSA exponent too long";
	return NULL;
}

/* The key for OpenSSL; NULL if the numbers make none. */
static EVP_PKEY *make_rsa(const struct rsa_key *key)
{
	BIGNUM *n = BN_bin2bn(key->modulus, (int)key->modulus_len, NULL);
	BIGNUM *e = BN_bin2bn(key->exponent, (int)key->exponent_len, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *numbers = NULL;
	EVP_PKEY *made = NULL;

	if (n != NULL && e != NULL && build != NULL && context != NULL &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		numbers = OSSL_PARAM_BLD_to_param(build);
	if (numbers == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &made, EVP_PKEY_PUBLIC_KEY, numbers) !=
		1)
		made = NULL;
	OSSL_PARAM_free(numbers);
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_BLD_free(build);
	BN_free(e);
	BN_free(n);
	return made;
}

static bool verify_rsa(EVP_PKEY *key, const uint8_t digest[DIGEST_BYTES],
    const uint8_t *signature, size_t len)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	bool good =
	    context != NULL && EVP_PKEY_verify_init(context) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
	    EVP_PKEY_verify(context, signature, len, digest, DIGEST_BYTES) == 1;

	EVP_PKEY_CTX_free(context);
	return good;
}

static enum key_check check_rsa(const struct dkim_key *key,
    const uint8_t digest[DIGEST_BYTES], const uint8_t *signature, size_t len,
    unsigned *bits, const char **why)
{
	struct rsa_key numbers;
	EVP_PKEY *made;
	bool good;

	*why = "malformed key";
	if (!rsa_key_read(key->bytes, key->len, &numbers))
		return KEY_UNUSABLE;
	*bits = numbers.modulus_bits;
	*why = rsa_fault(&numbers);
	if (*why != NULL)
		return KEY_UNUSABLE;
	made = make_rsa(&numbers);
	*why = made == NULL ? "malformed key" : "";
	good = made != NULL && verify_rsa(made, digest, signature, len);
	EVP_PKEY_free(made);
	if ((*why)[0] != '\0')
		return KEY_UNUSABLE;
	return good ? KEY_GOOD : KEY_MISMATCH;
}

/* --- Ed25519 ---------------------------------------------------------- */

/* RFC 8463 section 3: the hash is what is signed. */
static bool verify_ed25519(EVP_PKEY *key, const uint8_t digest[DIGEST_BYTES],
    const uint8_t *signature, size_t len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = context != NULL &&
		    EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
		    EVP_DigestVerify(
			context, signature, len, digest, DIGEST_BYTES) == 1;

	EVP_MD_CTX_free(context);
	return good;
}

static enum key_check check_ed25519(const struct dkim_key *key,
    const uint8_t digest[DIGEST_BYTES], const uint8_t *signature, size_t len,
    unsigned *bits, const char **why)
{
	EVP_PKEY *made = NULL;
	bool good;

	if (key->len == ED25519_KEY)
		made = EVP_PKEY_new_raw_public_key(
		    EVP_PKEY_ED25519, NULL, key->bytes, key->len);
	*why = "malformed key";
	if (made == NULL)
		return KEY_UNUSABLE;
	*bits = ED25519_BITS;
	*why = "";
	good = verify_ed25519(made, digest, signature, len);
	EVP_PKEY_free(made);
	return good ? KEY_GOOD : KEY_MISMATCH;
}

enum key_check dkim_key_check(const struct dkim_key *key,
    const uint8_t digest[DIGEST_BYTES], const uint8_t *signature, size_t len,
    unsigned *bits, const char **why)
{
	enum key_check result;

	*bits = 0;
	result = (key->type == KEY_RSA ? check_rsa : check_ed25519)(
	    key, digest, signature, len, bits, why);
	/* What the library noted is of no interest to the next user. */
	ERR_clear_error();
	return result;
}
