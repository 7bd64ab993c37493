/*
 * Calls to an HTTP/1.1 server, one after the other, over a connection that is
 * kept alive: the only user of libcurl. A client belongs to one thread (only
 * http_client_interrupt() may be called from another); plain blocking code
 * with a time limit on everything.
 *
 * Nothing is followed (no redirect, no proxy of the environment, no netrc),
 * nothing is decoded, and an answer is read up to a limit: what comes back is
 * what the server named in the URL said.
 */
#ifndef BASE_HTTP_CLIENT_H
#define BASE_HTTP_CLIENT_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_client;

/* Why there is no whole answer. */
enum http_failure {
	HTTP_ANSWERED = 0,    /* there is one: see status */
	HTTP_UNRESOLVED,      /* the name has no address now */
	HTTP_REFUSED,         /* nobody listens there, or no route */
	HTTP_CONNECT_TIMEOUT, /* no connection in time */
	HTTP_TIMEOUT,         /* connected, and no whole answer in time */
	HTTP_TLS,             /* handshake or certificate */
	HTTP_BROKEN,          /* cut off, not HTTP, or an answer too long */
	HTTP_BODY_FAILED,     /* our own request body could not be read */
	HTTP_INTERRUPTED      /* by http_client_interrupt() */
};

/* A request body of known size, pulled piece by piece. read fills up to len
 * bytes; *got is 0 only at the end. rewind goes back to the first byte, for a
 * second try when a kept connection turns out to be dead. */
struct http_body {
	uint64_t size;
	bool (*read)(
	    void *arg, void *data, size_t len, size_t *got, struct error *err);
	bool (*rewind)(void *arg, struct error *err);
	void *arg;
};

struct http_request {
	const char *url;
	/* "Name: value" each, without CR or LF; borrowed. */
	const char *const *headers;
	size_t header_count; /* at most HTTP_HEADERS */
	/* NULL makes it a GET, anything else a POST. */
	const struct http_body *body;
	/* For the whole call; a large body gets more, at
	 * LIMIT_UPLOAD_FLOOR, but no standstill much longer than this. */
	int64_t timeout_ms;
};

#define HTTP_HEADERS 16

struct http_response {
	enum http_failure failure;
	int status; /* 0 if none came; may be known of a broken answer */
	/* NUL-terminated; the client's, until its next call. */
	const char *body;
	size_t body_len;
	int64_t retry_after_ms; /* Retry-After, seconds or date; 0 = none */
	int64_t duration_ms;
	char problem[160]; /* one sentence when failure is not HTTP_ANSWERED */
};

/* Answers are read up to answer_limit bytes. user_agent is copied. */
struct http_client *http_client_new(
    const char *user_agent, size_t answer_limit);
void http_client_free(struct http_client **client);

/* Makes the call and fills *response, whatever happens. */
void http_client_send(struct http_client *client,
    const struct http_request *request, struct http_response *response);

/* Ends the call in progress and every later one with HTTP_INTERRUPTED. Any
 * thread. */
void http_client_interrupt(struct http_client *client);

/* Whether a call to this URL says X-Forwarded-Proto: https, because it stays
 * inside (http, a host under .internal) and Phoenix insists on TLS. */
bool http_url_is_internal(const char *url);

/* "time_out", "refused", ...: a fixed name for logs; static. */
const char *http_failure_name(enum http_failure failure);

#endif
