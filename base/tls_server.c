#include "base/tls_server.h"

#include "base/alloc.h"
#include "base/errors.h"
#include "base/tls_pair.h"
#include "base/unconst.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Of TLS 1.2; those of 1.3 are all good. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
#define GROUPS "X25519:P-256:P-384"

struct tls_server {
	pthread_mutex_t lock;
	SSL_CTX *context; /* under the lock; NULL: no certificate */
	_Atomic int64_t expiry_ms;
};

/* What a context serves. Lives as long as it, by way of its ex_data. */
struct pairs {
	size_t count;
	struct tls_pair all[];
};

static pthread_once_t pairs_once = PTHREAD_ONCE_INIT;
static int pairs_index;

static void pairs_free(struct pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++)
		tls_pair_free(&pairs->all[i]);
	free(pairs);
}

static void on_context_free(void *parent, void *held, CRYPTO_EX_DATA *data,
    int index, long argl, void *argp)
{
	(void)parent;
	(void)data;
	(void)index;
	(void)argl;
	(void)argp;
	if (held != NULL)
		pairs_free(held);
}

static void make_index(void)
{
	pairs_index =
	    SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_context_free);
	if (pairs_index < 0)
		fatal("OpenSSL has no room for our data");
}

struct tls_server *tls_server_new(void)
{
	struct tls_server *server = xcalloc(1, sizeof(*server));

	(void)pthread_once(&pairs_once, make_index);
	(void)pthread_mutex_init(&server->lock, NULL);
	return server;
}

void tls_server_free(struct tls_server **server)
{
	if (*server == NULL)
		return;
	SSL_CTX_free((*server)->context);
	(void)pthread_mutex_destroy(&(*server)->lock);
	free(*server);
	*server = NULL;
}

/* --- certificates ----------------------------------------------------- */

static struct pairs *load_pairs(
    const struct list *certificates, const struct list *keys, struct error *err)
{
	struct pairs *pairs = xcalloc(
	    1, sizeof(*pairs) + certificates->count * sizeof(pairs->all[0]));

	assert(certificates->count == keys->count);
	for (; pairs->count < certificates->count; pairs->count++)
		if (!tls_pair_load(&pairs->all[pairs->count],
			certificates->items[pairs->count],
			keys->items[pairs->count], err)) {
			pairs_free(pairs);
			return NULL;
		}
	return pairs;
}

/* Makes of each kind of key the first that shares a name with the first pair
 * what clients get that name nobody, or a stranger. The last to be set wins:
 * backwards. */
static bool set_default(
    SSL_CTX *context, const struct pairs *pairs, struct error *err)
{
	const struct tls_pair *first = &pairs->all[0];

	for (size_t i = pairs->count; i-- > 0;) {
		const struct tls_pair *pair = &pairs->all[i];

		if (i > 0 && !tls_pair_shares(pair, first))
			continue;
		if (SSL_CTX_use_cert_and_key(context, pair->certificate,
			pair->key, pair->chain, 1) != 1)
			return error_set(err, ERROR_CONFIG,
			    "certificate number %zu cannot be used: %s", i + 1,
			    ERR_reason_error_string(ERR_peek_error()));
	}
	return true;
}

/* OpenSSL is about to choose among the certificates of this connection. */
static int on_certificate_wanted(SSL *ssl, void *arg)
{
	const struct pairs *pairs =
	    SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), pairs_index);
	const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	bool found = false;

	(void)arg;
	for (size_t i = pairs->count; host != NULL && i-- > 0;) {
		const struct tls_pair *pair = &pairs->all[i];

		if (!tls_pair_covers(pair, host))
			continue;
		if (!found)
			SSL_certs_clear(ssl);
		found = true;
		if (SSL_use_cert_and_key(
			ssl, pair->certificate, pair->key, pair->chain, 1) != 1)
			return 0;
	}
	return 1;
}

/* --- contexts --------------------------------------------------------- */

static SSL_CTX *new_context(void)
{
	static const unsigned char name[] = "elektrine";
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (context == NULL ||
	    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(context, CIPHERS) != 1 ||
	    SSL_CTX_set1_groups_list(context, unconst(GROUPS)) != 1 ||
	    SSL_CTX_set_session_id_context(context, name, sizeof(name)) != 1 ||
	    SSL_CTX_set_num_tickets(context, 1) != 1)
		fatal("OpenSSL cannot serve TLS: %s",
		    ERR_reason_error_string(ERR_peek_error()));
	(void)SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE |
					       SSL_OP_NO_RENEGOTIATION |
					       SSL_OP_NO_COMPRESSION);
	/* Tickets hold what is resumed; we keep nothing. */
	(void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	/* An idle connection has no buffers, and what was sent in part may
	 * have moved when the rest is sent. */
	(void)SSL_CTX_set_mode(
	    context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
			 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* A read ends also with a record that brings nothing: a peer that
	 * sends such ones without end must not keep the thread from others. */
	(void)SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
	return context;
}

static int64_t first_expiry_ms(const struct pairs *pairs)
{
	int64_t first = INT64_MAX, one;

	for (size_t i = 0; i < pairs->count; i++) {
		one = tls_pair_expiry_ms(&pairs->all[i]);
		if (one < first)
			first = one;
	}
	return first;
}

bool tls_server_load(struct tls_server *server, const struct list *certificates,
    const struct list *keys, struct error *err)
{
	struct pairs *pairs = load_pairs(certificates, keys, err);
	SSL_CTX *context, *old;

	if (pairs == NULL)
		return false;
	context = new_context();
	if (SSL_CTX_set_ex_data(context, pairs_index, pairs) != 1)
		fatal("out of memory: a TLS context wanted");
	if (!set_default(context, pairs, err)) {
		SSL_CTX_free(context);
		return false;
	}
	if (pairs->count > 1)
		SSL_CTX_set_cert_cb(context, on_certificate_wanted, NULL);
	(void)pthread_mutex_lock(&server->lock);
	old = server->context;
	server->context = context;
	(void)pthread_mutex_unlock(&server->lock);
	/* What others see last: now there is a certificate. */
	atomic_store(&server->expiry_ms, first_expiry_ms(pairs));
	SSL_CTX_free(old);
	return true;
}

bool tls_server_is_ready(const struct tls_server *server)
{
	return tls_server_expiry_ms(server) != 0;
}

int64_t tls_server_expiry_ms(const struct tls_server *server)
{
	return atomic_load(&server->expiry_ms);
}

struct tls *tls_server_accept(struct tls_server *server, int fd)
{
	SSL *ssl;

	(void)pthread_mutex_lock(&server->lock);
	ssl = SSL_new(server->context);
	(void)pthread_mutex_unlock(&server->lock);
	if (ssl == NULL)
		fatal("out of memory: a TLS connection wanted");
	SSL_set_accept_state(ssl);
	return tls_new(&ssl, fd);
}
