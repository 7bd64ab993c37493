#include "httpapi/route_openapi.h"

#include "httpapi/page.h"

void route_openapi(struct request *request, struct reply *reply)
{
	(void)request;
	reply_begin(reply, 200, "application/json");
	(void)buf_append(
	    &reply->body, page_openapi_json.data, page_openapi_json.len);
}
