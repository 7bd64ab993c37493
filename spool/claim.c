/* Claiming due work, and freeing what dead agents had claimed. */
#include "base/alloc.h"
#include "base/log.h"
#include "bounds.h"
#include "spool/agent.h"
#include "spool/destination.h"
#include "spool/guard.h"
#include "spool/id.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- one claim -------------------------------------------------------- */

static struct work *make_work(const struct id *id, unsigned recipient,
    const struct delivery_row *row, int64_t received_ms)
{
	size_t address = strlen(row->address) + 1;
	size_t destination = strlen(row->destination_name) + 1;
	struct work *work = xmalloc(sizeof(*work) + address + destination);
	char *texts = (char *)(work + 1);

	memcpy(texts, row->address, address);
	memcpy(texts + address, row->destination_name, destination);
	*work = (struct work){.id = *id,
	    .recipient_number = recipient,
	    .lane = row->lane,
	    .recipient = texts,
	    .destination = texts + address,
	    .attempt = row->tries,
	    .received_ms = received_ms,
	    .claim = row->claim_number};
	id_format(id, work->id_text);
	return work;
}

void spool_work_free(struct work **work)
{
	free(*work);
	*work = NULL;
}

/* NULL if the due row has no delivery (a damaged index: fsck tells). */
static struct work *claim(struct turn *turn, struct agent *agent,
    const struct id *id, unsigned recipient)
{
	struct delivery_row row;
	struct message_row message;

	if (!turn_delivery(turn, id, recipient, &row) ||
	    !message_get(turn->txn, id, &message))
		return NULL;
	turn_detach(turn, id, recipient, &row);
	schedule_age(turn->policy, &row, turn->now_ms);
	row.state = STATE_CLAIMED;
	row.tries++;
	row.claim_agent = agent->id;
	row.claim_number = agent->id + ++agent->claims;
	row.claim_mono_ms = turn->mono_ms;
	struct work *work = make_work(id, recipient, &row, message.received_ms);

	turn_attach(turn, id, recipient, &row);
	return work;
}

/* --- one destination -------------------------------------------------- */

/* The first row that is due: the earliest one, or the last if it lies further
 * ahead than any wait can. */
static bool next_due(
    struct turn *turn, enum lane lane, uint64_t destination, struct key *found)
{
	struct index_walk *walk = index_walk_new(turn->txn, TABLE_DUE);
	struct key prefix = due_prefix(lane, destination);
	struct bytes key, value;
	bool due = false;

	if (index_seek(
		walk, key_bytes(&prefix), key_bytes(&prefix), &key, &value))
		due = schedule_is_due(
		    turn->policy, due_key_time(key), turn->now_ms);
	if (!due && index_seek_last(walk, key_bytes(&prefix), &key, &value))
		due = schedule_is_due(
		    turn->policy, due_key_time(key), turn->now_ms);
	if (due) {
		found->len = key.len;
		memcpy(found->data, key.data, key.len);
	}
	index_walk_free(&walk);
	return due;
}

/* Until nothing is due, the budget is used up or works[] is full. *next_ms:
 * when the budget allows more (or INT64_MAX). */
static size_t claim_from(struct turn *turn, struct agent *agent,
    uint64_t destination, struct destination_row *row, struct work **works,
    size_t want, int64_t *next_ms)
{
	bool open = circuit_is_open(row);
	size_t got = 0;
	struct key key;

	*next_ms = INT64_MAX;
	if (open && !circuit_may_probe(row, turn->policy, turn->now_ms))
		return 0;
	if (open)
		want = want > 0 ? 1 : 0;
	while (got < want && next_due(turn, agent->lane, destination, &key)) {
		int64_t wait = budget_take(row, turn->policy, turn->mono_ms);
		struct id id;
		unsigned recipient;

		if (wait > 0) {
			*next_ms = turn->now_ms + wait;
			break;
		}
		if (!key_delivery(key_bytes(&key), &id, &recipient))
			break;
		works[got] = claim(turn, agent, &id, recipient);
		if (works[got] == NULL)
			index_delete(turn->txn, TABLE_DUE, key_bytes(&key));
		else
			got++;
		if (index_failed(turn->txn))
			break;
	}
	if (open && got > 0)
		circuit_probe(row, works[0]->claim, turn->now_ms,
		    turn->policy->claim_limit_ms);
	return got;
}

/* --- the lane --------------------------------------------------------- */

/* The destination whose turn it is; false if none is due. */
static bool next_destination(
    struct turn *turn, enum lane lane, uint64_t *destination)
{
	struct index_walk *walk = index_walk_new(turn->txn, TABLE_WAITING);
	struct key prefix = waiting_prefix(lane);
	struct bytes key, value;
	bool due = false;

	if (index_seek(
		walk, key_bytes(&prefix), key_bytes(&prefix), &key, &value)) {
		due = schedule_is_due(
		    turn->policy, waiting_key_time(key), turn->now_ms);
		*destination = waiting_key_destination(key);
	}
	index_walk_free(&walk);
	return due;
}

size_t claim_due(
    struct turn *turn, struct agent *agent, struct work **works, size_t want)
{
	struct destination_row row;
	uint64_t destination;
	size_t got = 0;

	while (
	    got < want && next_destination(turn, agent->lane, &destination)) {
		int64_t later;

		(void)destination_get(
		    turn->txn, agent->lane, destination, &row);
		got += claim_from(turn, agent, destination, &row, works + got,
		    want - got, &later);
		turn_refresh(turn, agent->lane, destination, &row);
		if (later != INT64_MAX && row.next_ms < later)
			destination_store(
			    turn->txn, agent->lane, destination, &row, later);
		if (index_failed(turn->txn))
			break;
		/* Whatever is still due here waits for the next turn. */
		if (row.next_ms <= turn->now_ms && got >= want)
			break;
	}
	return got;
}

int64_t claim_next_wait(
    struct agent *agent, struct index_txn *txn, int64_t now_ms)
{
	struct index_walk *walk = index_walk_new(txn, TABLE_WAITING);
	struct key prefix = waiting_prefix(agent->lane);
	int64_t wait = LIMIT_POLL_MS;
	struct bytes key, value;

	if (index_seek(
		walk, key_bytes(&prefix), key_bytes(&prefix), &key, &value)) {
		int64_t next = waiting_key_time(key);

		if (schedule_is_due(&agent->policy, next, now_ms))
			wait = 0;
		else if (next - now_ms < wait)
			wait = next - now_ms;
	}
	index_walk_free(&walk);
	return wait;
}

/* --- the claims of the dead ------------------------------------------- */

bool agent_is_live(const struct spool *spool, uint64_t id)
{
	char path[64];

	(void)snprintf(
	    path, sizeof(path), "run/agents/%016" PRIx64 ".lock", id);
	return guard_is_live(spool->root, path);
}

/* Walks the claims; each distinct agent is asked for once in a row. Collects
 * at most `most` lost ones into tasks (may be NULL) and counts them. */
static size_t find_lost(struct agent *agent, struct index_txn *txn,
    int64_t mono_ms, size_t most, struct tasks *tasks)
{
	struct index_walk *walk = index_walk_new(txn, TABLE_CLAIM);
	struct bytes key, value;
	uint64_t asked = 0;
	bool lives = true, found;
	size_t count = 0;

	found = index_seek(
	    walk, (struct bytes){0}, (struct bytes){0}, &key, &value);
	for (; found && count < most; found = index_next(walk, &key, &value)) {
		uint64_t owner = claim_key_agent(key);
		struct delivery_row row;
		struct id id;
		unsigned recipient;

		if (owner != asked) {
			asked = owner;
			lives = owner == agent->id ||
				agent_is_live(agent->spool, owner);
		}
		if (!key_delivery(key, &id, &recipient) ||
		    !delivery_get(txn, &id, recipient, &row))
			continue;
		if (lives &&
		    mono_ms - row.claim_mono_ms <
			agent->policy.claim_limit_ms &&
		    mono_ms >= row.claim_mono_ms)
			continue;
		count++;
		if (tasks != NULL)
			tasks_add(tasks, &id, recipient, 0);
	}
	index_walk_free(&walk);
	return count;
}

bool claim_any_lost(struct agent *agent, struct index_txn *txn, int64_t mono_ms)
{
	return find_lost(agent, txn, mono_ms, 1, NULL) > 0;
}

static void free_claim(
    struct turn *turn, const struct id *id, unsigned recipient)
{
	struct destination_row destination;
	struct delivery_row row;

	if (!turn_delivery(turn, id, recipient, &row) ||
	    row.state != STATE_CLAIMED)
		return;
	turn_detach(turn, id, recipient, &row);
	row.state = STATE_DEFERRED;
	row.due_ms = turn->now_ms;
	turn_attach(turn, id, recipient, &row);
	(void)destination_get(
	    turn->txn, row.lane, row.destination, &destination);
	circuit_probe_lost(&destination, row.claim_number, turn->now_ms);
	turn_refresh(turn, row.lane, row.destination, &destination);
}

void claim_reap(struct turn *turn, struct agent *agent)
{
	struct tasks lost = {0};
	size_t count =
	    find_lost(agent, turn->txn, turn->mono_ms, LIMIT_REAP, &lost);

	for (size_t i = 0; i < count; i++)
		free_claim(turn, &lost.items[i].id, lost.items[i].number);
	if (count > 0)
		log_event(LOG_WARN, "claims_freed", LOG_NUMBER("count", count));
	tasks_free(&lost);
}
