/* /metrics: our own figures under their old names, and those of the spool and
 * of all its programs. */
#ifndef HTTPAPI_ROUTE_METRICS_H
#define HTTPAPI_ROUTE_METRICS_H

#include "httpapi/router.h"

route_serve_fn route_metrics;

#endif
