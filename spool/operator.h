/*
 * What operators do with a spool, by the CLI and over HTTP: look at
 * it (status, list, trace) and act on it (retry, hold, release, cancel, and
 * the dead letters). Beside running programs or without them, also on a full
 * disk. Reading wants SPOOL_READ or more, acting SPOOL_OPERATE or more.
 *
 * Looking never keeps a transaction of the index open from one row to the
 * next, and what is listed may change meanwhile: an action looks again.
 */
#ifndef SPOOL_OPERATOR_H
#define SPOOL_OPERATOR_H

#include "base/buf.h"
#include "envelope.h"
#include "error.h"
#include "spool/spool.h"
#include "spool/state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- status ----------------------------------------------------------- */

struct operator_status {
	uint64_t messages, bytes; /* with their dead letters */
	/* Deliveries by lane (index: enum lane) and state. */
	uint64_t deliveries[3][STATE_COUNT];
	/* Received when; of a message that is not dead in whole. 0 = none.
	 * With very many dead letters in front it may be the moment from
	 * which on there can be one. */
	int64_t oldest_ms;
	/* Since the spool was made. */
	uint64_t accepted, delivered, died, cancelled;
	unsigned writers, agents; /* programs that live now; agents are both */
	uint64_t free_bytes, floor_bytes; /* room, and SPOOL_MIN_FREE */
};

/* Costs the same however much is queued. */
MUST_CHECK bool operator_status(
    struct spool *spool, struct operator_status *status, struct error *err);

/* All deliveries that still have a try before them, and the dead ones. */
uint64_t operator_waiting(const struct operator_status *status);
uint64_t operator_dead(const struct operator_status *status);

/* A destination that is left alone because it failed. */
struct operator_circuit {
	enum lane lane;
	const char *destination; /* "" is the webhook */
	const char *reason;
	int64_t opened_ms, probe_ms; /* when the next probe may go out */
};
typedef void operator_circuit_fn(
    void *arg, const struct operator_circuit *circuit);
/* Calls each() for every open circuit. */
MUST_CHECK bool operator_circuits(struct spool *spool,
    operator_circuit_fn *each, void *arg, struct error *err);

/* --- metrics ---------------------------------------------------------- */

/* Appends in Prometheus' text format what the index counts, and what all
 * programs of the spool recorded, those that died included (base/metrics.h). */
MUST_CHECK bool operator_metrics(
    struct spool *spool, struct buf *out, struct error *err);
/* Of all programs, the histograms of these names. */
struct metric_histogram;
MUST_CHECK bool operator_histograms(struct spool *spool,
    const char *const *names, size_t count, struct metric_histogram *out,
    struct error *err);

/* Whether something can be made durable in the index: makes it. */
MUST_CHECK bool operator_probe(struct spool *spool, struct error *err);

/* --- list ------------------------------------------------------------- */

/* Which deliveries: those for which all that is set is true. All zero is
 * everything. Strings are borrowed. */
struct operator_filter {
	const struct id *id;
	bool by_state;
	enum delivery_state state;  /* with by_state */
	enum lane lane;             /* 0 = any */
	const char *recipient;      /* whatever its case */
	const char *sender;         /* likewise; "" is the null sender */
	const char *reason;         /* of the last failure */
	int64_t received_since_ms;  /* 0 = any time */
	int64_t received_before_ms; /* likewise; not included */
	int64_t died_before_ms;     /* of a walk by death; 0 = any time */
};

/* One delivery. Strings are never NULL. */
struct operator_entry {
	struct id id;
	char id_text[ID_TEXT + 1];
	unsigned recipient_number;
	const char *recipient;
	enum lane lane;
	const char *destination; /* "" in the webhook lane */
	enum delivery_state state;
	uint32_t tries, attempts; /* all, and those that count */
	int64_t due_ms;           /* of the next try; of death when dead */
	int status;               /* of the last answer */
	const char *reason, *answer;
	/* Of the message. */
	int64_t received_ms;
	uint64_t size;
	unsigned recipients;
	const char *sender, *message_id, *client_ip, *helo, *user;
};

/* An entry that only names a message: of it nothing else is known. */
struct operator_entry operator_entry_of(const struct id *id);

enum operator_sequence {
	OPERATOR_OLDEST_FIRST,
	OPERATOR_BY_DEATH /* dead ones only, by their time of death */
};

struct operator_list;
/* A walk over all deliveries that the filter, which is copied, lets pass. */
struct operator_list *operator_list_new(struct spool *spool,
    const struct operator_filter *filter, enum operator_sequence sequence);
void operator_list_free(struct operator_list **list);
/* The next one, or NULL at the end; valid until the next call. */
MUST_CHECK bool operator_list_next(struct operator_list *list,
    const struct operator_entry **entry, struct error *err);

/*
 * Pages: a walk may end early, and another one, with the same filter and
 * sequence, go on behind the last entry that was read. What stays in the list
 * is met exactly once, whatever moves meanwhile; what joins behind the cursor
 * is met too.
 */
#define OPERATOR_CURSOR 160
/* Where the walk stands, as text of letters, digits and '-'; false at the
 * end. */
bool operator_list_cursor(
    const struct operator_list *list, char cursor[OPERATOR_CURSOR]);
/* Before the first entry is read. False if that is no cursor of such a walk. */
MUST_CHECK bool operator_list_resume(
    struct operator_list *list, const char *cursor);
/* The walk ends after looking at about so many rows of the index, whether
 * they pass or not; its cursor says where to go on. */
void operator_list_bound(struct operator_list *list, uint64_t rows);

/* Calls each() for the latest dead letters, latest first. */
typedef void operator_entry_fn(void *arg, const struct operator_entry *entry);
MUST_CHECK bool operator_last_dead(struct spool *spool, size_t most,
    operator_entry_fn *each, void *arg, struct error *err);

/* Whether the message still has its file, in the queue or among the dead: a
 * mail reader may have removed that of a dead letter. */
bool operator_has_file(struct spool *spool, const struct id *id);

/* --- acting ----------------------------------------------------------- */

enum operator_verb {
	OPERATOR_RETRY,   /* due now, also behind an open circuit */
	OPERATOR_HOLD,    /* waits until it is released */
	OPERATOR_RELEASE, /* due now */
	OPERATOR_CANCEL,  /* will not be delivered: ends */
	OPERATOR_REQUEUE, /* a dead letter is due now, as a new one */
	OPERATOR_DROP     /* a dead letter is discarded */
};

struct operator_order {
	enum operator_verb verb;
	const char *who; /* goes into the history: "cli" */
	/* These messages; none: all that the filter lets pass. The filter
	 * holds in both cases. */
	const struct id *ids;
	size_t id_count;
	struct operator_filter filter;
};

enum operator_result {
	OPERATOR_DONE,
	OPERATOR_UNSUITED, /* its state does not allow it */
	OPERATOR_NO_FILE, /* a dead letter that was removed by hand, or (replay)
			   * a file that is not what was delivered */
	OPERATOR_ENDING,  /* replay: it has just ended, ask again soon */
	OPERATOR_NOT_FOUND /* no such message: only its id is set */
};

/* "done", "unsuited", "no_file", "ending", "not_found". */
const char *operator_result_name(enum operator_result result);

/* Of every delivery to which the verb applied, once what was done is durable;
 * and of named messages to which it did not apply at all. */
typedef void operator_acted_fn(
    void *arg, const struct operator_entry *entry, enum operator_result result);

/* Acts on a few hundred deliveries per transaction. Recorded in the history,
 * and in the messages' files, so that a rebuild knows. On failure the
 * transactions before it stand. */
MUST_CHECK bool operator_act(struct spool *spool,
    const struct operator_order *order, operator_acted_fn *acted, void *arg,
    struct error *err);

/* --- replay ----------------------------------------------------------- */

struct operator_replay_order {
	const char *who;
	/* These messages; none: all that ended in this time, to the hour
	 * (until_ms 0 = up to now). */
	const struct id *ids;
	size_t id_count;
	int64_t since_ms, until_ms;
	const char *recipient; /* only this one; NULL = all */
	enum lane lane;        /* 0 = the webhook's */
	bool dry_run;          /* only tell what would be done */
};

/* Puts messages that were delivered, and are kept (KEEP_DELIVERED), back into
 * the queue, with the id and the idempotency keys that they had. acted() hears
 * of each delivery: done; UNSUITED if the message is in the spool already, or
 * nothing of it is asked for; ENDING; NO_FILE if its file is damaged; NOT_FOUND
 * if it is not kept. On failure what was told stands. */
MUST_CHECK bool operator_replay(struct spool *spool,
    const struct operator_replay_order *order, operator_acted_fn *acted,
    void *arg, struct error *err);

/* --- trace ------------------------------------------------------------ */

/* A line of a message's story, as a JSON object: "accepted", what the history
 * and the index recorded, in the order of time, and a line "now" for each
 * delivery that has not ended. */
typedef void operator_story_fn(
    void *arg, const struct id *id, const char *json, size_t len);

struct operator_told {
	size_t stories;
	bool more;        /* older messages were left out */
	uint64_t damaged; /* lines of the history that could not be read */
};

/* Tells the story of an id, or of the latest `most` messages with this
 * Message-ID or address, oldest first. */
MUST_CHECK bool operator_trace(struct spool *spool, const char *subject,
    size_t most, operator_story_fn *each, void *arg, struct operator_told *told,
    struct error *err);

#endif
