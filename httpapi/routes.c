/* The calls that there are. One row each; the file is named after the path. */
#include "httpapi/router.h"

#include "bounds.h"
#include "httpapi/route_alive.h"
#include "httpapi/route_dead.h"
#include "httpapi/route_dkim.h"
#include "httpapi/route_messages.h"
#include "httpapi/route_metrics.h"
#include "httpapi/route_openapi.h"
#include "httpapi/route_page.h"
#include "httpapi/route_send.h"
#include "httpapi/route_status.h"

/* With the key; what stands in a body is passed over. */
#define KEYED(wanted, where, does)                                             \
	{                                                                      \
		.method = (wanted), .path = (where), .access = ROUTE_KEY,      \
		.body_limit = LIMIT_HTTP_SMALL_BODY, .serve = (does)           \
	}

/* What monitoring asks for again and again. */
#define WATCHED(where, who, does)                                              \
	{                                                                      \
		.method = "GET", .path = (where), .access = (who),             \
		.uncounted = true, .serve = (does)                             \
	}

#define FILE_OF_PAGE(where, does)                                              \
	{                                                                      \
		.method = "GET", .path = (where), .access = ROUTE_OPEN,        \
		.quick = true, .serve = (does)                                 \
	}

#define DKIM "/api/v1/dkim/domains/{domain}"

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

    WATCHED("/healthz", ROUTE_OPS, route_healthz),
    WATCHED("/readyz", ROUTE_OPS, route_readyz),
    WATCHED("/metrics", ROUTE_METRICS, route_metrics),

    {.method = "GET",
	.path = "/status",
	.access = ROUTE_OPS,
	.serve = route_status,
	.stranger = route_status_stranger},
    {.method = "GET",
	.path = "/status/live",
	.access = ROUTE_OPS,
	.serve = route_status_live},
    FILE_OF_PAGE("/status/status.js", route_page_script),
    FILE_OF_PAGE("/status/status.css", route_page_style),
    FILE_OF_PAGE("/openapi.json", route_openapi),
    FILE_OF_PAGE("/status/icon.svg", route_page_icon),

    KEYED("GET", "/api/v1/messages", route_messages_list),
    KEYED("GET", "/api/v1/messages/{id}", route_messages_show),
    KEYED("POST", "/api/v1/messages/{id}/retry", route_messages_retry),
    KEYED("POST", "/api/v1/messages/{id}/cancel", route_messages_cancel),
    KEYED("POST", "/api/v1/messages/{id}/hold", route_messages_hold),
    KEYED("POST", "/api/v1/messages/{id}/release", route_messages_release),
    KEYED("POST", "/api/v1/messages/{id}/replay", route_messages_replay),

    KEYED("GET", DKIM, route_dkim_show),
    KEYED("PUT", DKIM, route_dkim_store),
    KEYED("DELETE", DKIM, route_dkim_delete),
    KEYED("POST", DKIM "/rotate", route_dkim_rotate),

    KEYED("GET", "/api/v1/dead", route_dead_list),
    KEYED("POST", "/api/v1/dead/{id}/requeue", route_dead_requeue),
    KEYED("DELETE", "/api/v1/dead/{id}", route_dead_drop),
};

const size_t route_count = sizeof(routes) / sizeof(routes[0]);
