#include "forge.h"

#include "base/errors.h"
#include "mail/canonical.h"
#include "mail/signed_mail.h"

#include <assert.h>
#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX ((size_t)1024 * 1024)
#define NONSENSE "AAAA"

static EVP_PKEY *read_key(const char *name)
{
	char path[512];
	EVP_PKEY *key = NULL;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s.pem", KEYS, name);
	file = fopen(path, "r");
	if (file != NULL) {
		key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
		(void)fclose(file);
	}
	return key;
}

static char *base64(const unsigned char *bytes, size_t len, struct arena *arena)
{
	unsigned char *out = arena_alloc(arena, (len + 2) / 3 * 4 + 1);

	(void)EVP_EncodeBlock(out, bytes, (int)len);
	return (char *)out;
}

static char *replace(
    const char *text, const char *what, const char *by, struct arena *arena)
{
	struct buf out = buf_new(TEXT_MAX);
	const char *at;
	char *copy;

	while ((at = strstr(text, what)) != NULL) {
		(void)buf_append(&out, text, (size_t)(at - text));
		(void)buf_append_text(&out, by);
		text = at + strlen(what);
	}
	(void)buf_append_text(&out, text);
	copy = arena_strdup(arena, buf_text(&out));
	buf_free(&out);
	return copy;
}

/* --- signing ---------------------------------------------------------- */

static char *sign(
    EVP_PKEY *key, const uint8_t digest[DIGEST_BYTES], struct arena *arena)
{
	unsigned char signature[2048];
	size_t len = sizeof(signature);
	EVP_PKEY_CTX *rsa = NULL;
	EVP_MD_CTX *edwards = EVP_MD_CTX_new();
	bool good;

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
		rsa = EVP_PKEY_CTX_new(key, NULL);
		good = EVP_PKEY_sign_init(rsa) == 1 &&
		       EVP_PKEY_CTX_set_signature_md(rsa, EVP_sha256()) == 1 &&
		       EVP_PKEY_sign(
			   rsa, signature, &len, digest, DIGEST_BYTES) == 1;
	} else {
		good =
		    EVP_DigestSignInit(edwards, NULL, NULL, NULL, key) == 1 &&
		    EVP_DigestSign(
			edwards, signature, &len, digest, DIGEST_BYTES) == 1;
	}
	EVP_PKEY_CTX_free(rsa);
	EVP_MD_CTX_free(edwards);
	return good ? base64(signature, len, arena) : NULL;
}

static enum signature_kind kind_of(const char *field)
{
	if (strncasecmp(field, "arc-seal", 8) == 0)
		return SIGNATURE_ARC_SEAL;
	return strncasecmp(field, "arc", 3) == 0 ? SIGNATURE_ARC_MESSAGE
						 : SIGNATURE_DKIM;
}

static const char *body_hash(
    const char *field, const char *message, struct arena *arena)
{
	struct source source = source_memory(message, strlen(message));
	const char *c = strstr(field, "c=");
	const char *slash = c == NULL ? NULL : strchr(c, '/');
	bool relaxed = slash != NULL && strncmp(slash, "/relaxed", 8) == 0;
	struct signed_mail *mail;
	uint8_t digest[DIGEST_BYTES];
	bool good =
	    signed_mail_open(&source, arena, &mail, NULL) &&
	    signed_mail_hash_body(mail,
		relaxed ? CANONICAL_RELAXED : CANONICAL_SIMPLE, digest, NULL);

	assert(good);
	return base64(digest, sizeof(digest), arena);
}

/* The older sets, the oldest first; what stands in front is the newest. */
static void hash_chain(
    struct signed_mail *mail, const struct signature *seal, uint8_t *out)
{
	static const char *const names[] = {
	    "arc-authentication-results", "arc-message-signature", "arc-seal"};
	const struct raw_header *header = signed_mail_header(mail);
	struct buf text = buf_new(TEXT_MAX);
	struct digest digest = {0};
	size_t at[3];

	for (size_t i = 0; i < 3; i++)
		at[i] = raw_header_lowest(header, slice_of(names[i]));
	for (size_t i = 0; at[i] != RAW_NONE; i = (i + 1) % 3) {
		(void)canonical_field(
		    CANONICAL_RELAXED, header->fields[at[i]].whole, &text);
		at[i] = header->fields[at[i]].above;
	}
	(void)signature_canonical(seal, &text);
	digest_begin(&digest);
	digest_add(&digest, buf_text(&text), text.len);
	digest_end(&digest, out);
	digest_free(&digest);
	buf_free(&text);
}

char *forge_field(const char *field, const char *message, const char *key_name,
    struct arena *arena)
{
	struct source source = source_memory(message, strlen(message));
	const char *value = NULL;
	struct raw_header header;
	struct signature signature;
	struct signed_mail *mail;
	uint8_t digest[DIGEST_BYTES];
	EVP_PKEY *key;
	char *text;

	field = arena_printf(arena, "%s\r\n", field);
	field = replace(field, "@BH", body_hash(field, message, arena), arena);
	text = replace(field, "@B", NONSENSE, arena);
	raw_header_read(slice_of(text), arena, &header);
	key = read_key(key_name);
	if (key != NULL && header.count == 1 &&
	    signature_parse(
		kind_of(field), &header.fields[0], arena, &signature) == NULL &&
	    signed_mail_open(&source, arena, &mail, NULL)) {
		if (signature.kind == SIGNATURE_ARC_SEAL)
			hash_chain(mail, &signature, digest);
		else
			signed_mail_hash_header(
			    mail, &signature, RAW_NONE, digest);
		value = sign(key, digest, arena);
	}
	EVP_PKEY_free(key);
	return replace(field, "@B", value == NULL ? NONSENSE : value, arena);
}

/* --- keys ------------------------------------------------------------- */

static const char *public_key(const char *name, struct arena *arena)
{
	EVP_PKEY *key = read_key(name);
	unsigned char raw[64], *der = NULL;
	size_t len = sizeof(raw);
	const char *text;

	assert(key != NULL);
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) {
		(void)EVP_PKEY_get_raw_public_key(key, raw, &len);
		text = base64(raw, len, arena);
	} else {
		len = (size_t)i2d_PUBKEY(key, &der);
		text = base64(der, len, arena);
	}
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	return text;
}

char *forge_record(const char *record, struct arena *arena)
{
	static const char *const keys[][2] = {{"@RSA512", "rsa512"},
	    {"@RSA768", "rsa768"}, {"@RSA1023", "rsa1023"},
	    {"@RSA1024", "rsa1024"}, {"@RSA2048", "rsa2048"},
	    {"@RSA4096", "rsa4096"}, {"@RSA8192", "rsa8192"},
	    {"@ED25519", "ed25519"}, {"@EC", "ec"}};
	char *text = arena_strdup(arena, record);

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strstr(text, keys[i][0]) != NULL)
			text = replace(text, keys[i][0],
			    public_key(keys[i][1], arena), arena);
	return text;
}

/* --- ARC -------------------------------------------------------------- */

char *forge_set(unsigned instance, const char *results,
    const char *message_tags, const char *seal_tags, const char *message,
    struct arena *arena)
{
	const char *text, *signature;

	if (results == NULL)
		results = arena_printf(
		    arena, "i=%u; mx.example.com; spf=pass", instance);
	if (message_tags == NULL)
		message_tags = arena_printf(arena,
		    "i=%u; a=rsa-sha256; c=relaxed/relaxed; d=example.com; "
		    "s=sel; h=from:to:subject; bh=@BH; b=@B",
		    instance);
	if (seal_tags == NULL)
		seal_tags = arena_printf(arena,
		    "i=%u; a=rsa-sha256; cv=%s; d=example.com; s=sel; b=@B",
		    instance, instance == 1 ? "none" : "pass");
	text = arena_printf(
	    arena, "ARC-Authentication-Results: %s\r\n%s", results, message);
	signature = forge_field(
	    arena_printf(arena, "ARC-Message-Signature: %s", message_tags),
	    text, "rsa1024", arena);
	text = arena_printf(arena, "%s%s", signature, text);
	return arena_printf(arena, "%s%s",
	    forge_field(arena_printf(arena, "ARC-Seal: %s", seal_tags), text,
		"rsa1024", arena),
	    text);
}
