/* The calls that there are. One row each; the file is named after the path. */
#include "httpapi/router.h"

#include "bounds.h"
#include "httpapi/route_alive.h"
#include "httpapi/route_send.h"

const struct route routes[] = {
    {.method = "POST",
	.path = "/api/v1/send",
	.access = ROUTE_KEY,
	.body_limit = LIMIT_HTTP_BODY,
	.stream = &route_send},
    {.method = "GET",
	.path = "/livez",
	.access = ROUTE_OPEN,
	.uncounted = true,
	.quick = true,
	.serve = route_livez},
};

const size_t route_count = sizeof(routes) / sizeof(routes[0]);
