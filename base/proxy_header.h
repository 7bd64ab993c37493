/*
 * The PROXY protocol, versions 1 and 2: who a connection comes from, said by
 * the proxy in front of us before anything else. Pure.
 */
#ifndef BASE_PROXY_HEADER_H
#define BASE_PROXY_HEADER_H

#include "base/net.h"

#include <stdbool.h>
#include <stddef.h>

enum proxy_parse {
	PROXY_DONE,
	PROXY_MORE, /* its end is not there yet */
	PROXY_BAD   /* whatever comes, it is none */
};

struct proxy_header {
	/* False: LOCAL, UNKNOWN, or no TCP: the proxy speaks for itself. */
	bool has_client;
	struct ip client;
};

/* The longest that is read: version 2 with its extensions. */
#define PROXY_HEADER_MAX (16 + 4096)

/* Reads the header at the front of `bytes`; *used says where it ends. */
enum proxy_parse proxy_header_parse(
    const char *bytes, size_t len, struct proxy_header *header, size_t *used);

#endif
