/*
 * A request as a route sees it. Strings live as long as the request. Not
 * shared by threads, though it goes from a loop to the pool and back.
 */
#ifndef HTTPAPI_REQUEST_H
#define HTTPAPI_REQUEST_H

#include "base/arena.h"
#include "base/net.h"
#include "base/slice.h"
#include "httpapi/context.h"
#include "httpapi/reply.h"

struct route;

#define REQUEST_PARAMETERS 4

struct request {
	struct context *context;
	struct settings *settings; /* held */
	const struct route *route;
	struct arena *arena;
	const char *method;
	const char *path; /* as sent, without the query */
	const char *parameters[REQUEST_PARAMETERS];
	struct slice body; /* of routes that take one whole */
	uint64_t length;   /* of the body as announced; 0: not, or none */
	struct ip peer;    /* the other end of the connection */
	struct ip client;  /* behind trusted proxies */
	char client_text[IP_TEXT];
	bool has_key; /* the key was shown, and is right */
	bool https;   /* on the way to the outermost trusted proxy */
	struct MHD_Connection *connection; /* exchange.c's */
};

/* The part of the path that the route's {name} stands for, decoded. */
const char *request_parameter(const struct request *request, const char *name);
/* A parameter of the query, decoded; NULL if there is none. */
const char *request_query(const struct request *request, const char *name);
/* A header's value; NULL if there is none. Of several lines of this name all
 * values, with ", " between them (RFC 9110 section 5.3). */
const char *request_header(const struct request *request, const char *name);

#endif
