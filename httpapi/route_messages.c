#include "httpapi/route_messages.h"

#include "bounds.h"
#include "httpapi/operation.h"

#include <string.h>

void route_messages_list(struct request *request, struct reply *reply)
{
	struct operator_filter filter;

	if (operation_filter(request, &filter, reply))
		operation_page(request, &filter, OPERATOR_OLDEST_FIRST, reply);
}

/* --- one message ------------------------------------------------------ */

static bool add_deliveries(struct request *request, const struct id *id,
    json_t *deliveries, struct error *err)
{
	const struct operator_filter filter = {.id = id};
	struct operator_list *list = operator_list_new(
	    request->context->spool, &filter, OPERATOR_OLDEST_FIRST);
	const struct operator_entry *entry;
	bool done;

	while ((done = operator_list_next(list, &entry, err)) && entry != NULL)
		(void)json_array_append_new(deliveries, operation_entry(entry));
	operator_list_free(&list);
	return done;
}

static void add_event(
    void *arg, const struct id *id, const char *json, size_t len)
{
	json_t *event = json_loadb(json, len, 0, NULL);

	(void)id;
	if (event != NULL && json_array_size(arg) < LIMIT_HTTP_EVENTS)
		(void)json_array_append_new(arg, event);
}

/* Copies what is said of the message as a whole. */
static void describe(
    json_t *message, const json_t *deliveries, const json_t *events)
{
	static const char *const keys[] = {
	    "received", "from", "message_id", "size", "ip", "user"};
	const json_t *first = json_array_get(deliveries, 0);
	const json_t *accepted = json_array_get(events, 0);

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		json_t *value = json_object_get(first, keys[i]);

		/* A finished one is known by its story. */
		if (value == NULL)
			value = json_object_get(accepted,
			    strcmp(keys[i], "received") == 0 ? "ts" : keys[i]);
		if (value != NULL)
			(void)json_object_set(message, keys[i], value);
	}
}

void route_messages_show(struct request *request, struct reply *reply)
{
	const char *text = request_parameter(request, "id");
	json_t *deliveries, *events, *message;
	struct operator_told told;
	struct error err;
	struct id id;

	if (!operation_id(request, &id, reply))
		return;
	deliveries = json_array();
	events = json_array();
	message = json_pack("{s:s, s:o, s:o}", "id", text, "deliveries",
	    deliveries, "events", events);
	if (!add_deliveries(request, &id, deliveries, &err) ||
	    !operator_trace(request->context->spool, text, 1, add_event, events,
		&told, &err)) {
		json_decref(message);
		reply_failure(reply, &err);
	} else if (json_array_size(deliveries) + json_array_size(events) == 0) {
		json_decref(message);
		reply_error(reply, 404, "there is no such message");
	} else {
		describe(message, deliveries, events);
		reply_json(reply, 200, message);
	}
}

/* --- acting ----------------------------------------------------------- */

void route_messages_retry(struct request *request, struct reply *reply)
{
	operation_act(request, OPERATOR_RETRY, reply);
}

void route_messages_cancel(struct request *request, struct reply *reply)
{
	operation_act(request, OPERATOR_CANCEL, reply);
}

void route_messages_hold(struct request *request, struct reply *reply)
{
	operation_act(request, OPERATOR_HOLD, reply);
}

void route_messages_release(struct request *request, struct reply *reply)
{
	operation_act(request, OPERATOR_RELEASE, reply);
}

void route_messages_replay(struct request *request, struct reply *reply)
{
	operation_replay(request, reply);
}
