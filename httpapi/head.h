/*
 * The head of an HTTP/1.1 request, read strictly (RFC 9112): what two readers
 * could understand in two ways is refused, above all in what says how long a
 * request is. Pure.
 */
#ifndef HTTPAPI_HEAD_H
#define HTTPAPI_HEAD_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* Why a request is not one: an HTTP status and a sentence. */
struct fault {
	int status; /* 0: nothing is wrong */
	const char *text;
};

/* Slices point into what was read. */
struct head {
	struct slice method;
	struct slice target; /* as sent: "/path?query", or "*" */
	bool old;            /* HTTP/1.0: the connection ends with the answer */
	bool chunked;
	uint64_t length; /* of the body, unless chunked */
};

/* Reads a head with its empty line; every LF in it follows a CR and the other
 * way round. On failure fault says why. */
bool head_parse(struct slice text, struct head *head, struct fault *fault);

/* tchar of RFC 9110 section 5.6.2. */
bool head_is_token_char(char c);

#endif
