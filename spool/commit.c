/*
 * The heart: a group of finished drafts becomes durable.
 *
 *   files linked into queue/new         a crash here leaves files without a
 *   files and folder synced             record: never acknowledged (row 3)
 *   one index transaction, synced       from here on the messages exist
 *   every session of the group told
 *   names in queue/tmp/<writer> dropped a crash before leaves two names of
 *                                       one message (row 5)
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
#include "spool/heal.h"
#include "spool/internal.h"
#include "spool/notify.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

struct committer {
	struct spool *spool;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct draft *first, **last;
	bool stopping;
};

struct group {
	struct spool *spool;
	struct draft *drafts[LIMIT_GROUP];
	size_t count;
};

/* --- files ------------------------------------------------------------ */

/* Tells the session that its message is not and never will be stored; by then
 * nothing of it is left, unless it is undecided. */
static void refuse(struct draft *draft, bool drop_file)
{
	struct error failure = draft->failure;
	spool_committed_fn *done = draft->done;
	void *arg = draft->done_arg;

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

/* Files and names on disk. A few files are cheaper one by one; for many, one
 * syncfs() carries files and folder together. */
static bool sync_files(struct group *group, struct error *err)
{
	struct spool *spool = group->spool;

	if (group->count >= LIMIT_SYNC_SINGLY)
		return os_syncfs(spool->root, err);
	for (size_t i = 0; i < group->count; i++) {
		if (!os_fdatasync(group->drafts[i]->fd, err))
			return false;
	}
	return maildir_sync(&spool->maildirs, BOX_QUEUE, err);
}

/* --- rows ------------------------------------------------------------- */

/* All rows of the group in one transaction. On failure *tried says how many
 * messages had their rows put, the last of which is the one that failed. */
static bool try_rows(struct group *group, size_t *tried, struct error *err)
{
	struct spool *spool = group->spool;
	struct counters counters;
	struct index_txn *txn;
	size_t i;

	*tried = 0;
	if (!spool_write_begin(spool, &txn, err))
		return false;
	counters_get(txn, &counters);
	for (i = 0; i < group->count && !index_failed(txn); i++)
		message_rows_put(txn, &group->drafts[i]->rows, &counters);
	counters.accepted += i;
	counters_put(txn, &counters);
	*tried = i;
	return spool_txn_commit(spool, &txn, err);
}

/* A message whose rows cannot be stored is expelled with its failure and the
 * group repeated without it. */
static bool commit_rows(struct group *group, struct error *err)
{
	size_t tried;

	while (!try_rows(group, &tried, err)) {
		if (err->kind != ERROR_LIMIT || tried == 0)
			return false;
		group->drafts[tried - 1]->failure = *err;
		expel_failed(group);
		if (group->count == 0)
			return true;
	}
	return true;
}

/* --- a group ---------------------------------------------------------- */

static void acknowledge(struct group *group)
{
	struct spool *spool = group->spool;
	struct error ignored;

	for (size_t i = 0; i < group->count; i++)
		group->drafts[i]->done(group->drafts[i]->done_arg, NULL);
	notifier_wake(spool->notifier);
	for (size_t i = 0; i < group->count; i++) {
		struct draft *draft = group->drafts[i];

		if (spool->options.announce != NULL)
			spool->options.announce(
			    spool->options.announce_arg, draft->id_text, false);
		/* Recovery drops the name if we cannot. */
		(void)os_unlink(spool->writer, draft->id_text, &ignored);
		draft_free(&draft, false);
	}
	group->count = 0;
}

static void commit_group(struct group *group)
{
	struct spool *spool = group->spool;
	struct error err = {0};

	expel_failed(group);
	if (!spool_healthy(spool, &err)) {
		refuse_all(group, &err, true);
		return;
	}
	link_files(group);
	if (group->count == 0)
		return;
	if (!sync_files(group, &err)) {
		/* A full disk is told by the sync where blocks are allocated
		 * late; nothing is wrong with the disk then. */
		if (err.kind != ERROR_FULL)
			spool_break(spool, &err);
		refuse_all(group, &err, true);
		return;
	}
	/* Once more after the map has grown. */
	if (commit_rows(group, &err) ||
	    (err.kind == ERROR_TEMPORARY && commit_rows(group, &err))) {
		acknowledge(group);
		return;
	}
	if (err.kind == ERROR_FULL) {
		refuse_all(group, &err, true);
		return;
	}
	/* Did the commit reach the disk? Nobody knows: the files stay, and
	 * spool_heal() asks the index once it is open again. */
	for (size_t i = 0; i < group->count; i++)
		spool->undecided[spool->undecided_count++] =
		    group->drafts[i]->id;
	spool_break(spool, &err);
	refuse_all(group, &err, false);
}

/* --- the thread ------------------------------------------------------- */

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
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += HEAL_INTERVAL_S;
		if (pthread_cond_timedwait(
			&committer->filled, &committer->lock, &until) != 0)
			break;
	}
	while (committer->first != NULL && group->count < LIMIT_GROUP) {
		group->drafts[group->count++] = committer->first;
		committer->first = committer->first->next;
	}
	if (committer->first == NULL)
		committer->last = &committer->first;
	(void)pthread_mutex_unlock(&committer->lock);
	return group->count > 0 || !committer->stopping;
}

static void *run(void *arg)
{
	struct committer *committer = arg;
	struct group group = {.spool = committer->spool};

	while (collect(committer, &group)) {
		if (group.count > 0)
			commit_group(&group);
		if (!spool_healthy(committer->spool, NULL))
			spool_heal(committer->spool);
	}
	return NULL;
}

struct committer *committer_new(struct spool *spool)
{
	struct committer *committer = xcalloc(1, sizeof(*committer));

	committer->spool = spool;
	committer->last = &committer->first;
	(void)pthread_mutex_init(&committer->lock, NULL);
	(void)pthread_cond_init(&committer->filled, NULL);
	if (pthread_create(&committer->thread, NULL, run, committer) != 0)
		fatal("cannot start the committer");
	return committer;
}

void committer_add(struct committer *committer, struct draft *draft)
{
	bool was_empty;

	draft->next = NULL;
	(void)pthread_mutex_lock(&committer->lock);
	was_empty = committer->first == NULL;
	*committer->last = draft;
	committer->last = &draft->next;
	if (was_empty)
		(void)pthread_cond_signal(&committer->filled);
	(void)pthread_mutex_unlock(&committer->lock);
}

void committer_wake(struct committer *committer)
{
	(void)pthread_mutex_lock(&committer->lock);
	(void)pthread_cond_signal(&committer->filled);
	(void)pthread_mutex_unlock(&committer->lock);
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
	(void)pthread_cond_destroy(&(*committer)->filled);
	(void)pthread_mutex_destroy(&(*committer)->lock);
	free(*committer);
	*committer = NULL;
}
