/* REDIS_URL taken apart. Pure. */
#ifndef BASE_REDIS_URL_H
#define BASE_REDIS_URL_H

#include "error.h"

#include <stdbool.h>

/* Where a Redis server is. Strings are its own; NULL when not given. */
struct redis_address {
	char *host; /* without the brackets of IPv6; NULL with a path */
	int port;
	char *path; /* of a local socket */
	char *user;
	char *password;
	int database;
};

/* Reads `redis://[[user]:password@]host[:port][/db]` or `unix:/path`; user
 * and password may be percent-encoded. ERROR_CONFIG with a sentence for an
 * operator otherwise, which never shows the password. */
MUST_CHECK bool redis_url_parse(
    const char *url, struct redis_address *address, struct error *err);
/* Frees the strings, the password wiped. */
void redis_address_free(struct redis_address *address);

#endif
