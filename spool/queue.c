/* Agents and their turns: the whole of delivery as others see it. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/os.h"
#include "bounds.h"
#include "spool/agent.h"
#include "spool/figures.h"
#include "spool/guard.h"
#include "spool/kept.h"
#include "spool/notify.h"
#include "spool/recover.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER "run/agents"
/* How often claims of other agents are looked at. */
#define REAP_MS 500
/* How often old history and orphans are looked at. */
#define SWEEP_MS (60 * 60 * 1000)
/* Doomed rows go in batches, so that the folder is synced for many at once. */
#define SETTLE_MS 1000
#define SETTLE_COUNT 2048
/* How often kept messages are looked at for what expired, and how many of them
 * go at once. */
#define EXPIRE_MS 10000
#define EXPIRE_COUNT 500

/* --- joining ---------------------------------------------------------- */

/* Takes the files of dead agents away. */
static void tidy_agents(struct spool *spool)
{
	int fd =
	    openat(spool->root, FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct error ignored;

	if (dir == NULL) {
		os_close(&fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		char lock[96], name[32];

		if (strlen(entry->d_name) < 16)
			continue;
		(void)snprintf(name, sizeof(name), "%.16s", entry->d_name);
		(void)snprintf(lock, sizeof(lock), FOLDER "/%s.lock", name);
		if (!guard_is_live(spool->root, lock))
			(void)os_unlink(dirfd(dir), entry->d_name, &ignored);
	}
	(void)closedir(dir);
}

static bool join(struct agent *agent, struct error *err)
{
	char path[64];
	bool done;
	int fd;

	(void)snprintf(path, sizeof(path), FOLDER "/%s.lock", agent->name);
	if (!guard_recovery(agent->spool->root, &fd, err))
		return false;
	tidy_agents(agent->spool);
	done =
	    guard_live(agent->spool->root, path, &agent->lock, err) &&
	    notify_listen(agent->spool->root, agent->name, &agent->wake, err);
	if (!done && agent->lock >= 0) {
		os_close(&agent->lock);
		(void)os_unlink(agent->spool->root, path, NULL);
	}
	os_close(&fd);
	return done;
}

bool spool_agent_open(struct spool *spool, enum lane lane,
    const struct lane_policy *policy, struct agent **result, struct error *err)
{
	struct agent *agent = xcalloc(1, sizeof(*agent));

	agent->spool = spool;
	agent->lane = lane;
	agent->policy = *policy;
	agent->lock = agent->wake = -1;
	/* 0 is nobody, and a claim number is the id plus a count. */
	do
		randombytes_buf(&agent->id, sizeof(agent->id));
	while (agent->id == 0);
	(void)snprintf(
	    agent->name, sizeof(agent->name), "%016" PRIx64, agent->id);
	agent->history = history_new(spool->root);
	agent->unlinker = unlinker_new(&spool->maildirs);
	agent->reaped_mono_ms = agent->swept_mono_ms = INT64_MIN / 2;
	agent->expired_mono_ms = INT64_MIN / 2;
	if (!join(agent, err) &&
	    (err->kind != ERROR_FULL || !ballast_release(&spool->room) ||
		!join(agent, err))) {
		spool_agent_close(&agent);
		return false;
	}
	*result = agent;
	return true;
}

void spool_agent_set_policy(
    struct agent *agent, const struct lane_policy *policy)
{
	agent->policy = *policy;
}

int spool_agent_wake_fd(const struct agent *agent)
{
	return agent->wake;
}

void spool_agent_woken(struct agent *agent)
{
	notify_drain(agent->wake);
}

bool spool_agent_blocked(struct agent *agent, const char *destination)
{
	struct destination_row row;
	struct index_txn *txn;
	struct error ignored;
	bool open;

	if (!spool_read_begin(agent->spool, &txn, &ignored))
		return false;
	open =
	    destination_get(txn, agent->lane, text_hash(destination), &row) &&
	    circuit_is_open(&row);
	spool_txn_abort(agent->spool, &txn);
	return open;
}

/* --- a turn ----------------------------------------------------------- */

/* The doomed rows of what has been unlinked: the folders are synced first, or
 * a power cut could bring a file back that no row remembers. *settled: how
 * many of agent->unlinked. */
static bool settle_unlinked(
    struct agent *agent, struct turn *turn, size_t *settled, struct error *err)
{
	int64_t now = turn->mono_ms;

	*settled = 0;
	unlinker_take_done(agent->unlinker, &agent->unlinked);
	if (agent->unlinked.count == 0 ||
	    (agent->unlinked.count < SETTLE_COUNT &&
		now - agent->settled_mono_ms < SETTLE_MS))
		return true;
	agent->settled_mono_ms = now;
	if (!maildir_sync(&agent->spool->maildirs, BOX_QUEUE, err) ||
	    !maildir_sync(&agent->spool->maildirs, BOX_DEAD, err))
		return false;
	for (size_t i = 0; i < agent->unlinked.count; i++) {
		struct key key = doomed_key(&agent->unlinked.items[i].id);

		index_delete(turn->txn, TABLE_DOOMED, key_bytes(&key));
	}
	*settled = agent->unlinked.count;
	return true;
}

/* How long those waited that are tried for the first time. */
static void observe_waits(struct work *const *works, size_t count)
{
	int64_t now = clock_wall_ms(), wait;

	for (size_t i = 0; i < count; i++) {
		wait = now - works[i]->received_ms;
		if (works[i]->attempt == 1)
			metric_observe(&figure_queue_wait, NULL,
			    wait > 0 ? (uint64_t)wait * 1000 : 0);
	}
}

static bool try_turn(struct agent *agent, const struct outcome *outcomes,
    size_t outcome_count, struct work **works, size_t want, size_t *got,
    struct error *err)
{
	struct turn turn;
	size_t settled;
	bool done, reap;

	*got = 0;
	if (!turn_begin(
		&turn, agent->spool, &agent->policy, agent->history, err))
		return false;
	turn.owner = agent->id;
	if (!settle_unlinked(agent, &turn, &settled, err)) {
		turn_abort(&turn);
		return false;
	}
	for (size_t i = 0; i < outcome_count && !index_failed(turn.txn); i++)
		settle_outcome(&turn, &outcomes[i]);
	reap = turn.mono_ms - agent->reaped_mono_ms >= REAP_MS;
	if (reap) {
		agent->reaped_mono_ms = turn.mono_ms;
		claim_reap(&turn, agent);
	}
	if (want > 0)
		*got = claim_due(&turn, agent, works, want);
	done = turn_commit(&turn, agent->unlinker, err);
	if (done) {
		tasks_drop(&agent->unlinked, settled);
		observe_waits(works, *got);
	}
	for (size_t i = 0; !done && i < *got; i++)
		spool_work_free(&works[i]);
	if (!done)
		*got = 0;
	return done;
}

/* Whether a write transaction would do anything; *wait_ms otherwise. */
static bool look(
    struct agent *agent, bool *needed, int64_t *wait_ms, struct error *err)
{
	int64_t mono = clock_mono_ms();
	struct index_txn *txn;

	if (!spool_read_begin(agent->spool, &txn, err))
		return false;
	*wait_ms = claim_next_wait(agent, txn, clock_wall_ms());
	*needed = *wait_ms == 0;
	if (!*needed && mono - agent->reaped_mono_ms >= REAP_MS) {
		agent->reaped_mono_ms = mono;
		*needed = claim_any_lost(agent, txn, mono);
		if (*needed)
			agent->reaped_mono_ms = mono - REAP_MS;
	}
	unlinker_take_done(agent->unlinker, &agent->unlinked);
	if (agent->unlinked.count > 0 &&
	    mono - agent->settled_mono_ms >= SETTLE_MS)
		*needed = true;
	spool_txn_abort(agent->spool, &txn);
	return true;
}

static void sweep(struct agent *agent)
{
	int64_t mono = clock_mono_ms();

	if (mono - agent->expired_mono_ms >= EXPIRE_MS &&
	    !kept_expire(agent->spool, clock_wall_ms(), EXPIRE_COUNT))
		agent->expired_mono_ms = mono;
	if (mono - agent->swept_mono_ms < SWEEP_MS)
		return;
	agent->swept_mono_ms = mono;
	history_expire(agent->spool->root, clock_wall_ms(),
	    agent->spool->options.history_retention_ms);
	spool_expire_orphans(agent->spool);
	ballast_make(&agent->spool->room);
}

bool spool_turn(struct agent *agent, const struct outcome *outcomes,
    size_t outcome_count, struct work **works, size_t want, size_t *got,
    int64_t *wait_ms, struct error *err)
{
	bool needed = outcome_count > 0, done;
	int64_t began = clock_mono_us();

	*got = 0;
	*wait_ms = LIMIT_POLL_MS;
	if (!spool_healthy(agent->spool, err))
		return false;
	sweep(agent);
	if (!needed && !look(agent, &needed, wait_ms, err))
		return false;
	if (!needed)
		return true;
	done = try_turn(agent, outcomes, outcome_count, works, want, got, err);
	/* Once more after the map has grown, or with the ballast's room. */
	if (!done && (err->kind == ERROR_TEMPORARY ||
			 (err->kind == ERROR_FULL &&
			     ballast_release(&agent->spool->room))))
		done = try_turn(
		    agent, outcomes, outcome_count, works, want, got, err);
	if (!done) {
		if (err->kind != ERROR_FULL && err->kind != ERROR_TEMPORARY)
			spool_break(agent->spool, err);
		return false;
	}
	metric_observe(
	    &figure_turn_duration, NULL, (uint64_t)(clock_mono_us() - began));
	return look(agent, &needed, wait_ms, err);
}

/* --- leaving ---------------------------------------------------------- */

void spool_agent_close(struct agent **agent)
{
	struct agent *gone = *agent;
	struct error ignored;
	char path[64];

	if (gone == NULL)
		return;
	unlinker_free(&gone->unlinker);
	if (gone->wake >= 0) {
		(void)snprintf(
		    path, sizeof(path), FOLDER "/%s.sock", gone->name);
		(void)os_unlink(gone->spool->root, path, &ignored);
	}
	if (gone->lock >= 0) {
		(void)snprintf(
		    path, sizeof(path), FOLDER "/%s.lock", gone->name);
		(void)os_unlink(gone->spool->root, path, &ignored);
	}
	os_close(&gone->wake);
	os_close(&gone->lock);
	history_free(&gone->history);
	tasks_free(&gone->unlinked);
	free(gone);
	*agent = NULL;
}
