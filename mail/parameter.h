/*
 * Header values with parameters (RFC 2045 section 5.1), such as Content-Type:
 * `text/plain; charset=utf-8; name*0*=utf-8''a%20; name*1=b`. Parameters that
 * come in pieces or encoded (RFC 2231) are put together. Pure.
 */
#ifndef MAIL_PARAMETER_H
#define MAIL_PARAMETER_H

#include "base/arena.h"
#include "base/slice.h"
#include "bounds.h"

#include <stddef.h>

struct parameter {
	struct slice name; /* lower case, with its "*0*" */
	struct slice value;
};

struct parameters {
	struct slice value; /* what stands before the first ';' */
	struct parameter list[LIMIT_PARAMETERS]; /* more are left out */
	size_t count;
};

/* Takes an unfolded header value apart. The strings are the arena's. */
void parameters_parse(
    struct slice text, struct arena *arena, struct parameters *result);

/* The parameter of this (lower-case) name as UTF-8, with encoded words
 * decoded where RFC 2231 was not used; NULL if there is none. */
const char *parameters_get(
    const struct parameters *parameters, const char *name, struct arena *arena);

#endif
