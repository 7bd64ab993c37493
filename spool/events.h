/*
 * The story of a message. While it lives, its failures are rows of the index
 * (table event); what is over goes to history/<day>.log, one checksummed line
 * each:
 *
 *   <8 hex digits: CRC-32C of the rest> {"ts":"...","id":"...","event":...}
 *
 * A day expires by being unlinked.
 */
#ifndef SPOOL_EVENTS_H
#define SPOOL_EVENTS_H

#include "base/buf.h"
#include "envelope.h"
#include "error.h"
#include "spool/rows.h"

#include <stdbool.h>
#include <stdint.h>

struct history;

/* `root` is borrowed. Opens no file yet. */
struct history *history_new(int root);
void history_free(struct history **history);

/* One finished line is built from these; texts may be NULL or "". */
struct event {
	int64_t at_ms;
	const struct id *id;
	const char *name; /* "accepted", "delivered", "deferred", "dead", ... */
	unsigned recipient_number;
	const char *recipient;
	const struct message_row *message; /* for where it came from, or NULL */
	unsigned attempt;
	int status;
	const char *reason;
	const char *answer;
	const char *who; /* the operator's tool: "cli"; NULL = nobody */
	int64_t duration_ms, wait_ms;
};

/* Appends the event as one JSON object, without line end. */
void event_format(struct buf *out, const struct event *event);

/* Appends what the checks said at the door, as far as LIMIT_FINDINGS_ROOM
 * goes; nothing if they said nothing. */
void event_format_checks(struct buf *out, const struct envelope *envelope);

/* Gathers a line for the day of at_ms; nothing is written yet. */
void history_add(
    struct history *history, int64_t at_ms, const char *json, size_t len);
/* Appends what was gathered to its day's file and syncs it. On failure what
 * was gathered is forgotten (the outcome will come again). */
MUST_CHECK bool history_flush(struct history *history, struct error *err);
/* Forgets what was gathered. */
void history_drop(struct history *history);

/* Unlinks days that ended more than retention_ms ago. */
void history_expire(int root, int64_t now_ms, int64_t retention_ms);

/* Calls each() for every whole line of the days from from_ms to to_ms, oldest
 * first, until it returns false. A torn or damaged line is passed over and
 * counted. The text is NUL-terminated JSON. */
typedef bool history_each_fn(void *arg, const char *json, size_t len);
MUST_CHECK bool history_each(int root, int64_t from_ms, int64_t to_ms,
    history_each_fn *each, void *arg, uint64_t *damaged, struct error *err);

/* --- of live messages ------------------------------------------------- */

/* Adds an event row; the oldest but the first goes when there are more than
 * LIMIT_STORY. */
void event_put(struct index_txn *txn, const struct event *event);
/* The event that comes before all others, as it was formatted, unless there is
 * one. */
void event_put_first(
    struct index_txn *txn, const struct id *id, struct bytes json);
/* Moves all event rows of the message into the history. */
void events_finish(
    struct index_txn *txn, const struct id *id, struct history *history);

#endif
