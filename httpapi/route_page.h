/* The page at /status, and what belongs to it: files of httpapi/page that are
 * part of the program. No data is in them. */
#ifndef HTTPAPI_ROUTE_PAGE_H
#define HTTPAPI_ROUTE_PAGE_H

#include "httpapi/router.h"

route_serve_fn route_page_script, route_page_style, route_page_icon;

void page_answer(struct request *request, unsigned status, struct reply *reply);

#endif
