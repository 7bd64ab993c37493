/*
 * Stories, from the index and from the history. The index is read first: what
 * finishes meanwhile moves from there to the history, and is then seen twice,
 * never not at all.
 */
#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/json_text.h"
#include "spool/events.h"
#include "spool/id.h"
#include "spool/internal.h"
#include "spool/operator.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DAY_MS (24 * 60 * 60 * INT64_C(1000))
/* Every line begins so: {"ts":"2026-01-31T12:34:56.789Z","id":"01J... */
#define TS_OFFSET 7
#define TS_LEN (CLOCK_ISO_SIZE - 1)
#define ID_OFFSET (TS_OFFSET + TS_LEN + 8)
#define LINE_LIMIT (64 * 1024)

struct line {
	const char *json;
	size_t len, story, order;
};

struct trace {
	struct spool *spool;
	struct arena *arena;
	/* What is looked for. */
	const char *subject;
	char *needle; /* the subject as it stands in JSON */
	/* The latest ids that were found, in order. */
	struct id *ids;
	size_t id_count, most;
	bool more;
	struct line *lines;
	size_t line_count, line_size;
};

/* --- which messages --------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct id));
}

/* Keeps the ids in order, each once, and the latest ones. */
static void add_id(struct trace *trace, const struct id *id)
{
	size_t at = trace->id_count;
	int order = -1;

	while (at > 0 && (order = compare_ids(&trace->ids[at - 1], id)) > 0)
		at--;
	if (at > 0 && order == 0)
		return;
	if (trace->id_count == trace->most) {
		trace->more = true;
		if (at == 0)
			return;
		memmove(
		    trace->ids, trace->ids + 1, (at - 1) * sizeof(struct id));
		trace->ids[at - 1] = *id;
		return;
	}
	memmove(trace->ids + at + 1, trace->ids + at,
	    (trace->id_count++ - at) * sizeof(struct id));
	trace->ids[at] = *id;
}

/* The last of those that live, by their key. */
static void find_in_index(
    struct trace *trace, struct index_txn *txn, uint64_t hash)
{
	struct index_walk *walk = index_walk_new(txn, TABLE_LOOKUP);
	struct key prefix = lookup_prefix(hash);
	struct bytes key, value;
	bool found = index_seek_last(walk, key_bytes(&prefix), &key, &value);

	for (size_t i = 0; found && i <= trace->most; i++) {
		struct id id = key_id(key);

		add_id(trace, &id);
		found = index_previous(walk, &key, &value);
	}
	index_walk_free(&walk);
}

/* Senders are not looked up but searched for. */
static bool find_senders(struct trace *trace, struct error *err)
{
	const struct operator_filter filter = {.sender = trace->subject};
	struct operator_list *list =
	    operator_list_new(trace->spool, &filter, OPERATOR_OLDEST_FIRST);
	const struct operator_entry *entry;
	bool done;

	while ((done = operator_list_next(list, &entry, err)) && entry != NULL)
		add_id(trace, &entry->id);
	operator_list_free(&list);
	return done;
}

static bool field_is(
    const json_t *line, const char *key, const char *text, bool any_case)
{
	const char *value = json_string_value(json_object_get(line, key));

	return value != NULL && (any_case ? strcasecmp(value, text) == 0
					  : strcmp(value, text) == 0);
}

static bool line_id(const char *json, size_t len, struct id *id)
{
	char text[ID_TEXT + 1];

	if (len < ID_OFFSET + ID_TEXT ||
	    strncmp(json + ID_OFFSET - 8, "\",\"id\":\"", 8) != 0)
		return false;
	memcpy(text, json + ID_OFFSET, ID_TEXT);
	text[ID_TEXT] = '\0';
	return id_parse(text, id);
}

static bool find_in_line(void *arg, const char *json, size_t len)
{
	struct trace *trace = arg;
	struct id id;
	json_t *line;

	if (strcasestr(json, trace->needle) == NULL || !line_id(json, len, &id))
		return true;
	line = json_loadb(json, len, 0, NULL);
	if (field_is(line, "recipient", trace->subject, true) ||
	    field_is(line, "from", trace->subject, true) ||
	    field_is(line, "message_id", trace->subject, false))
		add_id(trace, &id);
	json_decref(line);
	return true;
}

static bool find_ids(
    struct trace *trace, struct operator_told *told, struct error *err)
{
	struct index_txn *txn;
	struct id id;

	if (id_parse(trace->subject, &id)) {
		add_id(trace, &id);
		return true;
	}
	if (!spool_read_begin(trace->spool, &txn, err))
		return false;
	find_in_index(trace, txn, text_hash(trace->subject));
	find_in_index(trace, txn, address_hash(trace->subject));
	spool_txn_abort(trace->spool, &txn);
	return find_senders(trace, err) &&
	       history_each(trace->spool->root, 0, INT64_MAX, find_in_line,
		   trace, &told->damaged, err);
}

/* --- their lines ------------------------------------------------------ */

static void add_line(
    struct trace *trace, size_t story, const char *json, size_t len)
{
	if (trace->line_count == trace->line_size) {
		trace->line_size =
		    trace->line_size == 0 ? 256 : trace->line_size * 2;
		trace->lines = xrealloc(
		    trace->lines, trace->line_size * sizeof(*trace->lines));
	}
	trace->lines[trace->line_count] =
	    (struct line){.json = arena_strndup(trace->arena, json, len),
		.len = len,
		.story = story,
		.order = trace->line_count};
	trace->line_count++;
}

static void add_event_rows(
    struct trace *trace, struct index_txn *txn, size_t story)
{
	struct index_walk *walk = index_walk_new(txn, TABLE_EVENT);
	struct key prefix = message_key(&trace->ids[story]);
	struct bytes key, value;
	bool found = index_seek(
	    walk, key_bytes(&prefix), key_bytes(&prefix), &key, &value);

	for (; found; found = index_next(walk, &key, &value))
		add_line(trace, story, value.data, value.len);
	index_walk_free(&walk);
}

static void add_accepted(
    struct trace *trace, size_t story, const struct message_row *message)
{
	struct buf json = buf_new(LINE_LIMIT);
	struct event event = {.at_ms = message->received_ms,
	    .id = &trace->ids[story],
	    .name = "accepted",
	    .message = message};

	event_format(&json, &event);
	add_line(trace, story, json.data, json.len);
	buf_free(&json);
}

/* Where a delivery is now. */
static void add_now(struct trace *trace, size_t story, unsigned recipient,
    const struct delivery_row *row)
{
	struct buf json = buf_new(LINE_LIMIT);
	char at[CLOCK_ISO_SIZE];
	struct event event = {.at_ms = clock_wall_ms(),
	    .id = &trace->ids[story],
	    .name = "now",
	    .recipient_number = recipient,
	    .recipient = row->address,
	    .attempt = row->tries,
	    .status = row->status,
	    .reason = row->reason};

	event_format(&json, &event);
	json.len--; /* the closing brace */
	(void)buf_printf(
	    &json, ",\"state\":\"%s\"", delivery_state_name(row->state));
	if (row->state == STATE_QUEUED || row->state == STATE_DEFERRED) {
		clock_format_iso(row->due_ms, at);
		(void)buf_printf(&json, ",\"due\":\"%s\"", at);
	}
	(void)buf_append_char(&json, '}');
	add_line(trace, story, json.data, json.len);
	buf_free(&json);
}

static bool read_index(struct trace *trace, size_t story, struct error *err)
{
	const struct id *id = &trace->ids[story];
	struct delivery_row row;
	struct message_row message;
	struct index_txn *txn;

	if (!spool_read_begin(trace->spool, &txn, err))
		return false;
	if (message_get(txn, id, &message)) {
		add_accepted(trace, story, &message);
		add_event_rows(trace, txn, story);
		for (unsigned i = 0; i < message.recipients; i++) {
			if (delivery_get(txn, id, i, &row) &&
			    !delivery_is_final(row.state))
				add_now(trace, story, i, &row);
		}
	}
	spool_txn_abort(trace->spool, &txn);
	return true;
}

static bool gather_line(void *arg, const char *json, size_t len)
{
	struct trace *trace = arg;
	const struct id *found;
	struct id id;

	if (!line_id(json, len, &id))
		return true;
	found =
	    bsearch(&id, trace->ids, trace->id_count, sizeof(id), compare_ids);
	if (found != NULL)
		add_line(trace, (size_t)(found - trace->ids), json, len);
	return true;
}

static bool gather(
    struct trace *trace, struct operator_told *told, struct error *err)
{
	int64_t from = clock_wall_ms();

	if (trace->id_count == 0)
		return true;
	for (size_t i = 0; i < trace->id_count; i++) {
		if (!read_index(trace, i, err))
			return false;
	}
	/* Ids are as exact as the clock that made them. */
	if (id_time_ms(&trace->ids[0]) < from)
		from = id_time_ms(&trace->ids[0]);
	from = from > DAY_MS ? from - DAY_MS : 0;
	return history_each(trace->spool->root, from, INT64_MAX, gather_line,
	    trace, &told->damaged, err);
}

/* --- telling ---------------------------------------------------------- */

static bool is_event(const struct line *line, const char *name)
{
	static const char key[] = "\",\"event\":\"";
	size_t at = ID_OFFSET + ID_TEXT, len = strlen(name);

	return line->len > at + strlen(key) + len &&
	       strncmp(line->json + at, key, strlen(key)) == 0 &&
	       strncmp(line->json + at + strlen(key), name, len) == 0 &&
	       line->json[at + strlen(key) + len] == '"';
}

/* By message; how it began, what happened, where it is now. */
static int rank(const struct line *line)
{
	return is_event(line, "accepted") ? 0 : is_event(line, "now") ? 2 : 1;
}

static int compare_lines(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int order;

	if (x->story != y->story)
		return x->story < y->story ? -1 : 1;
	order = rank(x) - rank(y);
	if (order == 0)
		order =
		    strncmp(x->json + TS_OFFSET, y->json + TS_OFFSET, TS_LEN);
	if (order == 0)
		order = x->order < y->order ? -1 : 1;
	return order;
}

/* What the last line of a finished message says of its beginning. */
static char *accepted_of(const struct line *line)
{
	static const char *const keys[] = {
	    "from", "ip", "helo", "user", "message_id", "size"};
	json_t *from = json_loadb(line->json, line->len, 0, NULL);
	json_t *received = json_object_get(from, "received"), *accepted;
	char *text = NULL;

	if (received != NULL) {
		accepted = json_object();
		(void)json_object_set(accepted, "ts", received);
		(void)json_object_set(
		    accepted, "id", json_object_get(from, "id"));
		(void)json_object_set_new(
		    accepted, "event", json_string("accepted"));
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			(void)json_object_set(
			    accepted, keys[i], json_object_get(from, keys[i]));
		text = json_dumps(accepted, JSON_COMPACT);
		json_decref(accepted);
	}
	json_decref(from);
	return text;
}

/* A finished message has no row: one of its lines knows where it came from. */
static void tell_beginning(
    const struct trace *trace, size_t first, operator_story_fn *each, void *arg)
{
	const struct line *lines = trace->lines;
	size_t story = lines[first].story;
	char *text = NULL;

	if (is_event(&lines[first], "accepted"))
		return;
	for (size_t i = first;
	     text == NULL && i < trace->line_count && lines[i].story == story;
	     i++)
		text = accepted_of(&lines[i]);
	if (text != NULL)
		each(arg, &trace->ids[story], text, strlen(text));
	free(text);
}

static void tell(struct trace *trace, operator_story_fn *each, void *arg,
    struct operator_told *told)
{
	const struct line *last = NULL;

	if (trace->line_count > 0)
		qsort(trace->lines, trace->line_count, sizeof(*trace->lines),
		    compare_lines);
	for (size_t i = 0; i < trace->line_count; i++) {
		const struct line *line = &trace->lines[i];

		if (last == NULL || last->story != line->story) {
			told->stories++;
			tell_beginning(trace, i, each, arg);
		} else if (last->len == line->len &&
			   memcmp(last->json, line->json, line->len) == 0) {
			continue; /* from the index and from the history */
		}
		each(arg, &trace->ids[line->story], line->json, line->len);
		last = line;
	}
}

/* --- all of it -------------------------------------------------------- */

/* A Message-ID may be given with its brackets. */
static char *strip(struct arena *arena, const char *subject)
{
	size_t len = strlen(subject);

	if (len > 2 && subject[0] == '<' && subject[len - 1] == '>')
		return arena_strndup(arena, subject + 1, len - 2);
	return arena_strdup(arena, subject);
}

static char *make_needle(struct arena *arena, const char *subject)
{
	struct buf json = buf_new(LINE_LIMIT);
	char *needle;

	(void)json_text_append(&json, subject, strlen(subject));
	/* Without the quotes. */
	needle = arena_strndup(
	    arena, buf_text(&json) + 1, json.len > 2 ? json.len - 2 : 0);
	buf_free(&json);
	return needle;
}

bool operator_trace(struct spool *spool, const char *subject, size_t most,
    operator_story_fn *each, void *arg, struct operator_told *told,
    struct error *err)
{
	struct trace trace = {
	    .spool = spool, .arena = arena_new(), .most = most};
	bool done;

	memset(told, 0, sizeof(*told));
	trace.subject = strip(trace.arena, subject);
	trace.needle = make_needle(trace.arena, trace.subject);
	trace.ids = arena_alloc(trace.arena, most * sizeof(struct id));
	done = find_ids(&trace, told, err) && gather(&trace, told, err);
	if (done)
		tell(&trace, each, arg, told);
	told->more = trace.more;
	free(trace.lines);
	arena_free(&trace.arena);
	return done;
}
