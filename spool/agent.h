/* What the modules of delivery share: the agent and its turn. */
#ifndef SPOOL_AGENT_H
#define SPOOL_AGENT_H

#include "base/arena.h"
#include "spool/circuit.h"
#include "spool/events.h"
#include "spool/internal.h"
#include "spool/schedule.h"
#include "spool/tasks.h"
#include "spool/unlinker.h"

struct agent {
	struct spool *spool;
	enum lane lane;
	struct lane_policy policy;
	uint64_t id;
	char name[17]; /* the id in hex: run/agents/<name>.lock and .sock */
	int lock, wake;
	uint64_t claims; /* counts up */
	struct history *history;
	int64_t reaped_mono_ms, swept_mono_ms, settled_mono_ms;
	int64_t expired_mono_ms;
	struct unlinker *unlinker;
	/* Unlinked, but their doomed rows are still there. */
	struct tasks unlinked;
};

/* One transaction of an agent (or of an operator's command: agent NULL). */
struct turn {
	struct spool *spool;
	const struct lane_policy *policy;
	struct history *history;
	struct index_txn *txn;
	struct arena *arena;
	struct counters counters;
	int64_t now_ms, mono_ms;
	/* To do when it is durable. */
	struct tasks unlink, status, died;
	/* To do, and to sync, before it is. */
	struct tasks bury, revive, keep;
	/* Names that a message which stays gives up: dropped before it is,
	 * under the writer's lock. Nobody can be giving such a name back at
	 * that moment, and nobody drops one later that was given back. */
	struct tasks leave;
	bool sync_status; /* cancel and hold must survive a rebuild */
	/* The agent whose unlinker gets what ends; 0: whoever comes first. */
	uint64_t owner;
};

/* Begins the transaction. */
MUST_CHECK bool turn_begin(struct turn *turn, struct spool *spool,
    const struct lane_policy *policy, struct history *history,
    struct error *err);
/* Files, history and rows durable, then the tasks. Ends the turn either way;
 * false: nothing was recorded. The files of finished messages go to the
 * unlinker, or are unlinked here if it is NULL (their doomed rows then stay
 * until the next recovery). */
MUST_CHECK bool turn_commit(
    struct turn *turn, struct unlinker *unlinker, struct error *err);
void turn_abort(struct turn *turn);

/* Rows copied into the turn's arena, so that they outlive the next write. */
bool turn_delivery(struct turn *turn, const struct id *id, unsigned recipient,
    struct delivery_row *row);
bool turn_message(
    struct turn *turn, const struct id *id, struct message_row *row);

/* Takes a delivery out of the set that its state stands for (due, claim,
 * dead) and out of its counter; the row itself is not written. */
void turn_detach(struct turn *turn, const struct id *id, unsigned recipient,
    const struct delivery_row *row);
/* Puts it under its new state and writes the row. Not for final states. */
void turn_attach(struct turn *turn, const struct id *id, unsigned recipient,
    const struct delivery_row *row);
/* A detached delivery ends as delivered, cancelled or dead; with its last one
 * the message ends too. A dead one that is cancelled was discarded. */
void turn_finish(struct turn *turn, const struct id *id, unsigned recipient,
    struct delivery_row *row, enum delivery_state final);
/* A detached dead delivery waits for a try again, due now. */
void turn_revive(struct turn *turn, const struct id *id, unsigned recipient,
    struct delivery_row *row);
/* Removes a message whose deliveries are all final. */
void turn_remove_message(
    struct turn *turn, const struct id *id, const struct message_row *message);
/* The scheduler must look at the destination when its first row is due. */
void turn_refresh(struct turn *turn, enum lane lane, uint64_t destination,
    struct destination_row *row);
/* Writes a line of the history with the message's origin. */
void turn_record(struct turn *turn, const struct event *event);

/* What one outcome does (settle.c). */
void settle_outcome(struct turn *turn, const struct outcome *outcome);

/* Claims up to `want` due tries (claim.c). */
size_t claim_due(
    struct turn *turn, struct agent *agent, struct work **works, size_t want);
/* Whether the process of that agent lives. */
bool agent_is_live(const struct spool *spool, uint64_t id);
/* Frees claims of dead agents, and those past their limit. */
void claim_reap(struct turn *turn, struct agent *agent);
/* Whether claim_reap() would find any; and how long until the lane's next
 * row is due. Under a read transaction. */
bool claim_any_lost(
    struct agent *agent, struct index_txn *txn, int64_t mono_ms);
int64_t claim_next_wait(
    struct agent *agent, struct index_txn *txn, int64_t now_ms);

#endif
