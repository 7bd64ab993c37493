#include "httpapi/route_status.h"

#include "base/clock.h"
#include "base/errors.h"
#include "base/number.h"
#include "bounds.h"
#include "httpapi/operation.h"
#include "httpapi/route_page.h"
#include "httpapi/sampler.h"

#include <stdio.h>
#include <string.h>

/* --- /status ---------------------------------------------------------- */

static json_t *lane_json(const struct operator_status *status, enum lane lane)
{
	json_t *states = json_object();

	for (enum delivery_state state = STATE_QUEUED; state <= STATE_DEAD;
	     state++)
		(void)json_object_set_new(states, delivery_state_name(state),
		    json_integer((json_int_t)status->deliveries[lane][state]));
	return states;
}

static json_t *queue_json(const struct operator_status *status, int64_t now_ms)
{
	int64_t age_ms =
	    status->oldest_ms == 0 ? 0 : now_ms - status->oldest_ms;

	return json_pack("{s:I, s:I, s:I, s:I, s:o, s:I, s:{s:o, s:o}}",
	    "messages", (json_int_t)status->messages, "bytes",
	    (json_int_t)status->bytes, "waiting",
	    (json_int_t)operator_waiting(status), "dead",
	    (json_int_t)operator_dead(status), "oldest_at",
	    operation_time(status->oldest_ms), "oldest_age_seconds",
	    (json_int_t)(age_ms > 0 ? age_ms / 1000 : 0), "lanes", "webhook",
	    lane_json(status, LANE_WEBHOOK), "smtp",
	    lane_json(status, LANE_SMTP));
}

static void add_circuit(void *arg, const struct operator_circuit *circuit)
{
	if (json_array_size(arg) < LIMIT_HTTP_CIRCUITS)
		(void)json_array_append_new(
		    arg, json_pack("{s:s, s:o, s:o, s:o, s:o}", "lane",
			     lane_name(circuit->lane), "destination",
			     operation_text(circuit->destination), "reason",
			     operation_text(circuit->reason), "opened",
			     operation_time(circuit->opened_ms), "next_probe",
			     operation_time(circuit->probe_ms)));
}

static json_t *own_json(struct context *context)
{
	const struct counters *counters = &context->counters;

	return json_pack("{s:b, s:s, s:o, s:s, s:o, s:I}", "ok",
	    (int)spool_healthy(context->spool, NULL), "role", "http-api",
	    "started_at", operation_time(counters->started_ms), "version",
	    ELEKTRINE_VERSION, "now", operation_time(clock_wall_ms()),
	    "uptime_seconds",
	    (json_int_t)((clock_mono_ms() - counters->started_mono_ms) / 1000));
}

/* NULL, and answered, if the spool cannot tell. */
static json_t *status_json(struct context *context, struct reply *reply)
{
	struct operator_status status;
	json_t *circuits = json_array(), *body, *more;
	struct error err;

	if (!operator_status(context->spool, &status, &err) ||
	    !operator_circuits(context->spool, add_circuit, circuits, &err)) {
		json_decref(circuits);
		reply_failure(reply, &err);
		return NULL;
	}
	body = own_json(context);
	more = json_pack(
	    "{s:o, s:{s:I, s:I, s:I, s:I}, s:{s:I, s:I}, s:i, s:i, s:o}",
	    "queue", queue_json(&status, clock_wall_ms()), "totals", "accepted",
	    (json_int_t)status.accepted, "delivered",
	    (json_int_t)status.delivered, "died", (json_int_t)status.died,
	    "cancelled", (json_int_t)status.cancelled, "disk", "free_bytes",
	    (json_int_t)status.free_bytes, "min_free_bytes",
	    (json_int_t)status.floor_bytes, "writers", (int)status.writers,
	    "agents", (int)status.agents, "circuits", circuits);
	(void)json_object_update(body, more);
	json_decref(more);
	return body;
}

/* A browser names HTML; programs take what there is. */
static bool wants_page(const struct request *request)
{
	const char *accept = request_header(request, "Accept");

	return accept != NULL && strstr(accept, "text/html") != NULL;
}

void route_status(struct request *request, struct reply *reply)
{
	json_t *body;

	reply_header(reply, "Vary", "Accept");
	if (wants_page(request)) {
		page_answer(request, 200, reply);
		return;
	}
	body = status_json(request->context, reply);
	if (body != NULL)
		reply_json(reply, 200, body);
}

void route_status_stranger(struct request *request, struct reply *reply)
{
	reply_header(reply, "Vary", "Accept");
	if (wants_page(request))
		page_answer(request, 401, reply);
}

/* --- /status/live ----------------------------------------------------- */

static void add_letter(void *arg, const struct operator_entry *entry)
{
	(void)json_array_append_new(arg, operation_entry(entry));
}

void route_status_live(struct request *request, struct reply *reply)
{
	const char *text = request_query(request, "since");
	json_t *body, *letters = json_array();
	uint64_t since = 0;
	struct error err;

	if (text != NULL && !number_parse(text, INT64_MAX, &since)) {
		reply_error(reply, 400, "since: is a number of milliseconds");
	} else if (!operator_last_dead(request->context->spool,
		       HTTP_LAST_LETTERS, add_letter, letters, &err)) {
		reply_failure(reply, &err);
	} else {
		body = status_json(request->context, reply);
		if (body != NULL) {
			(void)json_object_set(body, "last_dead", letters);
			(void)json_object_set_new(body, "samples",
			    sampler_json(
				request->context->sampler, (int64_t)since));
			reply_json(reply, 200, body);
		}
	}
	json_decref(letters);
}

/* --- /healthz and /readyz --------------------------------------------- */

/* What is looked at; each fills `detail`, whether it is well or not. */
struct check {
	const char *name;
	bool (*look)(struct spool *spool, struct error *detail);
};

static bool can_commit(struct spool *spool, struct error *detail)
{
	return operator_probe(spool, detail);
}

static bool has_room(struct spool *spool, struct error *detail)
{
	return spool_has_room(spool, 1, detail);
}

/* Without mail nobody is missed. */
static bool has_agents(struct spool *spool, struct error *detail)
{
	struct operator_status status;

	if (!operator_status(spool, &status, detail))
		return false;
	if (status.agents > 0 || operator_waiting(&status) == 0)
		return true;
	return error_set(
	    detail, ERROR_TEMPORARY, "mail waits, and no delivery agent lives");
}

static void find_webhook(void *arg, const struct operator_circuit *circuit)
{
	struct error *detail = arg;

	/* One of many remote domains says nothing of us. */
	if (circuit->lane == LANE_WEBHOOK)
		(void)error_set(detail, ERROR_TEMPORARY,
		    "the webhook fails: %.100s", circuit->reason);
}

static bool is_webhook_well(struct spool *spool, struct error *detail)
{
	struct error found = {.kind = ERROR_NONE};

	if (!operator_circuits(spool, find_webhook, &found, detail))
		return false;
	*detail = found;
	return found.kind == ERROR_NONE;
}

static const struct check health[] = {
    {"commit", can_commit},
    {"room", has_room},
    {"agents", has_agents},
    {"webhook", is_webhook_well},
};
static const struct check readiness[] = {
    {"healthy", spool_healthy},
    {"room", has_room},
};

static void look(struct request *request, const struct check *checks,
    size_t count, struct reply *reply)
{
	json_t *results = json_array();
	struct error first = {.kind = ERROR_NONE};

	for (size_t i = 0; i < count; i++) {
		struct error detail = {.kind = ERROR_NONE};
		bool well = checks[i].look(request->context->spool, &detail);

		(void)json_array_append_new(results,
		    json_pack("{s:s, s:b, s:o}", "name", checks[i].name, "ok",
			(int)well, "detail",
			well ? json_null() : operation_text(detail.text)));
		if (!well && first.kind == ERROR_NONE)
			first = detail;
	}
	if (first.kind == ERROR_NONE)
		reply_json(reply, 200,
		    json_pack("{s:b, s:o}", "ok", 1, "checks", results));
	else
		reply_problem(reply, 503, first.text,
		    json_pack("{s:b, s:o}", "ok", 0, "checks", results));
}

void route_healthz(struct request *request, struct reply *reply)
{
	look(request, health, sizeof(health) / sizeof(health[0]), reply);
}

void route_readyz(struct request *request, struct reply *reply)
{
	look(request, readiness, sizeof(readiness) / sizeof(readiness[0]),
	    reply);
}
