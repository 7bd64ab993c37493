/*
 * Who asks, and what they may.
 */
#ifndef HTTPAPI_ACCESS_H
#define HTTPAPI_ACCESS_H

#include "httpapi/router.h"

/* Fills client, https and has_key from the connection and the header. The
 * addresses of X-Forwarded-For count from the right, as long as who told them
 * is a trusted proxy; X-Real-IP counts if there is none. */
void access_identify(struct request *request);

/* Whether the request may use its route. Otherwise it is answered: 401, and
 * the log has it. */
bool access_allow(struct request *request, struct reply *reply);

/* Counts it against the rate limit, and tells the client by the RateLimit
 * header fields. If it is one too many it is answered: 429. */
bool access_take_turn(struct request *request, struct reply *reply);

/* The client of a list of addresses ("a, b, c"), walked from the right: the
 * first that is no trusted proxy. `nearest` is who spoke to us. Pure. */
struct ip access_client(
    struct ip nearest, const char *forwarded, const struct cidr_set *proxies);

#endif
