#include "httpapi/exchange.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "httpapi/access.h"
#include "httpapi/figures.h"
#include "httpapi/gate.h"
#include "httpapi/router.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum stage { STAGE_READING, STAGE_WORKING, STAGE_ANSWERED };

struct exchange {
	struct worker *worker;
	struct MHD_Connection *connection;
	struct request request;
	struct reply reply;
	struct buf body; /* of a route that takes it whole */
	void *stream;    /* the state of one that does not */
	enum stage stage;
	bool has_body, old;
	uint64_t read;
	int64_t began_us; /* clock_mono_us() */
	struct loop_task done;
};

/* --- the request ------------------------------------------------------ */

struct gathered {
	const char *name;
	struct arena *arena;
	const char *value;
};

static enum MHD_Result gather_value(
    void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct gathered *gathered = arg;

	(void)kind;
	if (strcasecmp(name, gathered->name) != 0)
		return MHD_YES;
	if (value == NULL)
		value = "";
	gathered->value = gathered->value == NULL
			      ? value
			      : arena_printf(gathered->arena, "%s, %s",
				    gathered->value, value);
	return MHD_YES;
}

const char *request_header(const struct request *request, const char *name)
{
	struct gathered gathered = {.name = name, .arena = request->arena};

	(void)MHD_get_connection_values(
	    request->connection, MHD_HEADER_KIND, gather_value, &gathered);
	return gathered.value;
}

const char *request_query(const struct request *request, const char *name)
{
	return MHD_lookup_connection_value(
	    request->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* --- the beginning ---------------------------------------------------- */

static struct exchange *exchange_new(struct worker *worker,
    struct MHD_Connection *connection, const struct gate *gate,
    const char *method)
{
	struct exchange *exchange = xcalloc(1, sizeof(*exchange));

	exchange->began_us = clock_mono_us();
	const struct head *head = gate_head(gate);
	struct request *request = &exchange->request;

	exchange->worker = worker;
	exchange->connection = connection;
	exchange->old = head->old;
	exchange->has_body = head->chunked || head->length > 0;
	request->context = worker->context;
	request->settings = settings_hold(worker->settings);
	request->arena = arena_new();
	request->method = method;
	request->path = arena_strndup(
	    request->arena, head->target.data, slice_find(head->target, '?'));
	request->length = head->length;
	request->peer = *gate_peer(gate);
	request->connection = connection;
	exchange->reply = reply_new(request->arena);
	worker->exchanges++;
	return exchange;
}

static void exchange_free(struct exchange **exchange)
{
	struct exchange *gone = *exchange;
	struct worker *worker = gone->worker;

	*exchange = NULL;
	if (gone->stream != NULL)
		gone->request.route->stream->free(gone->stream);
	buf_free(&gone->body);
	reply_free(&gone->reply);
	arena_free(&gone->request.arena);
	settings_release(&gone->request.settings);
	free(gone);
	worker->exchanges--;
	worker_left(worker);
}

/* Browsers of this origin may read the answer. */
static bool allow_origin(struct exchange *exchange)
{
	const char *allowed =
	    exchange->request.settings->config->haraka_cors_origin;
	const char *origin;

	if (allowed == NULL)
		return false;
	reply_header(&exchange->reply, "Vary", "Origin");
	origin = request_header(&exchange->request, "Origin");
	if (origin == NULL ||
	    (strcmp(allowed, "*") != 0 && strcmp(allowed, origin) != 0))
		return false;
	reply_header(&exchange->reply, "Access-Control-Allow-Origin", allowed);
	return true;
}

/* A browser asks before it calls (CORS, "preflight"). */
static void answer_preflight(struct exchange *exchange, const char *allow)
{
	struct reply *reply = &exchange->reply;

	reply_header(reply, "Access-Control-Allow-Methods", allow);
	reply_header(reply, "Access-Control-Allow-Headers",
	    "Content-Type, X-API-Key, Idempotency-Key");
	reply_header(reply, "Access-Control-Max-Age", "600");
	reply_begin(reply, 204, "text/plain");
}

/* Finds the route; otherwise answers. */
static bool route(struct exchange *exchange, bool cors)
{
	struct request *request = &exchange->request;
	const char *allow;

	switch (router_find(request, slice_of(request->path), &allow)) {
	case ROUTE_FOUND:
		return true;
	case ROUTE_NO_PATH:
		reply_error(&exchange->reply, 404, "there is no such call");
		break;
	case ROUTE_NO_METHOD:
		if (cors && strcmp(request->method, "OPTIONS") == 0) {
			answer_preflight(exchange, allow);
			break;
		}
		reply_header(&exchange->reply, "Allow", allow);
		reply_error(&exchange->reply, 405, "this call takes %s", allow);
		break;
	}
	return false;
}

/* What is known of the body before it comes. */
static void check_body(struct exchange *exchange)
{
	const struct route *found = exchange->request.route;

	if (exchange->has_body && found->body_limit == 0)
		reply_error(&exchange->reply, 400, "this call takes no body");
	else if (exchange->request.length > found->body_limit)
		reply_error(&exchange->reply, 413,
		    "the body is larger than %llu bytes",
		    (unsigned long long)found->body_limit);
}

/* Before the body is read: who asks, what for, and whether they may. */
static void judge(struct exchange *exchange)
{
	struct request *request = &exchange->request;
	struct reply *reply = &exchange->reply;
	bool cors, found;

	atomic_fetch_add(&request->context->counters.requests, 1);
	access_identify(request);
	cors = allow_origin(exchange);
	found = route(exchange, cors);
	if ((!found || !request->route->uncounted) &&
	    !access_take_turn(request, reply))
		return;
	if (!found || !access_allow(request, reply))
		return;
	check_body(exchange);
	if (reply->status != 0)
		return;
	exchange->body = buf_new(request->route->body_limit);
	if (request->route->stream != NULL)
		exchange->stream =
		    request->route->stream->begin(request, reply);
}

/* --- the body --------------------------------------------------------- */

static void read_body(struct exchange *exchange, const char *data, size_t len)
{
	const struct route *found = exchange->request.route;
	struct gate *gate;

	if (exchange->reply.status != 0)
		return;
	exchange->read += len;
	if (exchange->read > found->body_limit) {
		/* The library cannot answer in the middle of a body. */
		gate = gate_of(exchange->connection);
		if (gate != NULL)
			gate_refuse(gate, 413, "the body is too large");
		reply_error(&exchange->reply, 413, "the body is too large");
	} else if (exchange->stream != NULL) {
		found->stream->feed(exchange->stream, data, len);
	} else {
		(void)buf_append(&exchange->body, data, len);
	}
}

/* --- the answer ------------------------------------------------------- */

static void add_header(
    struct MHD_Response *response, const char *name, const char *value)
{
	if (MHD_add_response_header(response, name, value) != MHD_YES)
		log_event(LOG_ERROR, "header_refused", LOG_TEXT("name", name));
}

static struct MHD_Response *make_response(struct exchange *exchange)
{
	struct reply *reply = &exchange->reply;
	/* The body stays until the exchange is completed. */
	struct MHD_Response *response = MHD_create_response_from_buffer(
	    reply->body.len, reply->body.data, MHD_RESPMEM_PERSISTENT);

	if (response == NULL)
		return NULL;
	if (reply->status != 204)
		add_header(response, "Content-Type", reply->type);
	add_header(response, "X-Content-Type-Options", "nosniff");
	add_header(response, "Cache-Control", "no-store");
	for (size_t i = 0; i < reply->header_count; i++)
		add_header(
		    response, reply->headers[i].name, reply->headers[i].value);
	if (exchange->old || exchange->worker->stop_ms != 0)
		add_header(response, "Connection", "close");
	return response;
}

static enum MHD_Result answer(struct exchange *exchange)
{
	struct MHD_Response *response = make_response(exchange);
	enum MHD_Result queued;

	exchange->stage = STAGE_ANSWERED;
	if (response == NULL)
		return MHD_NO;
	if (exchange->request.route != NULL)
		metric_observe(&figure_request_duration,
		    exchange->request.route->path,
		    (uint64_t)(clock_mono_us() - exchange->began_us));
	log_event(LOG_DEBUG, "request_answered",
	    LOG_TEXT("ip", exchange->request.client_text),
	    LOG_TEXT("method", exchange->request.method),
	    LOG_TEXT("path", exchange->request.path),
	    LOG_NUMBER("status", exchange->reply.status));
	queued = MHD_queue_response(
	    exchange->connection, exchange->reply.status, response);
	MHD_destroy_response(response);
	return queued;
}

/* --- the work --------------------------------------------------------- */

/* On the loop: the library may go on. */
static void resume(struct exchange *exchange)
{
	MHD_resume_connection(exchange->connection);
	worker_stir(exchange->worker);
}

static void on_stream_done(void *arg)
{
	struct exchange *exchange = arg;

	exchange->request.route->stream->finish(
	    exchange->stream, &exchange->reply);
	resume(exchange);
}

/* On any thread. */
static void on_done(void *arg)
{
	struct exchange *exchange = arg;

	exchange->done =
	    (struct loop_task){.call = on_stream_done, .arg = exchange};
	loop_post(exchange->worker->loop, &exchange->done);
}

/* On the pool, or on the loop if it is quick. */
static void serve(void *arg)
{
	struct exchange *exchange = arg;
	struct request *request = &exchange->request;

	request->body = (struct slice){exchange->body.data, exchange->body.len};
	if (exchange->stream != NULL)
		request->route->stream->serve(
		    exchange->stream, &exchange->reply);
	else
		request->route->serve(request, &exchange->reply);
}

/* On the loop, once serve() has returned; the connection is suspended. */
static void on_served(void *arg)
{
	struct exchange *exchange = arg;
	const struct route_stream *stream = exchange->request.route->stream;

	if (exchange->reply.status == 0) {
		assert(stream != NULL && stream->start != NULL);
		stream->start(exchange->stream, on_done, exchange);
		return;
	}
	resume(exchange);
}

static bool is_quick(const struct exchange *exchange)
{
	const struct route *found = exchange->request.route;

	return found->stream != NULL
		   ? found->stream->quick != NULL &&
			 found->stream->quick(exchange->stream)
		   : found->quick;
}

static enum MHD_Result begin_work(struct exchange *exchange)
{
	struct worker *worker = exchange->worker;

	exchange->stage = STAGE_WORKING;
	if (is_quick(exchange)) {
		serve(exchange);
		if (exchange->reply.status != 0)
			return answer(exchange);
		MHD_suspend_connection(exchange->connection);
		on_served(exchange);
		return MHD_YES;
	}
	if (pool_start(worker->context->pool, worker->loop, serve, on_served,
		exchange) == NULL) {
		reply_header(&exchange->reply, "Retry-After", "1");
		reply_error(&exchange->reply, 503, "too busy");
		return answer(exchange);
	}
	MHD_suspend_connection(exchange->connection);
	return MHD_YES;
}

/* --- the library calls ------------------------------------------------ */

/* An answer before the body ends the connection; one that waits for the next
 * call does not. So a short body of somebody who has the key is waited for. */
static bool answers_early(const struct exchange *exchange)
{
	const struct request *request = &exchange->request;

	return exchange->reply.status != 0 && exchange->has_body &&
	       (!request->has_key || request->length == 0 ||
		   request->length > LIMIT_HTTP_PIECE);
}

enum MHD_Result exchange_handle(void *arg, struct MHD_Connection *connection,
    const char *url, const char *method, const char *version, const char *data,
    size_t *len, void **context)
{
	struct exchange *exchange = *context;
	const struct gate *gate;

	(void)url;
	(void)version;
	if (exchange == NULL) {
		gate = gate_of(connection);
		if (gate == NULL)
			return MHD_NO; /* the client has left */
		exchange = exchange_new(arg, connection, gate, method);
		*context = exchange;
		judge(exchange);
		return answers_early(exchange) ? answer(exchange) : MHD_YES;
	}
	if (*len > 0) {
		read_body(exchange, data, *len);
		*len = 0;
		return MHD_YES;
	}
	if (exchange->stage == STAGE_ANSWERED)
		return MHD_YES;
	if (exchange->reply.status != 0)
		return answer(exchange);
	return begin_work(exchange);
}

void exchange_completed(void *arg, struct MHD_Connection *connection,
    void **context, enum MHD_RequestTerminationCode code)
{
	struct exchange *exchange = *context;
	struct gate *gate = gate_of(connection);

	(void)arg;
	(void)code;
	*context = NULL;
	if (exchange != NULL)
		exchange_free(&exchange);
	if (gate != NULL)
		gate_answered(gate);
}
