/* The sockets that requests come to. */
#ifndef HTTPAPI_LISTEN_H
#define HTTPAPI_LISTEN_H

#include "base/config.h"
#include "base/listeners.h"

/* The address of HARAKA_HTTP_HOST; a name is looked up. */
MUST_CHECK bool httpapi_find_host(
    const struct config *config, struct ip *ip, struct error *err);
/* That of HARAKA_HTTP_HOST and _PORT, or those that were passed in. */
MUST_CHECK bool httpapi_listen(const struct config *config,
    struct listeners *listeners, struct error *err);

#endif
