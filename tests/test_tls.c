#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/tls_server.h"
#include "base/unconst.h"
#include "bounds.h"
#include "scratch.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- certificates ----------------------------------------------------- */

static char *folder;

static const char *path_of(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static EVP_PKEY *make_key(bool rsa)
{
	EVP_PKEY *key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");

	assert_non_null(key);
	return key;
}

static X509 *make_certificate(EVP_PKEY *key, const char *names)
{
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	X509_EXTENSION *extension;

	(void)X509_set_version(certificate, 2);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
	(void)X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	(void)X509_set_pubkey(certificate, key);
	/* The subject says which one it is: the first name, cut. */
	(void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)names, (int)strcspn(names, ","), -1, 0);
	(void)X509_set_issuer_name(certificate, name);
	extension =
	    X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	assert_non_null(extension);
	(void)X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	return certificate;
}

/* STEM.crt and STEM.key in the folder; the key with a password if given. */
static void make_pair(
    const char *stem, const char *names, bool rsa, const char *password)
{
	EVP_PKEY *key = make_key(rsa);
	X509 *certificate = make_certificate(key, names);
	char name[64];
	FILE *file;

	(void)snprintf(name, sizeof(name), "%s.crt", stem);
	file = fopen(path_of(name), "w");
	assert_int_equal(PEM_write_X509(file, certificate), 1);
	(void)fclose(file);
	(void)snprintf(name, sizeof(name), "%s.key", stem);
	file = fopen(path_of(name), "w");
	assert_int_equal(
	    PEM_write_PrivateKey(file, key,
		password != NULL ? EVP_aes_128_cbc() : NULL,
		(const unsigned char *)password,
		password != NULL ? (int)strlen(password) : 0, NULL, NULL),
	    1);
	(void)fclose(file);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static bool load(struct tls_server *server, const char *const *stems,
    size_t count, struct error *err)
{
	const char *certificates[4], *keys[4];
	char name[64];

	for (size_t i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "%s.crt", stems[i]);
		certificates[i] = path_of(name);
		(void)snprintf(name, sizeof(name), "%s.key", stems[i]);
		keys[i] = path_of(name);
	}
	return tls_server_load(server,
	    &(struct list){.items = certificates, .count = count},
	    &(struct list){.items = keys, .count = count}, err);
}

static struct tls_server *server_of(const char *const *stems, size_t count)
{
	struct tls_server *server = tls_server_new();
	struct error err;

	assert_false(tls_server_is_ready(server));
	assert_true(load(server, stems, count, &err));
	assert_true(tls_server_is_ready(server));
	return server;
}

static int make_files(void **state)
{
	FILE *file;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	folder = scratch_make();
	make_pair("a", "DNS:mx.a.example,DNS:a.example", false, NULL);
	make_pair("a-rsa", "DNS:mx.a.example", true, NULL);
	make_pair("b", "DNS:*.b.example", false, NULL);
	make_pair("locked", "DNS:mx.a.example", false, "secret");
	file = fopen(path_of("empty.crt"), "w");
	(void)fclose(file);
	file = fopen(path_of("large.crt"), "w");
	for (size_t i = 0; i < LIMIT_PEM; i++)
		(void)fputc('x', file);
	(void)fclose(file);
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	scratch_remove(&folder);
	return 0;
}

/* --- a client and a server, on two ends ------------------------------- */

struct pipe {
	int fds[2]; /* ours, the client's */
	struct tls *tls;
	SSL_CTX *context;
	SSL *client;
	struct error err; /* of the server's handshake */
};

static void pipe_open(struct pipe *pipe, struct tls_server *server)
{
	*pipe = (struct pipe){.context = SSL_CTX_new(TLS_client_method())};
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pipe->fds), 0);
	pipe->tls = tls_server_accept(server, pipe->fds[0]);
	SSL_CTX_set_security_level(pipe->context, 0);
	pipe->client = SSL_new(pipe->context);
	(void)SSL_set_fd(pipe->client, pipe->fds[1]);
	SSL_set_connect_state(pipe->client);
}

static void pipe_close(struct pipe *pipe)
{
	tls_free(&pipe->tls);
	SSL_free(pipe->client);
	SSL_CTX_free(pipe->context);
	(void)close(pipe->fds[0]);
	(void)close(pipe->fds[1]);
}

/* Both sides in turn, until ours is through or gives up. */
static enum tls_progress shake_hands(struct pipe *pipe)
{
	enum tls_progress progress = TLS_MORE;

	for (int i = 0; i < 20 && progress == TLS_MORE; i++) {
		ERR_clear_error();
		(void)SSL_do_handshake(pipe->client);
		progress = tls_handshake(pipe->tls, &pipe->err);
	}
	if (progress == TLS_DONE) {
		char ignored[1];

		/* The tickets of TLS 1.3 come behind it. */
		assert_int_equal(SSL_do_handshake(pipe->client), 1);
		(void)SSL_read(pipe->client, ignored, sizeof(ignored));
	}
	return progress;
}

static void shown_is(const struct pipe *pipe, const char *subject, int key_type)
{
	X509 *shown = SSL_get1_peer_certificate(pipe->client);
	char text[128];

	assert_non_null(shown);
	(void)X509_NAME_get_text_by_NID(
	    X509_get_subject_name(shown), NID_commonName, text, sizeof(text));
	assert_string_equal(text, subject);
	assert_int_equal(
	    EVP_PKEY_get_base_id(X509_get0_pubkey(shown)), key_type);
	X509_free(shown);
}

/* --- which certificate ------------------------------------------------ */

#define ONLY_RSA "rsa_pss_rsae_sha256:RSA+SHA256"

static void a_client_gets_the_certificate_of_the_name_it_asks_for(void **state)
{
	static const char *const stems[] = {"a", "b", "a-rsa"};
	static const struct {
		const char *asked, *sigalgs, *shown;
		int key_type;
	} rows[] = {
	    {"mx.a.example", NULL, "DNS:mx.a.example", EVP_PKEY_EC},
	    {"MX.A.example", NULL, "DNS:mx.a.example", EVP_PKEY_EC},
	    {"a.example", NULL, "DNS:mx.a.example", EVP_PKEY_EC},
	    {"mx.b.example", NULL, "DNS:*.b.example", EVP_PKEY_EC},
	    /* a wildcard is one label */
	    {"x.mx.b.example", NULL, "DNS:mx.a.example", EVP_PKEY_EC},
	    {"nobody.example", NULL, "DNS:mx.a.example", EVP_PKEY_EC},
	    {NULL, NULL, "DNS:mx.a.example", EVP_PKEY_EC},
	    {"mx.a.example", ONLY_RSA, "DNS:mx.a.example", EVP_PKEY_RSA},
	    {"nobody.example", ONLY_RSA, "DNS:mx.a.example", EVP_PKEY_RSA},
	    {NULL, ONLY_RSA, "DNS:mx.a.example", EVP_PKEY_RSA},
	};
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct tls_server *server = server_of(stems, 3);

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		const char *asked = rows[i / 2].asked;
		struct pipe pipe;

		pipe_open(&pipe, server);
		(void)SSL_set_max_proto_version(pipe.client, versions[i % 2]);
		if (asked != NULL)
			(void)SSL_set_tlsext_host_name(
			    pipe.client, unconst(asked));
		if (rows[i / 2].sigalgs != NULL)
			(void)SSL_set1_sigalgs_list(
			    pipe.client, unconst(rows[i / 2].sigalgs));
		assert_int_equal(shake_hands(&pipe), TLS_DONE);
		shown_is(&pipe, rows[i / 2].shown, rows[i / 2].key_type);
		pipe_close(&pipe);
	}
	tls_server_free(&server);
}

static void a_pair_that_cannot_be_used_changes_nothing(void **state)
{
	static const struct {
		const char *certificate, *key, *problem;
	} rows[] = {
	    {"none.crt", "a.key", "none.crt: No such file"},
	    {"a.crt", "none.key", "none.key: No such file"},
	    {"empty.crt", "a.key", "empty.crt holds no certificate"},
	    {"large.crt", "a.key", "large.crt is too large"},
	    {"a.key", "a.key", "a.key holds no certificate"},
	    {"a.crt", "a.crt", "a.crt holds no private key"},
	    {"a.crt", "b.key", "b.key is not that of the certificate in"},
	    {"locked.crt", "locked.key", "or an encrypted one"},
	    {".", "a.key", "cannot be read"},
	};
	static const char *const good[] = {"a"};
	struct tls_server *server = server_of(good, 1);
	int64_t expiry_ms = tls_server_expiry_ms(server);
	struct pipe pipe;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *certificates[] = {
		    path_of("a.crt"), path_of(rows[i].certificate)};
		const char *keys[] = {path_of("a.key"), path_of(rows[i].key)};
		struct error err;

		assert_false(tls_server_load(server,
		    &(struct list){.items = certificates, .count = 2},
		    &(struct list){.items = keys, .count = 2}, &err));
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_non_null(strstr(err.text, rows[i].problem));
		assert_int_equal(ERR_peek_error(), 0);
	}
	assert_int_equal(tls_server_expiry_ms(server), expiry_ms);
	pipe_open(&pipe, server);
	assert_int_equal(shake_hands(&pipe), TLS_DONE);
	shown_is(&pipe, "DNS:mx.a.example", EVP_PKEY_EC);
	pipe_close(&pipe);
	tls_server_free(&server);
}

static void a_connection_keeps_the_certificates_it_began_with(void **state)
{
	static const char *const first[] = {"a", "b"}, *const second[] = {"b"};
	struct tls_server *server = server_of(first, 2);
	struct pipe old, new;
	struct error err;

	(void)state;
	pipe_open(&old, server);
	assert_true(load(server, second, 1, &err));
	pipe_open(&new, server);
	assert_int_equal(shake_hands(&old), TLS_DONE);
	assert_int_equal(shake_hands(&new), TLS_DONE);
	shown_is(&old, "DNS:mx.a.example", EVP_PKEY_EC);
	shown_is(&new, "DNS:*.b.example", EVP_PKEY_EC);
	pipe_close(&old);
	pipe_close(&new);
	tls_server_free(&server);
}

/* --- protocol and ciphers --------------------------------------------- */

static void what_is_agreed_upon_is_ours_to_choose(void **state)
{
	static const struct {
		int version;
		const char *ciphers, *agreed; /* NULL: nothing */
	} rows[] = {
	    {TLS1_3_VERSION, NULL, "TLSv1.3 TLS_AES_256_GCM_SHA384"},
	    {TLS1_2_VERSION, NULL, "TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384"},
	    {TLS1_2_VERSION,
		"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384",
		"TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384"},
	    {TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305",
		"TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305"},
	    {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", NULL},
	    {TLS1_2_VERSION, "AES128-GCM-SHA256", NULL},
	    {TLS1_2_VERSION, "AECDH-AES128-SHA", NULL},
	    {TLS1_1_VERSION, NULL, NULL},
	    {TLS1_VERSION, NULL, NULL},
	};
	static const char *const stems[] = {"a"};
	struct tls_server *server = server_of(stems, 1);
	char text[TLS_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pipe pipe;

		pipe_open(&pipe, server);
		(void)SSL_set_min_proto_version(pipe.client, TLS1_VERSION);
		(void)SSL_set_max_proto_version(pipe.client, rows[i].version);
		if (rows[i].ciphers != NULL)
			assert_int_equal(
			    SSL_set_cipher_list(pipe.client, rows[i].ciphers),
			    1);
		if (rows[i].agreed != NULL) {
			assert_int_equal(shake_hands(&pipe), TLS_DONE);
			tls_describe(pipe.tls, text);
			assert_string_equal(text, rows[i].agreed);
		} else {
			assert_int_equal(shake_hands(&pipe), TLS_BROKEN);
			assert_non_null(strstr(
			    pipe.err.text, rows[i].version == TLS1_2_VERSION
					       ? "no shared cipher"
					       : "unsupported protocol"));
		}
		pipe_close(&pipe);
	}
	tls_server_free(&server);
}

static void tickets_resume_and_no_client_certificate_is_asked_for(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	static const char *const stems[] = {"a", "b"};
	struct tls_server *server = server_of(stems, 2);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct pipe first, second;
		SSL_SESSION *session;

		pipe_open(&first, server);
		(void)SSL_set_max_proto_version(first.client, versions[i]);
		assert_int_equal(shake_hands(&first), TLS_DONE);
		assert_int_equal(SSL_session_reused(first.client), 0);
		assert_null(SSL_get0_peer_CA_list(first.client));
		session = SSL_get1_session(first.client);
		assert_true(SSL_SESSION_has_ticket(session));
		pipe_open(&second, server);
		(void)SSL_set_max_proto_version(second.client, versions[i]);
		(void)SSL_set_session(second.client, session);
		assert_int_equal(shake_hands(&second), TLS_DONE);
		assert_int_equal(SSL_session_reused(second.client), 1);
		SSL_SESSION_free(session);
		pipe_close(&first);
		pipe_close(&second);
	}
	tls_server_free(&server);
}

static void bytes_that_are_no_handshake_end_it(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
	    {"EHLO client.example\r\n", 21},
	    {"GET / HTTP/1.1\r\n\r\n", 18},
	    {"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10},
	    {"\x16\x03\x01\xff\xff", 5},
	    {"\x80\x09\x01\x00\x02\x00\x00\x00\x00\x00\x00", 11},
	    {"\x17\x03\x03\x00\x01x", 6},
	    {"\x15\x03\x03\x00\x02\x02\x28", 7},
	};
	static const char *const stems[] = {"a"};
	struct tls_server *server = server_of(stems, 1);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pipe pipe;

		pipe_open(&pipe, server);
		assert_int_equal(tls_handshake(pipe.tls, &pipe.err), TLS_MORE);
		assert_false(tls_wants_room(pipe.tls));
		assert_int_equal(
		    send(pipe.fds[1], rows[i].bytes, rows[i].len, 0),
		    rows[i].len);
		assert_int_equal(
		    tls_handshake(pipe.tls, &pipe.err), TLS_BROKEN);
		assert_int_equal(pipe.err.kind, ERROR_TEMPORARY);
		pipe_close(&pipe);
	}
	tls_server_free(&server);
}

/* --- bytes ------------------------------------------------------------ */

static void bytes_go_both_ways_until_someone_ends(void **state)
{
	static const char *const stems[] = {"a"};
	struct tls_server *server = server_of(stems, 1);
	static char data[4 * TLS_RECORD], in[4 * TLS_RECORD];
	struct pipe pipe;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i % 251);
	pipe_open(&pipe, server);
	assert_int_equal(shake_hands(&pipe), TLS_DONE);
	assert_int_equal(tls_read(pipe.tls, in, TLS_RECORD), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(
	    SSL_write(pipe.client, data, 2 * TLS_RECORD), 2 * TLS_RECORD);
	/* One record each time: the other one still shows on the socket. */
	assert_int_equal(tls_read(pipe.tls, in, sizeof(in)), TLS_RECORD);
	assert_int_equal(
	    tls_read(pipe.tls, in + TLS_RECORD, TLS_RECORD), TLS_RECORD);
	assert_memory_equal(in, data, 2 * TLS_RECORD);

	assert_int_equal(tls_write(pipe.tls, "reply", 5), 5);
	assert_int_equal(SSL_read(pipe.client, in, sizeof(in)), 5);
	assert_int_equal(SSL_shutdown(pipe.client), 0);
	assert_int_equal(tls_read(pipe.tls, in, TLS_RECORD), 0);
	/* It can still be answered. */
	assert_int_equal(tls_write(pipe.tls, "bye", 3), 3);
	tls_shut(pipe.tls);
	assert_int_equal(SSL_read(pipe.client, in, sizeof(in)), 3);
	assert_int_equal(SSL_read(pipe.client, in, sizeof(in)), 0);
	assert_int_equal(SSL_get_error(pipe.client, 0), SSL_ERROR_ZERO_RETURN);
	pipe_close(&pipe);
	tls_server_free(&server);
}

static void what_is_not_taken_can_be_offered_again_elsewhere(void **state)
{
	static const char *const stems[] = {"a"};
	struct tls_server *server = server_of(stems, 1);
	static char data[2][64 * TLS_RECORD], in[64 * TLS_RECORD];
	size_t sent = 0, heard = 0;
	struct pipe pipe;
	bool full = false;

	(void)state;
	for (size_t i = 0; i < sizeof(data[0]); i++)
		data[0][i] = data[1][i] = (char)(i % 251);
	pipe_open(&pipe, server);
	assert_int_equal(shake_hands(&pipe), TLS_DONE);
	for (int i = 0; heard < sizeof(in); i++) {
		ssize_t more = 0;
		int got;

		if (sent < sizeof(in))
			more = tls_write(
			    pipe.tls, data[i % 2] + sent, sizeof(in) - sent);
		if (more > 0) {
			sent += (size_t)more;
			continue;
		}
		if (more < 0) {
			assert_int_equal(errno, EAGAIN);
			full = true;
		}
		got = SSL_read(
		    pipe.client, in + heard, (int)(sizeof(in) - heard));
		heard += got > 0 ? (size_t)got : 0;
	}
	assert_true(full);
	assert_memory_equal(in, data[0], sizeof(in));
	pipe_close(&pipe);
	tls_server_free(&server);
}

static void a_peer_that_breaks_the_rules_is_gone(void **state)
{
	static const char *const stems[] = {"a"};
	struct tls_server *server = server_of(stems, 1);
	char in[TLS_RECORD];
	struct pipe pipe;

	(void)state;
	pipe_open(&pipe, server);
	assert_int_equal(shake_hands(&pipe), TLS_DONE);
	assert_int_equal(send(pipe.fds[1],
			     "\x17\x03\x03\x00\x11"
			     "0123456789abcdefg",
			     22, 0),
	    22);
	assert_int_equal(tls_read(pipe.tls, in, sizeof(in)), -1);
	assert_int_equal(errno, EPROTO);
	pipe_close(&pipe);

	/* And one that hangs up without a word. */
	pipe_open(&pipe, server);
	assert_int_equal(shake_hands(&pipe), TLS_DONE);
	(void)shutdown(pipe.fds[1], SHUT_RDWR);
	assert_int_equal(tls_read(pipe.tls, in, sizeof(in)), -1);
	assert_int_equal(errno, EPROTO);
	pipe_close(&pipe);
	tls_server_free(&server);
}

/* A peer that asks for new keys again and again (RFC 8446 section 4.6.3) and
 * does not read our answers: reading waits for room to write. */
static void a_read_may_wait_for_room(void **state)
{
	static const char *const stems[] = {"a"};
	struct tls_server *server = server_of(stems, 1);
	char in[TLS_RECORD];
	struct pipe pipe;

	(void)state;
	pipe_open(&pipe, server);
	assert_int_equal(shake_hands(&pipe), TLS_DONE);
	for (int i = 0; i < 100000 && !tls_wants_room(pipe.tls); i++) {
		(void)SSL_key_update(pipe.client, SSL_KEY_UPDATE_REQUESTED);
		(void)SSL_write(pipe.client, "x", 1);
		(void)tls_read(pipe.tls, in, sizeof(in));
	}
	assert_true(tls_wants_room(pipe.tls));
	assert_int_equal(tls_read(pipe.tls, in, sizeof(in)), -1);
	assert_int_equal(errno, EAGAIN);
	(void)SSL_read(pipe.client, in, sizeof(in));
	(void)tls_read(pipe.tls, in, sizeof(in));
	assert_false(tls_wants_room(pipe.tls));
	assert_int_equal(tls_write(pipe.tls, "reply", 5), 5);
	assert_int_equal(SSL_read(pipe.client, in, sizeof(in)), 5);
	pipe_close(&pipe);
	tls_server_free(&server);
}

/* New keys cost us more than they cost the peer: whoever sends nothing else
 * must not keep the thread from others. */
static void a_read_ends_with_a_record_that_brings_nothing(void **state)
{
	static const char *const stems[] = {"a"};
	struct tls_server *server = server_of(stems, 1);
	char in[TLS_RECORD], left;
	struct pipe pipe;

	(void)state;
	pipe_open(&pipe, server);
	assert_int_equal(shake_hands(&pipe), TLS_DONE);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    SSL_key_update(pipe.client, SSL_KEY_UPDATE_NOT_REQUESTED),
		    1);
		assert_int_equal(SSL_do_handshake(pipe.client), 1);
	}
	assert_int_equal(SSL_write(pipe.client, "x", 1), 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(tls_read(pipe.tls, in, sizeof(in)), -1);
		assert_int_equal(errno, EAGAIN);
		assert_int_equal(recv(pipe.fds[0], &left, 1, MSG_PEEK), 1);
	}
	assert_int_equal(tls_read(pipe.tls, in, sizeof(in)), 1);
	assert_int_equal(recv(pipe.fds[0], &left, 1, MSG_PEEK), -1);
	pipe_close(&pipe);
	tls_server_free(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_client_gets_the_certificate_of_the_name_it_asks_for),
	    cmocka_unit_test(a_pair_that_cannot_be_used_changes_nothing),
	    cmocka_unit_test(a_connection_keeps_the_certificates_it_began_with),
	    cmocka_unit_test(what_is_agreed_upon_is_ours_to_choose),
	    cmocka_unit_test(
		tickets_resume_and_no_client_certificate_is_asked_for),
	    cmocka_unit_test(bytes_that_are_no_handshake_end_it),
	    cmocka_unit_test(bytes_go_both_ways_until_someone_ends),
	    cmocka_unit_test(what_is_not_taken_can_be_offered_again_elsewhere),
	    cmocka_unit_test(a_peer_that_breaks_the_rules_is_gone),
	    cmocka_unit_test(a_read_may_wait_for_room),
	    cmocka_unit_test(a_read_ends_with_a_record_that_brings_nothing),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
