#include "base/tls_pair.h"

#include "base/errors.h"
#include "base/unconst.h"
#include "bounds.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sodium.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct pem {
	size_t len;
	char data[LIMIT_PEM];
};

/* Symbolic links are followed: certificates are often renewed by them. */
static bool read_pem(const char *path, struct pem *pem, struct error *err)
{
	ssize_t got = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	pem->len = 0;
	if (fd < 0) {
		(void)error_errno(err, "cannot open %s", path);
		err->kind = ERROR_CONFIG;
		return false;
	}
	do {
		pem->len += (size_t)got;
		got = read(
		    fd, pem->data + pem->len, sizeof(pem->data) - pem->len);
	} while (got > 0);
	(void)close(fd);
	if (got == 0 && pem->len < sizeof(pem->data))
		return true;
	return error_set(err, ERROR_CONFIG, "%s %s", path,
	    got < 0 ? "cannot be read" : "is too large for a PEM file");
}

static BIO *bio_of(const struct pem *pem)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);

	if (bio == NULL)
		fatal("out of memory: a PEM file wanted");
	ERR_clear_error();
	return bio;
}

static bool load_certificates(
    struct tls_pair *pair, const char *path, struct error *err)
{
	struct pem pem;
	X509 *next;
	BIO *bio;

	if (!read_pem(path, &pem, err))
		return false;
	bio = bio_of(&pem);
	pair->certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
	pair->chain = sk_X509_new_null();
	while (pair->certificate != NULL &&
	       (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		(void)sk_X509_push(pair->chain, next);
	BIO_free(bio);
	/* What follows the last one may be a key, or a comment. */
	ERR_clear_error();
	if (pair->certificate == NULL)
		return error_set(
		    err, ERROR_CONFIG, "%s holds no certificate in PEM", path);
	return true;
}

/* Without this OpenSSL would ask at the terminal. */
static int refuse_password(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static bool load_key(struct tls_pair *pair, const char *path, struct error *err)
{
	struct pem pem;
	bool read = read_pem(path, &pem, err);
	BIO *bio;

	if (read) {
		bio = bio_of(&pem);
		pair->key =
		    PEM_read_bio_PrivateKey(bio, NULL, refuse_password, NULL);
		BIO_free(bio);
		ERR_clear_error();
	}
	sodium_memzero(&pem, sizeof(pem));
	if (read && pair->key == NULL)
		return error_set(err, ERROR_CONFIG,
		    "%s holds no private key in PEM, or an encrypted one",
		    path);
	return read;
}

bool tls_pair_load(struct tls_pair *pair, const char *certificate,
    const char *key, struct error *err)
{
	*pair = (struct tls_pair){0};
	if (!load_certificates(pair, certificate, err) ||
	    !load_key(pair, key, err)) {
		tls_pair_free(pair);
		return false;
	}
	if (X509_check_private_key(pair->certificate, pair->key) == 1)
		return true;
	ERR_clear_error();
	tls_pair_free(pair);
	return error_set(err, ERROR_CONFIG,
	    "the key in %s is not that of the certificate in %s", key,
	    certificate);
}

void tls_pair_free(struct tls_pair *pair)
{
	X509_free(pair->certificate);
	sk_X509_pop_free(pair->chain, X509_free);
	EVP_PKEY_free(pair->key);
	*pair = (struct tls_pair){0};
}

bool tls_pair_covers(const struct tls_pair *pair, const char *host)
{
	return X509_check_host(pair->certificate, host, 0, 0, NULL) == 1;
}

static bool covers_name(const struct tls_pair *pair, const GENERAL_NAME *name)
{
	int type;
	const ASN1_STRING *text = GENERAL_NAME_get0_value(name, &type);

	if (type != GEN_DNS)
		return false;
	return X509_check_host(pair->certificate,
		   (const char *)ASN1_STRING_get0_data(text),
		   (size_t)ASN1_STRING_length(text), 0, NULL) == 1;
}

bool tls_pair_shares(const struct tls_pair *pair, const struct tls_pair *other)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(
	    other->certificate, NID_subject_alt_name, NULL, NULL);
	bool shares = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !shares; i++)
		shares = covers_name(pair, sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
	return shares;
}

int64_t tls_pair_expiry_ms(const struct tls_pair *pair)
{
	struct tm when = {0};

	(void)ASN1_TIME_to_tm(X509_get0_notAfter(pair->certificate), &when);
	return (int64_t)timegm(&when) * 1000;
}
