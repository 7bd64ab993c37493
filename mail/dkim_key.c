#include "mail/dkim_key.h"

#include "bounds.h"
#include "mail/tag_list.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

/* RFC 8463 section 4. */
#define ED25519_KEY ((size_t)32)
#define ED25519_BITS 256

/* --- the record --------------------------------------------------------- */

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
	flags = tag_list_get(&list, "t");
	key->testing = flags != NULL && tag_has_word(flags->value, "y");
	key->exact_domain = flags != NULL && tag_has_word(flags->value, "s");
	if (!tag_base64(data->value, arena, &bytes, &key->len))
		return "malformed key";
	key->bytes = bytes;
	return parse_type(tag_list_get(&list, "k"), &key->type);
}

/* --- the key ------------------------------------------------------------ */

/* SubjectPublicKeyInfo, as everybody publishes it, or the bare RSAPublicKey
 * that RFC 6376 section 3.6.1 speaks of. */
static EVP_PKEY *read_rsa(const struct dkim_key *key)
{
	const unsigned char *at = key->bytes;
	const unsigned char *end = key->bytes + key->len;
	EVP_PKEY *made = d2i_PUBKEY(NULL, &at, (long)key->len);

	if (made == NULL) {
		at = key->bytes;
		made = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)key->len);
	}
	if (made != NULL &&
	    (at != end || EVP_PKEY_get_base_id(made) != EVP_PKEY_RSA)) {
		EVP_PKEY_free(made);
		made = NULL;
	}
	return made;
}

static EVP_PKEY *read_key(const struct dkim_key *key)
{
	if (key->type == KEY_RSA)
		return read_rsa(key);
	if (key->len != ED25519_KEY)
		return NULL;
	return EVP_PKEY_new_raw_public_key(
	    EVP_PKEY_ED25519, NULL, key->bytes, key->len);
}

static bool has_short_exponent(const EVP_PKEY *key)
{
	BIGNUM *exponent = NULL;
	bool is_short =
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 &&
	    BN_num_bits(exponent) <= LIMIT_RSA_EXPONENT_BITS;

	BN_free(exponent);
	return is_short;
}

static const char *rsa_fault(const EVP_PKEY *key, unsigned bits)
{
	if (bits < LIMIT_RSA_BITS_LEAST)
		return "RSA key too short";
	if (bits > LIMIT_RSA_BITS)
		return "RSA key too long";
	return has_short_exponent(key) ? NULL : "RSA exponent too long";
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

static enum key_check check(EVP_PKEY *key, enum key_type type,
    const uint8_t digest[DIGEST_BYTES], const uint8_t *signature, size_t len,
    const char **why)
{
	bool good;

	*why = type == KEY_RSA
		   ? rsa_fault(key, (unsigned)EVP_PKEY_get_bits(key))
		   : NULL;
	if (*why != NULL)
		return KEY_UNUSABLE;
	good = type == KEY_RSA ? verify_rsa(key, digest, signature, len)
			       : verify_ed25519(key, digest, signature, len);
	return good ? KEY_GOOD : KEY_MISMATCH;
}

enum key_check dkim_key_check(const struct dkim_key *key,
    const uint8_t digest[DIGEST_BYTES], const uint8_t *signature, size_t len,
    unsigned *bits, const char **why)
{
	EVP_PKEY *made = read_key(key);
	enum key_check result = KEY_UNUSABLE;

	*why = "malformed key";
	*bits = 0;
	if (made != NULL) {
		*bits = key->type == KEY_RSA ? (unsigned)EVP_PKEY_get_bits(made)
					     : ED25519_BITS;
		result = check(made, key->type, digest, signature, len, why);
	}
	EVP_PKEY_free(made);
	/* What the library noted is of no interest to the next user. */
	ERR_clear_error();
	return result;
}
