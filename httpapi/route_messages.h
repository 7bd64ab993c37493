/* /api/v1/messages: what is in the spool, one message with its story, and
 * acting on it. */
#ifndef HTTPAPI_ROUTE_MESSAGES_H
#define HTTPAPI_ROUTE_MESSAGES_H

#include "httpapi/router.h"

route_serve_fn route_messages_list, route_messages_show;
route_serve_fn route_messages_retry, route_messages_cancel;
route_serve_fn route_messages_hold, route_messages_release;
route_serve_fn route_messages_replay;

#endif
