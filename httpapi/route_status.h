/* /status, as JSON for programs and as a page for people, and /healthz and
 * /readyz for what watches us. */
#ifndef HTTPAPI_ROUTE_STATUS_H
#define HTTPAPI_ROUTE_STATUS_H

#include "httpapi/router.h"

route_serve_fn route_status, route_status_live;
route_serve_fn route_healthz, route_readyz;
/* What a person sees who is not let in: the page, which asks for the key. */
route_serve_fn route_status_stranger;

#endif
