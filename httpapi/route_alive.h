/* Whether the program runs at all. */
#ifndef HTTPAPI_ROUTE_ALIVE_H
#define HTTPAPI_ROUTE_ALIVE_H

#include "httpapi/router.h"

/* GET /livez: 200 from whoever can answer. */
void route_livez(struct request *request, struct reply *reply);

#endif
