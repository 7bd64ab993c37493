#include "mail/dkim_sign.h"

#include "base/alloc.h"
#include "base/errors.h"
#include "bounds.h"
#include "mail/signed_mail.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Where lines are folded (RFC 5322 section 2.1.1). */
#define LINE 76

struct dkim_signer {
	char *domain, *selector;
	EVP_PKEY *key;
	enum key_type type;
};

/* RFC 6376 section 5.4.1. What lists and forwarders add on their way is not
 * sealed. */
static const struct dkim_signed_name recommended[] = {
    {"Date", true},
    {"Subject", true},
    {"To", true},
    {"Cc", true},
    {"Reply-To", true},
    {"Sender", true},
    {"Message-ID", true},
    {"In-Reply-To", true},
    {"References", true},
    {"MIME-Version", true},
    {"Content-Type", true},
    {"Content-Transfer-Encoding", true},
    {"Content-ID", false},
    {"Content-Description", false},
    {"Resent-Date", false},
    {"Resent-From", false},
    {"Resent-To", false},
    {"Resent-Cc", false},
    {"List-Id", false},
    {"List-Help", false},
    {"List-Unsubscribe", false},
    {"List-Unsubscribe-Post", false},
    {"List-Subscribe", false},
    {"List-Post", false},
    {"List-Owner", false},
    {"List-Archive", false},
};

/* --- the key ---------------------------------------------------------- */

static bool read_key(
    const char *pem, size_t len, struct dkim_signer *signer, struct error *err)
{
	BIO *memory = BIO_new_mem_buf(pem, (int)len);

	if (memory == NULL)
		fatal("no memory for a key");
	/* The empty pass phrase: never ask on a terminal. */
	signer->key = PEM_read_bio_PrivateKey(memory, NULL, NULL, (char[]){""});
	BIO_free(memory);
	ERR_clear_error();
	if (signer->key == NULL)
		return error_set(
		    err, ERROR_CONFIG, "the DKIM key is no private key in PEM");
	switch (EVP_PKEY_get_base_id(signer->key)) {
	case EVP_PKEY_ED25519:
		signer->type = KEY_ED25519;
		return true;
	case EVP_PKEY_RSA:
		signer->type = KEY_RSA;
		break;
	default:
		return error_set(err, ERROR_CONFIG,
		    "the DKIM key is neither RSA nor Ed25519");
	}
	if (EVP_PKEY_get_bits(signer->key) < LIMIT_RSA_BITS_LEAST)
		return error_set(err, ERROR_CONFIG,
		    "the DKIM key has less than %d bits", LIMIT_RSA_BITS_LEAST);
	return true;
}

bool dkim_signer_new(const char *domain, const char *selector, const char *pem,
    size_t len, struct dkim_signer **out, struct error *err)
{
	struct dkim_signer *signer = xcalloc(1, sizeof(*signer));

	*out = signer;
	signer->domain = xstrdup(domain);
	signer->selector = xstrdup(selector);
	if (!signature_is_domain(slice_of(domain)) ||
	    !signature_is_domain(slice_of(selector)))
		(void)error_set(err, ERROR_CONFIG,
		    "domain or selector of the DKIM key is no domain name");
	else if (read_key(pem, len, signer, err))
		return true;
	dkim_signer_free(out);
	return false;
}

void dkim_signer_free(struct dkim_signer **signer)
{
	if (*signer == NULL)
		return;
	EVP_PKEY_free((*signer)->key);
	free((*signer)->domain);
	free((*signer)->selector);
	free(*signer);
	*signer = NULL;
}

static bool sign_rsa(EVP_PKEY *key, const uint8_t digest[DIGEST_BYTES],
    uint8_t *signature, size_t *len)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	bool good =
	    context != NULL && EVP_PKEY_sign_init(context) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
	    EVP_PKEY_sign(context, signature, len, digest, DIGEST_BYTES) == 1;

	EVP_PKEY_CTX_free(context);
	return good;
}

static bool sign_ed25519(EVP_PKEY *key, const uint8_t digest[DIGEST_BYTES],
    uint8_t *signature, size_t *len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good =
	    context != NULL &&
	    EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSign(context, signature, len, digest, DIGEST_BYTES) == 1;

	EVP_MD_CTX_free(context);
	return good;
}

/* --- the field -------------------------------------------------------- */

struct writer {
	struct buf *field;
	size_t column;
};

/* Appends, on a new line if this one would be too long. */
static void put(struct writer *writer, const char *text)
{
	struct buf *field = writer->field;
	size_t len = strlen(text);

	if (writer->column + len > LINE) {
		(void)buf_append_text(field, "\r\n\t");
		writer->column = 8;
	} else if (field->data[field->len - 1] == ';') {
		(void)buf_append_char(field, ' ');
		writer->column++;
	}
	(void)buf_append(field, text, len);
	writer->column += len;
}

static void put_tag(struct writer *writer, const char *format, ...)
    PRINTF_LIKE(2, 3);

static void put_tag(struct writer *writer, const char *format, ...)
{
	struct buf text = buf_new(LIMIT_PATH + LINE);
	va_list args;

	va_start(args, format);
	(void)buf_vprintf(&text, format, args);
	va_end(args);
	put(writer, buf_text(&text));
	buf_free(&text);
}

static void put_base64(struct writer *writer, const uint8_t *bytes, size_t len)
{
	char piece[5];

	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i < 3 ? len - i : 3;

		(void)EVP_EncodeBlock(
		    (unsigned char *)piece, bytes + i, (int)left);
		put(writer, piece);
	}
}

static size_t occurrences(const struct raw_header *header, const char *name)
{
	size_t count = 0, at = raw_header_lowest(header, slice_of(name));

	for (; at != RAW_NONE; at = header->fields[at].above)
		count++;
	return count;
}

/* A name as often as it occurs, and once more if it is sealed. */
static void put_name(struct writer *writer, const struct raw_header *header,
    const struct dkim_signed_name *name, size_t *named)
{
	size_t times = occurrences(header, name->name) + (name->sealed ? 1 : 0);

	for (; times > 0 && *named < LIMIT_SIGNED_NAMES; times--)
		put_tag(writer, (*named)++ == 0 ? "h=%s" : ":%s", name->name);
}

static void put_names(struct writer *writer, const struct raw_header *header,
    const struct dkim_sign_options *options)
{
	static const struct dkim_signed_name from = {"From", true};
	const struct dkim_signed_name *names = options->names;
	size_t count = options->name_count, named = 0;

	if (names == NULL) {
		names = recommended;
		count = sizeof(recommended) / sizeof(recommended[0]);
	}
	put_name(writer, header, &from, &named);
	for (size_t i = 0; i < count; i++)
		if (strcasecmp(names[i].name, from.name) != 0)
			put_name(writer, header, &names[i], &named);
	put(writer, ";");
}

/* All of it but the value of b=. */
static void write_field(const struct dkim_signer *signer,
    const struct dkim_sign_options *options, const struct raw_header *header,
    const uint8_t body[DIGEST_BYTES], struct writer *writer)
{
	static const char *const kinds[] = {"simple", "relaxed"};

	(void)buf_append_text(writer->field, "DKIM-Signature: v=1;");
	writer->column = writer->field->len;
	put_tag(writer, "a=%s-sha256;",
	    signer->type == KEY_RSA ? "rsa" : "ed25519");
	put_tag(
	    writer, "c=%s/%s;", kinds[options->header], kinds[options->body]);
	put_tag(writer, "d=%s;", signer->domain);
	put_tag(writer, "s=%s;", signer->selector);
	if (options->identity != NULL)
		put_tag(writer, "i=%s;", options->identity);
	if (options->now_s > 0)
		put_tag(writer, "t=%" PRIi64 ";", options->now_s);
	if (options->now_s > 0 && options->lifetime_s > 0)
		put_tag(writer, "x=%" PRIi64 ";",
		    options->now_s + options->lifetime_s);
	put_names(writer, header, options);
	put(writer, "bh=");
	put_base64(writer, body, DIGEST_BYTES);
	put(writer, ";");
	put(writer, "b=");
}

/* --- signing ---------------------------------------------------------- */

/* Hashes what will be signed, with the field as far as it is written; and
 * proves by reading it that others will understand it. */
static bool hash_field(struct signed_mail *mail, const struct buf *field,
    uint8_t digest[DIGEST_BYTES], struct error *err)
{
	struct arena *arena = signed_mail_arena(mail);
	struct raw_header header;
	struct signature signature;
	struct buf whole = buf_new(field->len + 8);
	const char *fault;

	/* Something must stand in b=; it does not count. */
	(void)buf_append(&whole, field->data, field->len);
	(void)buf_append_text(&whole, "AAAA\r\n");
	raw_header_read((struct slice){whole.data, whole.len}, arena, &header);
	fault = signature_parse(
	    SIGNATURE_DKIM, &header.fields[0], arena, &signature);
	if (fault == NULL)
		signed_mail_hash_header(mail, &signature, RAW_NONE, digest);
	buf_free(&whole);
	return fault == NULL ||
	       error_set(err, ERROR_CONFIG,
		   "the DKIM signature would be wrong: %s", fault);
}

static bool sign_one(struct signed_mail *mail, const struct dkim_signer *signer,
    const struct dkim_sign_options *options, const uint8_t body[DIGEST_BYTES],
    struct buf *out, struct error *err)
{
	struct buf field = buf_new(LIMIT_HEADER_BLOCK);
	struct writer writer = {.field = &field};
	uint8_t digest[DIGEST_BYTES], signature[LIMIT_RSA_BITS / 8];
	size_t len = sizeof(signature);
	bool good;

	write_field(signer, options, signed_mail_header(mail), body, &writer);
	good = hash_field(mail, &field, digest, err);
	if (good && !(signer->type == KEY_RSA ? sign_rsa : sign_ed25519)(
			signer->key, digest, signature, &len))
		good = error_set(
		    err, ERROR_CONFIG, "signing with the DKIM key failed");
	if (good) {
		put_base64(&writer, signature, len);
		(void)buf_append_text(&field, "\r\n");
		if (!buf_append(out, field.data, field.len))
			good = error_set(
			    err, ERROR_LIMIT, "the DKIM signature is too long");
	}
	ERR_clear_error();
	buf_free(&field);
	return good;
}

bool dkim_sign(const struct source *message,
    struct dkim_signer *const signers[], size_t count,
    const struct dkim_sign_options *options, struct buf *out, struct error *err)
{
	struct arena *arena = arena_new();
	struct signed_mail *mail;
	uint8_t body[DIGEST_BYTES];
	size_t start = out->len;
	const char *fault;
	bool good = signed_mail_open(message, arena, &mail, err);

	if (good) {
		fault = signed_mail_fault(mail);
		good =
		    fault == NULL
			? signed_mail_hash_body(mail, options->body, body, err)
			: error_set(err, ERROR_PERMANENT,
			      "the message cannot be signed: %s", fault);
	}
	for (size_t i = 0; i < count && good; i++)
		good = sign_one(mail, signers[i], options, body, out, err);
	if (!good)
		out->len = start;
	arena_free(&arena);
	return good;
}
