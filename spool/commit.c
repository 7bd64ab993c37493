/*
 * The heart: a group of finished drafts becomes durable.
 *
 *   files linked into queue/new          a crash here leaves files without a
 *                                        record: never acknowledged (row 3)
 *   files and folder synced   | at once  a crash here may leave a record
 *   one index transaction     |          without its file: row 4
 *   every session of the group told
 *   names in queue/tmp/<writer> dropped  a crash before leaves two names of
 *                                        one message (row 6)
 *
 * The rows are those of the table in INTERNALS.md. A failed sync or commit is
 * final: nothing is retried as though it had been fine.
 */
#include "spool/commit.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/os.h"
#include "bounds.h"
#include "spool/figures.h"
#include "spool/flight.h"
#include "spool/heal.h"
#include "spool/idempotency.h"
#include "spool/internal.h"
#include "spool/notify.h"
#include "spool/pace.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

struct group {
	struct spool *spool;
	struct draft *drafts[LIMIT_GROUP];
	size_t count;
	size_t put; /* how many had their rows put by the last transaction */
};

/* Syncs the files of a group while the committer writes its rows. */
struct syncer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct group *group; /* to be synced; NULL once that is done */
	struct pace pace;    /* its own thread only */
	bool done;
	struct error err;
	bool stopping;
};

struct committer {
	struct spool *spool;
	struct syncer syncer;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct draft *first, **last;
	size_t queued, hoped; /* the thread wants to be woken at so many */
	bool stopping;
	/* Of the last group: how many, how long it took, when it ended. */
	size_t last_count;
	int64_t last_took_us, last_ended_us;
};

/* --- files ------------------------------------------------------------ */

static const char *kind_name(enum error_kind kind)
{
	return kind == ERROR_FULL    ? "full"
	       : kind == ERROR_LIMIT ? "limit"
				     : "io";
}

/* Tells the session that its message is not and never will be stored; by then
 * nothing of it is left, unless it is undecided. */
static void refuse(struct draft *draft, bool drop_file)
{
	struct error failure = draft->failure;
	spool_committed_fn *done = draft->done;
	void *arg = draft->done_arg;

	metric_add(&figure_commit_refused, kind_name(failure.kind), 1);
	draft_free(&draft, drop_file);
	done(arg, &failure);
}

/* Keeps the order of those that stay. */
static void expel_failed(struct group *group)
{
	size_t kept = 0;

	for (size_t i = 0; i < group->count; i++) {
		struct draft *draft = group->drafts[i];

		if (draft->failure.kind == ERROR_NONE)
			group->drafts[kept++] = draft;
		else
			refuse(draft, true);
	}
	group->count = kept;
}

static void refuse_all(
    struct group *group, const struct error *why, bool drop_files)
{
	for (size_t i = 0; i < group->count; i++) {
		group->drafts[i]->failure = *why;
		refuse(group->drafts[i], drop_files);
	}
	group->count = 0;
}

static void link_files(struct group *group)
{
	struct spool *spool = group->spool;

	for (size_t i = 0; i < group->count; i++) {
		struct draft *draft = group->drafts[i];

		draft->linked = os_link(spool->writer, draft->id_text,
		    spool->maildirs.fresh[BOX_QUEUE], draft->id_text,
		    &draft->failure);
	}
	expel_failed(group);
}

static bool sync_each(struct group *group, struct error *err)
{
	for (size_t i = 0; i < group->count; i++) {
		if (!os_fdatasync(group->drafts[i]->fd, err))
			return false;
	}
	return maildir_sync(&group->spool->maildirs, BOX_QUEUE, err);
}

/* Files and names on disk. */
static bool sync_files(
    struct group *group, struct pace *pace, struct error *err)
{
	enum sync_way way = pace_choose(pace, group->count);
	int64_t began = clock_mono_us();
	bool done = way == SYNC_EACH ? sync_each(group, err)
				     : os_syncfs(group->spool->root, err);

	pace_learn(pace, group->count, way, clock_mono_us() - began);
	return done;
}

/* --- rows ------------------------------------------------------------- */

static void put_rows(
    struct index_txn *txn, const struct draft *draft, struct counters *counters)
{
	message_rows_put(txn, &draft->rows, counters);
	if (draft->key != NULL)
		idempotency_put(txn, clock_wall_ms(), draft->key);
}

/* All rows of the group in one transaction, and which they are. */
static bool commit_rows(struct group *group, struct error *err)
{
	struct spool *spool = group->spool;
	struct id ids[LIMIT_GROUP];
	struct counters counters;
	struct index_txn *txn;

	if (!spool_write_begin(spool, &txn, err))
		return false;
	counters_get(txn, &counters);
	for (group->put = 0; group->put < group->count && !index_failed(txn);
	     group->put++) {
		ids[group->put] = group->drafts[group->put]->id;
		put_rows(txn, group->drafts[group->put], &counters);
	}
	counters.accepted += group->put;
	counters_put(txn, &counters);
	flight_put(txn, spool->writer_name, ids, group->put);
	return spool_txn_commit(spool, &txn, err);
}

/* --- the syncer ------------------------------------------------------- */

static void *run_syncer(void *arg)
{
	struct syncer *syncer = arg;

	(void)pthread_mutex_lock(&syncer->lock);
	for (;;) {
		while (syncer->group == NULL && !syncer->stopping)
			(void)pthread_cond_wait(
			    &syncer->changed, &syncer->lock);
		if (syncer->group == NULL)
			break;
		(void)pthread_mutex_unlock(&syncer->lock);
		syncer->done =
		    sync_files(syncer->group, &syncer->pace, &syncer->err);
		(void)pthread_mutex_lock(&syncer->lock);
		syncer->group = NULL;
		(void)pthread_cond_signal(&syncer->changed);
	}
	(void)pthread_mutex_unlock(&syncer->lock);
	return NULL;
}

static void syncer_begin(struct syncer *syncer, struct group *group)
{
	(void)pthread_mutex_lock(&syncer->lock);
	syncer->group = group;
	(void)pthread_mutex_unlock(&syncer->lock);
	(void)pthread_cond_signal(&syncer->changed);
}

static bool syncer_finish(struct syncer *syncer, struct error *err)
{
	bool done;

	(void)pthread_mutex_lock(&syncer->lock);
	while (syncer->group != NULL)
		(void)pthread_cond_wait(&syncer->changed, &syncer->lock);
	done = syncer->done;
	if (!done)
		*err = syncer->err;
	(void)pthread_mutex_unlock(&syncer->lock);
	return done;
}

/* --- a group ---------------------------------------------------------- */

static void acknowledge(struct group *group)
{
	struct spool *spool = group->spool;
	int64_t now = clock_mono_us();
	struct error ignored;

	for (size_t i = 0; i < group->count; i++) {
		group->drafts[i]->done(group->drafts[i]->done_arg, NULL);
		metric_observe(&figure_commit_duration, NULL,
		    (uint64_t)(now - group->drafts[i]->given_us));
	}
	notifier_wake(spool->notifier);
	for (size_t i = 0; i < group->count; i++) {
		struct draft *draft = group->drafts[i];

		if (spool->options.announce != NULL)
			spool->options.announce(
			    spool->options.announce_arg, draft->id_text, false);
		/* Recovery drops the name if we cannot. */
		(void)os_unlink(spool->writer, draft->id_text, &ignored);
		if (draft->body_len > LIMIT_KEEP_CACHED)
			os_drop_cached(draft->fd);
		draft_free(&draft, false);
	}
	group->count = 0;
}

/* The files are lost, whatever the disk says later. Records that were made
 * beside them are taken back, now or when the spool heals. */
static void fail_files(struct group *group, bool recorded, struct error *err)
{
	struct spool *spool = group->spool;
	struct id ids[LIMIT_GROUP];
	struct error why;

	for (size_t i = 0; i < group->count; i++)
		ids[i] = group->drafts[i]->id;
	/* A full disk may be told by the sync, where blocks are allocated
	 * late; nothing is wrong with the disk then. */
	if (err->kind != ERROR_FULL)
		spool_break(spool, err);
	if (recorded && !flight_retract(spool, ids, group->count, &why))
		spool_break(spool, &why);
	refuse_all(group, err, true);
}

static void fail_rows(struct group *group, const struct error *err)
{
	struct spool *spool = group->spool;

	if (err->kind == ERROR_FULL) {
		refuse_all(group, err, true);
		return;
	}
	/* Did the commit reach the disk? Nobody knows: the files stay, and
	 * spool_heal() asks the index once it is open again. */
	for (size_t i = 0; i < group->count; i++)
		spool->undecided[spool->undecided_count++] =
		    group->drafts[i]->id;
	spool_break(spool, err);
	refuse_all(group, err, false);
}

static void commit_group(struct committer *committer, struct group *group)
{
	struct error rows_err = {0}, files_err = {0};
	bool recorded, synced;

	expel_failed(group);
	if (!spool_healthy(group->spool, &rows_err)) {
		refuse_all(group, &rows_err, true);
		return;
	}
	link_files(group);
	if (group->count == 0)
		return;
	syncer_begin(&committer->syncer, group);
	/* Once more after the map has grown. */
	recorded =
	    commit_rows(group, &rows_err) ||
	    (rows_err.kind == ERROR_TEMPORARY && commit_rows(group, &rows_err));
	synced = syncer_finish(&committer->syncer, &files_err);
	if (recorded && synced)
		acknowledge(group);
	else if (!synced)
		fail_files(group, recorded, &files_err);
	else
		fail_rows(group, &rows_err);
}

/* --- the thread ------------------------------------------------------- */

/*
 * The sessions that were just answered often have their next message at hand.
 * If others wait already, a group of both costs one flush instead of two: so
 * they get a quarter of the time that the last group took to come back. A
 * message that comes alone never waits.
 */
static void gather(struct committer *committer)
{
	size_t hoped = committer->queued + committer->last_count;
	int64_t end = committer->last_ended_us + committer->last_took_us / 4;
	int64_t now = clock_mono_us();
	struct timespec until;

	if (committer->queued == 0 || now >= end)
		return;
	if (hoped > LIMIT_GROUP)
		hoped = LIMIT_GROUP;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (end - now) * 1000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	committer->hoped = hoped;
	while (committer->queued < hoped && !committer->stopping &&
	       pthread_cond_timedwait(
		   &committer->filled, &committer->lock, &until) == 0)
		;
	committer->hoped = 1;
}

/* Waits for drafts; false when all is done and the thread should end. While
 * the spool is broken it wakes now and then to heal it. */
static bool collect(struct committer *committer, struct group *group)
{
	struct timespec until;

	(void)pthread_mutex_lock(&committer->lock);
	while (committer->first == NULL && !committer->stopping) {
		if (spool_healthy(committer->spool, NULL)) {
			(void)pthread_cond_wait(
			    &committer->filled, &committer->lock);
			continue;
		}
		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += HEAL_INTERVAL_S;
		if (pthread_cond_timedwait(
			&committer->filled, &committer->lock, &until) != 0)
			break;
	}
	gather(committer);
	while (committer->first != NULL && group->count < LIMIT_GROUP) {
		group->drafts[group->count++] = committer->first;
		committer->first = committer->first->next;
		committer->queued--;
	}
	if (committer->first == NULL)
		committer->last = &committer->first;
	(void)pthread_mutex_unlock(&committer->lock);
	return group->count > 0 || !committer->stopping;
}

static void time_group(struct committer *committer, struct group *group)
{
	int64_t began = clock_mono_us();

	committer->last_count = group->count;
	commit_group(committer, group);
	committer->last_ended_us = clock_mono_us();
	committer->last_took_us = committer->last_ended_us - began;
	metric_observe(
	    &figure_group_duration, NULL, (uint64_t)committer->last_took_us);
	metric_observe(&figure_group_messages, NULL, committer->last_count);
}

static void *run(void *arg)
{
	struct committer *committer = arg;
	struct group group = {.spool = committer->spool};

	while (collect(committer, &group)) {
		if (group.count > 0)
			time_group(committer, &group);
		if (!spool_healthy(committer->spool, NULL))
			spool_heal(committer->spool);
	}
	return NULL;
}

struct committer *committer_new(struct spool *spool)
{
	struct committer *committer = xcalloc(1, sizeof(*committer));
	pthread_condattr_t monotonic;

	committer->spool = spool;
	committer->last = &committer->first;
	committer->hoped = 1;
	(void)pthread_mutex_init(&committer->lock, NULL);
	/* Not the wall clock: it may jump while somebody waits for a 250. */
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&committer->filled, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	(void)pthread_mutex_init(&committer->syncer.lock, NULL);
	(void)pthread_cond_init(&committer->syncer.changed, NULL);
	if (pthread_create(&committer->thread, NULL, run, committer) != 0 ||
	    pthread_create(&committer->syncer.thread, NULL, run_syncer,
		&committer->syncer) != 0)
		fatal("cannot start the committer");
	return committer;
}

void committer_add(struct committer *committer, struct draft *draft)
{
	bool wanted;

	draft->next = NULL;
	(void)pthread_mutex_lock(&committer->lock);
	wanted = ++committer->queued == committer->hoped;
	*committer->last = draft;
	committer->last = &draft->next;
	(void)pthread_mutex_unlock(&committer->lock);
	/* Unlocked, so that the thread does not wake to wait for the lock. */
	if (wanted)
		(void)pthread_cond_signal(&committer->filled);
}

void committer_wake(struct committer *committer)
{
	(void)pthread_mutex_lock(&committer->lock);
	(void)pthread_cond_signal(&committer->filled);
	(void)pthread_mutex_unlock(&committer->lock);
}

static void stop_syncer(struct syncer *syncer)
{
	(void)pthread_mutex_lock(&syncer->lock);
	syncer->stopping = true;
	(void)pthread_cond_signal(&syncer->changed);
	(void)pthread_mutex_unlock(&syncer->lock);
	(void)pthread_join(syncer->thread, NULL);
	(void)pthread_cond_destroy(&syncer->changed);
	(void)pthread_mutex_destroy(&syncer->lock);
}

void committer_free(struct committer **committer)
{
	if (*committer == NULL)
		return;
	(void)pthread_mutex_lock(&(*committer)->lock);
	(*committer)->stopping = true;
	(void)pthread_cond_signal(&(*committer)->filled);
	(void)pthread_mutex_unlock(&(*committer)->lock);
	(void)pthread_join((*committer)->thread, NULL);
	stop_syncer(&(*committer)->syncer);
	(void)pthread_cond_destroy(&(*committer)->filled);
	(void)pthread_mutex_destroy(&(*committer)->lock);
	free(*committer);
	*committer = NULL;
}
