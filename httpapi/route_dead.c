#include "httpapi/route_dead.h"

#include "httpapi/operation.h"

void route_dead_list(struct request *request, struct reply *reply)
{
	struct operator_filter filter;

	if (operation_filter(request, &filter, reply))
		operation_page(request, &filter, OPERATOR_BY_DEATH, reply);
}

void route_dead_requeue(struct request *request, struct reply *reply)
{
	operation_act(request, OPERATOR_REQUEUE, reply);
}

void route_dead_drop(struct request *request, struct reply *reply)
{
	operation_act(request, OPERATOR_DROP, reply);
}
