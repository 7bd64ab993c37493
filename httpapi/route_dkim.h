/*
 * /api/v1/dkim/domains/{domain}: the key with which a domain's mail is signed,
 * and whether the world can find its other half.
 */
#ifndef HTTPAPI_ROUTE_DKIM_H
#define HTTPAPI_ROUTE_DKIM_H

#include "httpapi/router.h"

route_serve_fn route_dkim_show, route_dkim_store, route_dkim_delete;
/* Makes the key that is to follow, and says what to publish; with
 * {"activate":true} it takes over, once its record is in the DNS. */
route_serve_fn route_dkim_rotate;

#endif
