/* GET /openapi.json: what all calls take and answer (OpenAPI 3.1). */
#ifndef HTTPAPI_ROUTE_OPENAPI_H
#define HTTPAPI_ROUTE_OPENAPI_H

#include "httpapi/router.h"

void route_openapi(struct request *request, struct reply *reply);

#endif
