/*
 * Which call is meant, and what it may do. A new one is a file and a row of
 * the table in routes.c.
 */
#ifndef HTTPAPI_ROUTER_H
#define HTTPAPI_ROUTER_H

#include "httpapi/request.h"

enum route_access {
	ROUTE_OPEN,   /* anyone */
	ROUTE_KEY,    /* who shows the key */
	ROUTE_OPS,    /* the key, or OPS_ALLOWED_CIDRS */
	ROUTE_METRICS /* the key, or METRICS_ALLOWED_CIDRS */
};

/* Answers. On a thread of the pool: it may block, as plain straight-line
 * code. */
typedef void route_serve_fn(struct request *request, struct reply *reply);

/*
 * For a body that is not taken whole. begin() makes the state, or answers
 * (then a body that follows is not read); feed() takes the pieces and must not
 * block. After the last one serve() runs on the pool with the state, or, if
 * quick() is there and says so, at once on the loop. Then, if start() is there
 * and nobody answered yet, it gets its own time: it must call done(arg)
 * exactly once, from any thread; finish() answers then. free() comes last,
 * whatever happened, not before done().
 */
typedef void route_done_fn(void *arg);
struct route_stream {
	void *(*begin)(struct request *request, struct reply *reply);
	void (*feed)(void *state, const char *data, size_t len);
	bool (*quick)(void *state);
	void (*serve)(void *state, struct reply *reply);
	void (*start)(void *state, route_done_fn *done, void *arg);
	void (*finish)(void *state, struct reply *reply);
	void (*free)(void *state);
};

struct route {
	const char *method;
	const char *path; /* "/api/v1/messages/{id}" */
	enum route_access access;
	uint64_t body_limit; /* bytes; 0: takes none */
	bool uncounted;      /* by the rate limit */
	bool quick;          /* never blocks: served on the loop */
	route_serve_fn *serve;
	const struct route_stream *stream; /* instead of serve */
	/* May answer otherwise who is not let in; NULL: the error stays. */
	route_serve_fn *stranger;
};

extern const struct route routes[];
extern const size_t route_count;

enum route_match { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };

/* Finds the route of method and path and fills request->route and parameters.
 * HEAD is GET. With ROUTE_NO_METHOD *allow lists what the path takes. */
enum route_match router_find(
    struct request *request, struct slice target, const char **allow);

#endif
