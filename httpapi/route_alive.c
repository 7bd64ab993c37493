#include "httpapi/route_alive.h"

void route_livez(struct request *request, struct reply *reply)
{
	(void)request;
	reply_json(reply, 200, json_pack("{s:b}", "ok", 1));
}
