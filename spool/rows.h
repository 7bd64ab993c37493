/*
 * What the rows of the index mean: keys, values and their versions. Keys are
 * big-endian, so that their order as bytes is the order of their parts;
 * values are native structs (an index never leaves its machine: the files do)
 * followed by NUL-terminated texts. INTERNALS.md, "The index", lists them.
 *
 * Pure but for reading and writing through a transaction. Strings of a row
 * that was read point into the map: copy them before the next write.
 */
#ifndef SPOOL_ROWS_H
#define SPOOL_ROWS_H

#include "bounds.h"
#include "envelope.h"
#include "spool/index.h"
#include "spool/state.h"

#include <stdbool.h>
#include <stdint.h>

struct key {
	uint8_t data[64];
	size_t len;
};
struct bytes key_bytes(const struct key *key);
/* Where a walk goes on behind a key: the least one that is greater (of one
 * that is longer than ours ever are: greater than all that begin like it). */
struct key key_behind(struct bytes key);

/* --- message ---------------------------------------------------------- */

struct message_row {
	int64_t received_ms;
	uint64_t size;            /* of the file, envelope header included */
	uint64_t message_id_hash; /* 0 = none; for taking the lookup row back */
	uint16_t recipients;
	uint16_t live; /* not final yet: queued ... held */
	uint16_t dead; /* linked into the dead maildir while not 0 */
	const char *sender;
	const char *client_ip; /* "" = unknown */
	const char *helo;
	const char *user;       /* "" = not authenticated */
	const char *message_id; /* "" = none */
};

struct key message_key(const struct id *id);
bool message_get(
    struct index_txn *txn, const struct id *id, struct message_row *row);
void message_put(
    struct index_txn *txn, const struct id *id, const struct message_row *row);
bool message_read(struct bytes value, struct message_row *row);

/* --- delivery --------------------------------------------------------- */

struct delivery_row {
	enum lane lane;
	enum delivery_state state;
	uint32_t attempts; /* that count against WEBHOOK_MAX_RETRIES */
	uint32_t tries;    /* all: the number of the last one */
	int64_t due_ms;    /* wall clock; queued and deferred */
	/* Age, in steps bounded by the planned wait, so that a jump of the
	 * wall clock ages nothing. */
	int64_t age_ms, aged_at_ms, planned_wait_ms;
	uint64_t claim_agent, claim_number; /* claimed */
	int64_t claim_mono_ms;
	int32_t status;       /* of the last answer */
	uint64_t destination; /* its hash */
	const char *address;
	const char *destination_name; /* "" in the webhook lane */
	const char *reason;           /* of the last failure, or "" */
	const char *answer;
};

struct key delivery_key(const struct id *id, unsigned recipient);
bool delivery_get(struct index_txn *txn, const struct id *id,
    unsigned recipient, struct delivery_row *row);
void delivery_put(struct index_txn *txn, const struct id *id,
    unsigned recipient, const struct delivery_row *row);
bool delivery_read(struct bytes value, struct delivery_row *row);
/* The row of the ordered set (due, claim, dead) in which a delivery stands by
 * its state; false if it stands in none. */
bool delivery_set_key(const struct delivery_row *row, const struct id *id,
    unsigned recipient, enum index_table *table, struct key *key);
/* Delivered and cancelled: no counter and no set has them. */
bool delivery_is_final(enum delivery_state state);
/* Reads id and recipient number from the end of a key (delivery, due, claim,
 * dead: all end so). */
bool key_delivery(struct bytes key, struct id *id, unsigned *recipient);

/* --- due, waiting, destination ---------------------------------------- */

struct key due_key(enum lane lane, uint64_t destination, int64_t due_ms,
    const struct id *id, unsigned recipient);
/* All due rows of one destination begin so. */
struct key due_prefix(enum lane lane, uint64_t destination);
int64_t due_key_time(struct bytes key);

struct key waiting_key(enum lane lane, int64_t next_ms, uint64_t destination);
struct key waiting_prefix(enum lane lane);
int64_t waiting_key_time(struct bytes key);
uint64_t waiting_key_destination(struct bytes key);

/* How many different failing messages a circuit remembers. */
#define CIRCUIT_WITNESSES 3

struct destination_row {
	/* When the scheduler should look here next: the key of its waiting
	 * row; INT64_MAX = nothing waits and there is no such row. */
	int64_t next_ms;
	/* The circuit; see circuit.h. */
	uint32_t failures; /* in a row */
	uint32_t witness_count;
	uint64_t witnesses[CIRCUIT_WITNESSES]; /* hashes of message ids */
	int64_t opened_ms;                     /* 0 = closed */
	int64_t probe_ms; /* when the next probe may go out */
	int64_t probe_wait_ms;
	uint64_t probe_claim; /* the claim that is the probe; 0 = none out */
	/* The budget per minute, as the theoretical arrival time of GCRA. */
	int64_t arrival_us;
	char reason[32]; /* why it is open */
	char name[256];
};

/* The hash under which a destination, a Message-ID or an address is found.
 * Not keyed and not secret; never 0. */
uint64_t text_hash(const char *text);
/* The same of an address, whatever its case. */
uint64_t address_hash(const char *address);

struct key destination_key(enum lane lane, uint64_t destination);
/* Reads the beginning of a destination's or due key; false if it is none. */
bool key_destination(struct bytes key, enum lane *lane, uint64_t *destination);
bool destination_read(struct bytes value, struct destination_row *row);
/* A row that does not exist reads as an empty, closed one. */
bool destination_get(struct index_txn *txn, enum lane lane,
    uint64_t destination, struct destination_row *row);
void destination_put(struct index_txn *txn, enum lane lane,
    uint64_t destination, const struct destination_row *row);

/* --- claim, lookup, dead, doomed -------------------------------------- */

struct key claim_key(uint64_t agent, const struct id *id, unsigned recipient);
uint64_t claim_key_agent(struct bytes key);

struct key lookup_key(uint64_t hash, const struct id *id);
struct key lookup_prefix(uint64_t hash);

struct key dead_key(int64_t died_ms, const struct id *id, unsigned recipient);
int64_t dead_key_time(struct bytes key);

/* Names of a file that completion still has to unlink. */
enum doomed_names { DOOMED_QUEUE = 1, DOOMED_DEAD = 2 };
struct key doomed_key(const struct id *id);
/* `owner`: the agent that will do it and drop the row; 0: anybody. */
void doomed_put(
    struct index_txn *txn, const struct id *id, unsigned names, uint64_t owner);
bool doomed_read(struct bytes value, unsigned *names, uint64_t *owner);

/* The last 16 (id) bytes of a key that ends with an id. */
struct id key_id(struct bytes key);

/* --- counters --------------------------------------------------------- */

/* One row in `meta`, kept by every transaction, so that status is O(1). */
struct counters {
	uint64_t messages, bytes;
	/* Deliveries per lane (index: enum lane) and state; of the final
	 * states only the dead, which stay. */
	uint64_t deliveries[3][STATE_COUNT];
	/* Since the spool was made. */
	uint64_t accepted, delivered, died, cancelled;
};

void counters_get(struct index_txn *txn, struct counters *counters);
void counters_put(struct index_txn *txn, const struct counters *counters);

/* --- meta ------------------------------------------------------------- */

bool meta_get(struct index_txn *txn, const char *name, struct bytes *value);
void meta_put(
    struct index_txn *txn, const char *name, const void *value, size_t len);

#endif
