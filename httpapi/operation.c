#include "httpapi/operation.h"

#include "base/clock.h"
#include "base/errors.h"
#include "base/number.h"
#include "base/utf8.h"
#include "bounds.h"
#include "spool/id.h"

#include <stdio.h>
#include <string.h>

/* --- values ----------------------------------------------------------- */

json_t *operation_text(const char *text)
{
	struct buf clean;
	json_t *value = json_string(text);
	size_t used;

	if (value != NULL)
		return value;
	clean = buf_new(SIZE_MAX);
	if (!utf8_append_clean(&clean, text, strlen(text), true, &used))
		fatal("an unlimited buffer was full");
	value = json_string(buf_text(&clean));
	buf_free(&clean);
	return value;
}

json_t *operation_time(int64_t wall_ms)
{
	char text[CLOCK_ISO_SIZE];

	if (wall_ms <= 0)
		return json_null();
	clock_format_iso(wall_ms, text);
	return json_string(text);
}

json_t *operation_entry(const struct operator_entry *entry)
{
	bool dead = entry->state == STATE_DEAD;
	bool waits =
	    entry->state == STATE_QUEUED || entry->state == STATE_DEFERRED;

	return json_pack("{s:s, s:i, s:o, s:s, s:o, s:s, s:I, s:I, s:o, s:o, "
			 "s:i, s:o, s:o, s:o, s:I, s:i, s:o, s:o, s:o, s:o}",
	    "id", entry->id_text, "recipient_number",
	    (int)entry->recipient_number, "recipient",
	    operation_text(entry->recipient), "lane", lane_name(entry->lane),
	    "destination", operation_text(entry->destination), "state",
	    delivery_state_name(entry->state), "tries",
	    (json_int_t)entry->tries, "attempts", (json_int_t)entry->attempts,
	    "due", operation_time(waits ? entry->due_ms : 0), "died",
	    operation_time(dead ? entry->due_ms : 0), "status", entry->status,
	    "reason", operation_text(entry->reason), "answer",
	    operation_text(entry->answer), "received",
	    operation_time(entry->received_ms), "size", (json_int_t)entry->size,
	    "recipients", (int)entry->recipients, "from",
	    operation_text(entry->sender), "message_id",
	    operation_text(entry->message_id), "ip",
	    operation_text(entry->client_ip), "user",
	    operation_text(entry->user));
}

/* --- what a request asks for ------------------------------------------ */

bool operation_id(
    const struct request *request, struct id *id, struct reply *reply)
{
	if (id_parse(request_parameter(request, "id"), id))
		return true;
	reply_error(reply, 404, "there is no such message");
	return false;
}

static bool refuse(struct reply *reply, const char *field, const char *reason)
{
	char detail[160];

	(void)snprintf(detail, sizeof(detail), "%s: %s", field, reason);
	reply_problem(reply, 400, detail,
	    json_pack("{s:s, s:s}", "field", field, "reason", reason));
	return false;
}

bool operation_filter(const struct request *request,
    struct operator_filter *filter, struct reply *reply)
{
	const char *state = request_query(request, "state");
	const char *lane = request_query(request, "lane");
	const char *since = request_query(request, "since");

	*filter = (struct operator_filter){
	    .recipient = request_query(request, "recipient"),
	    .sender = request_query(request, "from"),
	    .reason = request_query(request, "reason")};
	filter->by_state = state != NULL;
	if (state != NULL && !delivery_state_parse(state, &filter->state))
		return refuse(reply, "state",
		    "is one of queued, deferred, claimed, held, dead, "
		    "delivered, cancelled");
	if (lane != NULL && !lane_parse(lane, &filter->lane))
		return refuse(reply, "lane", "is webhook or smtp");
	if (since != NULL &&
	    !clock_parse_iso(since, &filter->received_since_ms))
		return refuse(reply, "since",
		    "is a time in UTC, such as 2026-01-31T12:00:00Z");
	return true;
}

/* --- pages ------------------------------------------------------------ */

static bool read_limit(
    const struct request *request, uint64_t *limit, struct reply *reply)
{
	const char *text = request_query(request, "limit");

	*limit = HTTP_PAGE;
	if (text == NULL ||
	    (number_parse(text, LIMIT_HTTP_PAGE, limit) && *limit > 0))
		return true;
	return refuse(reply, "limit", "is a number from 1 to 1000");
}

/* Of what strangers wrote: six times as much, at worst, as JSON. */
static size_t text_length(const struct operator_entry *entry)
{
	return strlen(entry->recipient) + strlen(entry->destination) +
	       strlen(entry->reason) + strlen(entry->answer) +
	       strlen(entry->sender) + strlen(entry->message_id) +
	       strlen(entry->user);
}

static void read_page(
    struct operator_list *list, uint64_t limit, struct reply *reply)
{
	char cursor[OPERATOR_CURSOR];
	const struct operator_entry *entry;
	json_t *items = json_array();
	struct error err;
	size_t text = 0;

	while (json_array_size(items) < limit && text < LIMIT_HTTP_ANSWER / 8) {
		if (!operator_list_next(list, &entry, &err)) {
			json_decref(items);
			reply_failure(reply, &err);
			return;
		}
		if (entry == NULL)
			break;
		text += text_length(entry);
		(void)json_array_append_new(items, operation_entry(entry));
	}
	reply_json(reply, 200,
	    json_pack("{s:o, s:o}", "items", items, "next_cursor",
		operator_list_cursor(list, cursor) ? json_string(cursor)
						   : json_null()));
}

void operation_page(struct request *request,
    const struct operator_filter *filter, enum operator_sequence sequence,
    struct reply *reply)
{
	const char *cursor = request_query(request, "cursor");
	struct operator_list *list;
	uint64_t limit;

	if (!read_limit(request, &limit, reply))
		return;
	list = operator_list_new(request->context->spool, filter, sequence);
	operator_list_bound(list, LIMIT_HTTP_PAGE_ROWS);
	if (cursor != NULL && !operator_list_resume(list, cursor))
		(void)refuse(
		    reply, "cursor", "is not the next_cursor of such a list");
	else
		read_page(list, limit, reply);
	operator_list_free(&list);
}

/* --- acting ----------------------------------------------------------- */

struct acted {
	json_t *results;
	unsigned of[OPERATOR_NOT_FOUND + 1];
};

static void on_acted(
    void *arg, const struct operator_entry *entry, enum operator_result result)
{
	struct acted *acted = arg;

	acted->of[result]++;
	(void)json_array_append_new(acted->results,
	    json_pack("{s:i, s:o, s:s, s:s}", "recipient_number",
		(int)entry->recipient_number, "recipient",
		operation_text(entry->recipient), "state",
		delivery_state_name(entry->state), "result",
		operator_result_name(result)));
}

/* Takes the results over. */
static void answer(struct request *request, struct acted *acted,
    const char *unsuited, struct reply *reply)
{
	if (acted->of[OPERATOR_DONE] > 0) {
		reply_json(reply, 200,
		    json_pack("{s:b, s:s, s:o}", "success", 1, "id",
			request_parameter(request, "id"), "results",
			acted->results));
		return;
	}
	if (acted->of[OPERATOR_ENDING] > 0)
		reply_header(reply, "Retry-After", "2");
	if (acted->of[OPERATOR_ENDING] > 0)
		reply_error(reply, 409, "it has just ended; try again soon");
	else if (acted->of[OPERATOR_NO_FILE] > 0)
		reply_error(reply, 409, "its file was removed by hand");
	else if (acted->of[OPERATOR_UNSUITED] > 0)
		reply_problem(reply, 409, unsuited,
		    json_pack("{s:O}", "results", acted->results));
	else
		reply_error(reply, 404, "there is no such message");
	json_decref(acted->results);
}

void operation_act(
    struct request *request, enum operator_verb verb, struct reply *reply)
{
	static const char *const unsuited[] = {
	    [OPERATOR_RETRY] = "it cannot be tried now",
	    [OPERATOR_HOLD] = "it has nothing to hold",
	    [OPERATOR_RELEASE] = "it is not held",
	    [OPERATOR_CANCEL] = "it cannot be cancelled",
	    [OPERATOR_REQUEUE] = "it is no dead letter",
	    [OPERATOR_DROP] = "it is no dead letter",
	};
	struct id id;
	struct operator_order order = {.verb = verb,
	    .who = OPERATION_WHO,
	    .ids = &id,
	    .id_count = 1,
	    .filter = {.recipient = request_query(request, "recipient")}};
	struct acted acted = {.results = NULL};
	struct error err;

	if (!operation_id(request, &id, reply))
		return;
	acted.results = json_array();
	if (operator_act(
		request->context->spool, &order, on_acted, &acted, &err)) {
		answer(request, &acted, unsuited[verb], reply);
		return;
	}
	json_decref(acted.results);
	reply_failure(reply, &err);
}

void operation_replay(struct request *request, struct reply *reply)
{
	struct id id;
	struct operator_replay_order order = {.who = OPERATION_WHO,
	    .ids = &id,
	    .id_count = 1,
	    .recipient = request_query(request, "recipient")};
	struct acted acted = {.results = NULL};
	struct error err;

	if (!operation_id(request, &id, reply))
		return;
	acted.results = json_array();
	if (operator_replay(
		request->context->spool, &order, on_acted, &acted, &err)) {
		answer(request, &acted,
		    "it is in the spool already, or was not delivered to such "
		    "a recipient",
		    reply);
		return;
	}
	json_decref(acted.results);
	reply_failure(reply, &err);
}
