#include "base/tls.h"

#include "base/alloc.h"
#include "base/errors.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

struct tls {
	SSL *ssl;
	bool wants_room;
	bool broken; /* OpenSSL forbids to say anything more */
};

struct tls *tls_new(struct ssl_st **ssl, int fd)
{
	struct tls *tls = xcalloc(1, sizeof(*tls));

	tls->ssl = *ssl;
	*ssl = NULL;
	if (SSL_set_fd(tls->ssl, fd) != 1)
		fatal("out of memory: a TLS connection wanted");
	return tls;
}

void tls_free(struct tls **tls)
{
	if (*tls == NULL)
		return;
	tls_shut(*tls);
	SSL_free((*tls)->ssl);
	free(*tls);
	*tls = NULL;
}

/* What a call that gave `result` means, as recv() would tell. */
static ssize_t explain(struct tls *tls, int result)
{
	int code = SSL_get_error(tls->ssl, result);

	tls->wants_room = code == SSL_ERROR_WANT_WRITE;
	if (code == SSL_ERROR_ZERO_RETURN)
		return 0;
	if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE) {
		errno = EAGAIN;
		return -1;
	}
	tls->broken = true;
	errno = EPROTO;
	return -1;
}

enum tls_progress tls_handshake(struct tls *tls, struct error *err)
{
	const char *reason;
	int result;

	/* The queue is the thread's: what others left is not ours. */
	ERR_clear_error();
	result = SSL_do_handshake(tls->ssl);
	if (result == 1) {
		tls->wants_room = false;
		return TLS_DONE;
	}
	if (explain(tls, result) < 0 && errno == EAGAIN)
		return TLS_MORE;
	reason = ERR_reason_error_string(ERR_peek_error());
	(void)error_set(err, ERROR_TEMPORARY, "the TLS handshake failed: %s",
	    reason != NULL ? reason : "the peer hung up");
	return TLS_BROKEN;
}

static int bounded(size_t len)
{
	return len > INT_MAX ? INT_MAX : (int)len;
}

ssize_t tls_read(struct tls *tls, void *data, size_t len)
{
	int got;

	ERR_clear_error();
	got = SSL_read(tls->ssl, data, bounded(len));
	if (got <= 0)
		return explain(tls, got);
	tls->wants_room = false;
	return got;
}

ssize_t tls_write(struct tls *tls, const void *data, size_t len)
{
	const char *bytes = data;
	size_t total = 0;
	int sent = 1;

	while (total < len && sent > 0) { /* one record each time */
		ERR_clear_error();
		sent = SSL_write(tls->ssl, bytes + total, bounded(len - total));
		if (sent > 0)
			total += (size_t)sent;
	}
	if (sent > 0)
		return (ssize_t)total;
	/* Room is what every writer waits for: nothing to note. */
	errno = EAGAIN;
	if (SSL_get_error(tls->ssl, sent) != SSL_ERROR_WANT_WRITE) {
		tls->broken = true;
		errno = EPROTO;
	}
	return total > 0 ? (ssize_t)total : -1;
}

bool tls_wants_room(const struct tls *tls)
{
	return tls->wants_room;
}

void tls_shut(struct tls *tls)
{
	if (tls->broken || !SSL_is_init_finished(tls->ssl))
		return;
	ERR_clear_error();
	(void)SSL_shutdown(tls->ssl);
}

void tls_describe(const struct tls *tls, char out[TLS_TEXT])
{
	(void)snprintf(out, TLS_TEXT, "%s %s", SSL_get_version(tls->ssl),
	    SSL_get_cipher_name(tls->ssl));
}
