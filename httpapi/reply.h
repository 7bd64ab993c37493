/*
 * The answer to a request, as a route fills it. Not shared by threads.
 */
#ifndef HTTPAPI_REPLY_H
#define HTTPAPI_REPLY_H

#include "base/arena.h"
#include "base/buf.h"
#include "error.h"

#include <jansson.h>

#define REPLY_HEADERS 16

struct reply_header {
	const char *name, *value;
};

struct reply {
	struct arena *arena; /* borrowed: lives as long as the reply */
	unsigned status;     /* 0: nobody answered yet */
	const char *type;    /* Content-Type; static or the arena's */
	struct buf body;
	struct reply_header headers[REPLY_HEADERS];
	size_t header_count;
};

struct reply reply_new(struct arena *arena);
void reply_free(struct reply *reply);

/* Adds a header line; both are copied. A value has no control characters. */
void reply_header(struct reply *reply, const char *name, const char *value);

/* A JSON value as the answer, which it takes over; NULL is a bug. */
void reply_json(struct reply *reply, unsigned status, json_t *value);
/* Any text; append to reply->body. `type` is copied. */
void reply_begin(struct reply *reply, unsigned status, const char *type);

/* An error: `{"success":false,"error":...}` with the members of RFC 9457. The
 * detail is a sentence without a full stop. What was answered before is
 * forgotten, headers stay. */
void reply_error(struct reply *reply, unsigned status, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* The same with members of its own, which it takes over: `field`, `reason`. */
void reply_problem(
    struct reply *reply, unsigned status, const char *detail, json_t *members);
/* What went wrong in the spool, as its kind says: 404, 409, 413, 500, 503,
 * 507. */
void reply_failure(struct reply *reply, const struct error *err);

/* "Not Found" */
const char *reply_title(unsigned status);

#endif
