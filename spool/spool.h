/*
 * The spool: the only place a message can be. This header is all that other
 * layers may include; they see drafts to write to, messages to read from,
 * work and outcomes, and never a path, a maildir or the index.
 *
 *   intake    spool_begin -> spool_write ... -> spool_commit   (or discard)
 *   delivery  spool_turn: outcomes in, claimed work out
 *   reading   spool_message_open -> spool_message_source
 *
 * What operators do with it (list, hold, retry, dead letters) is
 * spool/operator.h.
 *
 * Several processes may use one spool at once if they share one kernel and
 * one PID namespace. Open it once per process, after the last fork.
 */
#ifndef SPOOL_SPOOL_H
#define SPOOL_SPOOL_H

#include "base/buf.h"
#include "base/source.h"
#include "bounds.h"
#include "envelope.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct spool;
struct draft;
struct message;
struct agent;
struct scratch;
struct spool_key;

/* --- opening ---------------------------------------------------------- */

enum spool_access {
	SPOOL_READ,     /* look only: status, list, show */
	SPOOL_OPERATE,  /* change what is there, take nothing in */
	SPOOL_WRITE,    /* take part: recovers what dead writers left */
	SPOOL_EXCLUSIVE /* alone: rebuild, compact; ERROR_BUSY otherwise */
};

struct spool_options {
	const char *dir;
	enum spool_access access;
	bool create; /* make a new spool if dir is empty or missing */
	/* Read all of the index in a process of its own before it is opened:
	 * damage that would crash us becomes ERROR_CORRUPT. For fsck. */
	bool verify_index;
	/* SPOOL_MIN_FREE: bytes, or percent of the file system if not 0. */
	uint64_t min_free_bytes;
	unsigned min_free_percent;
	/* What a draft of unknown size may become, for the sum of promised
	 * room. */
	uint64_t max_message_bytes;
	int64_t history_retention_ms; /* HISTORY_RETENTION */
	int64_t keep_delivered_ms;    /* KEEP_DELIVERED; 0 = not at all */
	uint64_t map_size; /* of the index at first; 0 = LIMIT_MAP_SIZE. For
			    * tests: it grows by itself */
	/* The name of a program ("smtpd") under which its figures for
	 * monitoring are kept in the spool; NULL = none. Declare them before
	 * opening. */
	const char *figures;
	/* Called on the committer's or turn's thread after a commit with each
	 * message that is new (dead = false) or newly dead: for announcements
	 * beyond the machine. Must not block. May be NULL. */
	void (*announce)(void *arg, const char id[ID_TEXT + 1], bool dead);
	void *announce_arg;
};

/* What the settings say of a spool: dir, room, limits; for a program that takes
 * part (SPOOL_WRITE, create). The configuration must outlive the options. */
struct spool_options spool_options_of(const struct config *config);

/* Opens, and with SPOOL_WRITE recovers what dead processes left (time
 * proportional to what was in flight, not to what is queued). Fails with
 * ERROR_CONFIG (no permission, another PID namespace or boot, a newer
 * format, a wrong secret), ERROR_CORRUPT (the index is missing, damaged or
 * another spool's while the maildirs hold mail: run `elektrine-spool
 * rebuild`), ERROR_BUSY (exclusive access elsewhere), ERROR_FULL or ERROR_IO.
 * The options' strings are copied. */
MUST_CHECK bool spool_open(
    const struct spool_options *options, struct spool **spool, struct error *);

/* Stops the committer after the groups it was given, and releases all locks.
 * All drafts, messages and agents must be gone. Clears the pointer. */
void spool_close(struct spool **spool);

/* False after a failed write, sync or index commit: nothing more is taken
 * until the spool was re-opened; err (may be NULL) says what happened. Cheap;
 * any thread. */
bool spool_healthy(struct spool *spool, struct error *err);

/* --- intake ----------------------------------------------------------- */

/* Whether a message of this size (0: unknown) would find room now, beside
 * all drafts in flight and SPOOL_MIN_FREE. ERROR_FULL if not; ERROR_IO if
 * the spool is unhealthy. Cheap; any thread. */
MUST_CHECK bool spool_has_room(
    struct spool *spool, uint64_t size, struct error *err);

/* A draft for a message of about declared_size bytes (0: unknown). Only the
 * recipients of `so_far` are read, to reserve room for their envelope. The
 * draft belongs to the caller and is used by one thread at a time. Fails as
 * spool_has_room does, and if its file cannot be made; does not wait for the
 * disk. */
MUST_CHECK bool spool_begin(struct spool *spool, const struct envelope *so_far,
    uint64_t declared_size, struct draft **draft, struct error *err);

/* The id that the message will have, as text with its NUL. */
const char *spool_draft_id(const struct draft *draft);

/* Appends bytes of the content, as the sender wrote them (dots unstuffed,
 * lines ended by CRLF). Small messages wait in memory, larger ones go to
 * disk in chunks. After a failure only spool_discard() makes sense. */
MUST_CHECK bool spool_write(
    struct draft *draft, const void *data, size_t len, struct error *err);

/* The content so far, for the checks. Valid until the next spool_write(),
 * spool_commit() or spool_discard(). */
struct source spool_draft_source(struct draft *draft);

/* Called exactly once per spool_commit(), with NULL once the message is
 * durable, or with the error (ERROR_FULL, ERROR_IO, ERROR_LIMIT) if it is
 * not and never will be. On the committer's thread: hand over and return. */
typedef void spool_committed_fn(void *arg, const struct error *err);

/* Makes the draft durable with the next group: content, envelope (its id is
 * the draft's; message, recipients and all strings are read before this
 * returns) and `trace`, the header lines to put in front of the content
 * (each ended by CRLF; at most LIMIT_TRACE bytes). Consumes the draft. Any
 * thread; does not wait for the disk. */
void spool_commit(struct draft **draft, const struct envelope *envelope,
    const char *trace, size_t trace_len, spool_committed_fn *done, void *arg);

/* Forgets the draft, file and promised room included. NULL is fine. */
void spool_discard(struct draft **draft);

/* An id as text with its NUL: in replies, logs, payloads. */
void spool_id_format(const struct id *id, char text[ID_TEXT + 1]);

/* --- what an intake may need beside its draft ------------------------- */

/* A file without a name on the spool's disk, for about declared_size bytes (0:
 * unknown), which count as promised room. It belongs to the caller and is used
 * by one thread at a time. Fails as spool_begin() does. */
MUST_CHECK bool spool_scratch_open(struct spool *spool, uint64_t declared_size,
    struct scratch **scratch, struct error *err);
MUST_CHECK bool spool_scratch_write(
    struct scratch *scratch, const void *data, size_t len, struct error *err);
/* What was written so far. Valid until the scratch is closed. */
struct source spool_scratch_source(struct scratch *scratch);
/* Clears the pointer; NULL is fine. */
void spool_scratch_close(struct scratch **scratch);

/*
 * A key under which a caller may repeat a request (Idempotency-Key). Claiming
 * it excludes everybody else, in all processes, until it is released or the
 * process dies: ERROR_BUSY. The text may be anything.
 */
MUST_CHECK bool spool_key_claim(struct spool *spool, const char *text,
    size_t len, struct spool_key **key, struct error *err);
/* Clears the pointer; NULL is fine. Not before the commit was answered. */
void spool_key_release(struct spool_key **key);

#define SPOOL_DIGEST_BYTES 32
/* What was committed under the key. */
struct spool_key_use {
	char id_text[ID_TEXT + 1];
	uint8_t digest[SPOOL_DIGEST_BYTES]; /* of the request */
};
/* Whether it was used of late (LIMIT_KEY_LIFETIME_MS). Reads the index. */
MUST_CHECK bool spool_key_find(struct spool_key *key, struct spool_key_use *use,
    bool *found, struct error *err);
/* The draft's commit will also record that the key was used for it. */
void spool_draft_use_key(struct draft *draft, const struct spool_key *key,
    const uint8_t digest[SPOOL_DIGEST_BYTES]);

/* --- what programs remember ------------------------------------------- */

/* Whether it was opened for that. */
bool spool_can_remember(const struct spool *spool);
/* Remembers a copy of the bytes under a name of up to 64 bytes, durably, in the
 * place of what was there: what a program must know when it starts again, and
 * can live without (rebuild may lose it). Waits for the disk. */
MUST_CHECK bool spool_remember(struct spool *spool, const char *name,
    const void *data, size_t len, struct error *err);
/* Appends what is remembered; nothing if there is none. */
MUST_CHECK bool spool_recall(
    struct spool *spool, const char *name, struct buf *out, struct error *err);
/* The local domains as Phoenix told them last, one a line. */
#define SPOOL_MEMO_DOMAINS "domains"

/* --- reading ---------------------------------------------------------- */

/* A stored message, wherever it lies. ERROR_NOT_FOUND if it is gone,
 * ERROR_CORRUPT if its file is damaged. Any thread. */
MUST_CHECK bool spool_message_open(struct spool *spool, const struct id *id,
    struct message **message, struct error *err);
void spool_message_close(struct message **message);
/* Valid until the message is closed. */
const struct envelope *spool_message_envelope(const struct message *message);
/* The message as a reader of mail should see it: our trace lines, then the
 * sender's bytes; without the envelope header. */
struct source spool_message_source(struct message *message);

/* --- delivery --------------------------------------------------------- */

/* How a lane retries and how much it may do. */
struct lane_policy {
	int64_t retry_base_ms; /* WEBHOOK_RETRY_BASE_MS */
	int64_t retry_cap_ms;  /* of one wait */
	int max_retries;       /* WEBHOOK_MAX_RETRIES; -1 = by age */
	int64_t max_age_ms;    /* QUEUE_MAX_AGE */
	unsigned per_minute;   /* tries, all agents together; 0 = no limit */
	/* A claim older than this (monotonic) may be taken over even from an
	 * agent that lives: longer than any attempt can last. */
	int64_t claim_limit_ms;
};

/* One try at one recipient of one message, claimed by an agent. Refers to
 * the message by id. Strings are valid until the work's outcome was taken
 * by spool_turn(). */
struct work {
	struct id id;
	char id_text[ID_TEXT + 1];
	unsigned recipient_number; /* position in the envelope, from 0 */
	enum lane lane;
	const char *recipient;
	const char *destination; /* lane smtp: domain; webhook: "" */
	unsigned attempt;        /* 1 is the first try */
	int64_t received_ms;
	uint64_t claim; /* opaque */
};

enum outcome_kind {
	OUTCOME_DELIVERED,
	OUTCOME_DEFERRED, /* try again, by schedule */
	OUTCOME_DEAD,     /* permanent: to the dead letters */
	OUTCOME_RELEASED  /* was not tried (the agent stops): due at once, and
			   * not counted as an attempt */
};

/* What a failure says of the destination, as opposed to the message. */
enum outcome_blame {
	BLAME_MESSAGE, /* nothing, or this message only (also 507, bounce) */
	BLAME_DESTINATION, /* counts towards the circuit: 5xx, time-out, ... */
	BLAME_HARD,        /* opens the circuit at once: 401, refused */
	BLAME_SLOW         /* 429: wait, count nothing */
};

struct outcome {
	struct id id;
	unsigned recipient_number;
	uint64_t claim; /* the work's */
	enum outcome_kind kind;
	enum outcome_blame blame;
	int status;             /* HTTP status or SMTP code; 0 = none */
	int64_t retry_after_ms; /* asked for by the answer; 0 = not */
	const char *reason; /* fixed name: "http_503", "bounce", ...; static */
	char answer[LIMIT_ANSWER]; /* last line of what came back, UTF-8 */
	int64_t duration_ms;
	/* Delivered, but not whole: the message is also linked into the dead
	 * letters with reason content_omitted. */
	bool content_omitted;
};

/* Joins the agents of the spool under this lane and policy. An agent lives
 * as long as this process does and it was not closed; the claims of a dead
 * one are free at once. It listens for wake-ups. */
MUST_CHECK bool spool_agent_open(struct spool *spool, enum lane lane,
    const struct lane_policy *policy, struct agent **agent, struct error *err);
void spool_agent_close(struct agent **agent);
/* For SIGHUP. Same thread as spool_turn(). */
void spool_agent_set_policy(
    struct agent *agent, const struct lane_policy *policy);
/* Whether the circuit of a destination ("" for the webhook) is open: work that
 * was claimed and not begun should be released then. Any thread. */
bool spool_agent_blocked(struct agent *agent, const char *destination);
/* Becomes readable when there may be new work. spool_agent_woken() empties
 * it. */
int spool_agent_wake_fd(const struct agent *agent);
void spool_agent_woken(struct agent *agent);

/*
 * One transaction, made durable once: records `outcomes`, then claims up to
 * `want` due tries into works[]. *got says how many; *wait_ms how long until
 * the next one falls due (at most the poll interval of one second). Of
 * outcomes whose claim was superseded only OUTCOME_DELIVERED counts.
 *
 * On failure nothing was recorded and nothing claimed: the outcomes stay the
 * caller's, to be handed in again. While that is so (a full disk releases
 * the ballast first) nothing new is claimed. One thread per agent.
 */
MUST_CHECK bool spool_turn(struct agent *agent, const struct outcome *outcomes,
    size_t outcome_count, struct work **works, size_t want, size_t *got,
    int64_t *wait_ms, struct error *err);
/* Frees one work that came from spool_turn(). */
void spool_work_free(struct work **work);

#endif
