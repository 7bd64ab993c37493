/* /api/v1/dead: the dead letters. */
#ifndef HTTPAPI_ROUTE_DEAD_H
#define HTTPAPI_ROUTE_DEAD_H

#include "httpapi/router.h"

route_serve_fn route_dead_list, route_dead_requeue, route_dead_drop;

#endif
