/* POST /api/v1/send: a message becomes durable in the spool. */
#ifndef HTTPAPI_ROUTE_SEND_H
#define HTTPAPI_ROUTE_SEND_H

#include "httpapi/router.h"

extern const struct route_stream route_send;

#endif
