#include "spool/unlinker.h"

#include "base/alloc.h"
#include "base/errors.h"
#include "base/log.h"
#include "bounds.h"
#include "spool/id.h"
#include "spool/rows.h"

#include <pthread.h>
#include <stdlib.h>

/* Enough to keep the discards of a disk going. */
#define THREADS 4
/* What one thread takes at once. */
#define BATCH 32

struct unlinker {
	const struct maildirs *dirs;
	pthread_t threads[THREADS];
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	struct tasks queued, done;
	bool stopping;
};

void unlink_files(
    const struct maildirs *dirs, const struct task *files, size_t count)
{
	struct error err;

	for (size_t i = 0; i < count; i++) {
		char id[ID_TEXT + 1];
		bool done = true;

		id_format(&files[i].id, id);
		if ((files[i].number & DOOMED_QUEUE) != 0)
			done = maildir_unlink(dirs, BOX_QUEUE, id, &err);
		if (done && (files[i].number & DOOMED_DEAD) != 0)
			done = maildir_unlink(dirs, BOX_DEAD, id, &err);
		if (!done)
			log_event(LOG_WARN, "unlink_failed", LOG_TEXT("id", id),
			    LOG_TEXT("error", err.text));
	}
}

static void *run(void *arg)
{
	struct unlinker *unlinker = arg;
	struct task batch[BATCH];
	size_t count;

	(void)pthread_mutex_lock(&unlinker->lock);
	for (;;) {
		while (unlinker->queued.count == 0 && !unlinker->stopping)
			(void)pthread_cond_wait(
			    &unlinker->filled, &unlinker->lock);
		if (unlinker->queued.count == 0)
			break;
		for (count = 0; count < BATCH && unlinker->queued.count > 0;)
			batch[count++] =
			    unlinker->queued.items[--unlinker->queued.count];
		(void)pthread_cond_signal(&unlinker->emptied);
		(void)pthread_mutex_unlock(&unlinker->lock);
		unlink_files(unlinker->dirs, batch, count);
		(void)pthread_mutex_lock(&unlinker->lock);
		for (size_t i = 0; i < count; i++)
			tasks_add(&unlinker->done, &batch[i].id, 0, 0);
	}
	(void)pthread_mutex_unlock(&unlinker->lock);
	return NULL;
}

struct unlinker *unlinker_new(const struct maildirs *dirs)
{
	struct unlinker *unlinker = xcalloc(1, sizeof(*unlinker));

	unlinker->dirs = dirs;
	(void)pthread_mutex_init(&unlinker->lock, NULL);
	(void)pthread_cond_init(&unlinker->filled, NULL);
	(void)pthread_cond_init(&unlinker->emptied, NULL);
	for (int i = 0; i < THREADS; i++) {
		if (pthread_create(
			&unlinker->threads[i], NULL, run, unlinker) != 0)
			fatal("cannot start a thread");
	}
	return unlinker;
}

void unlinker_free(struct unlinker **unlinker)
{
	struct unlinker *gone = *unlinker;

	if (gone == NULL)
		return;
	(void)pthread_mutex_lock(&gone->lock);
	gone->stopping = true;
	(void)pthread_cond_broadcast(&gone->filled);
	(void)pthread_mutex_unlock(&gone->lock);
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(gone->threads[i], NULL);
	tasks_free(&gone->queued);
	tasks_free(&gone->done);
	(void)pthread_cond_destroy(&gone->filled);
	(void)pthread_cond_destroy(&gone->emptied);
	(void)pthread_mutex_destroy(&gone->lock);
	free(gone);
	*unlinker = NULL;
}

void unlinker_add(struct unlinker *unlinker, const struct tasks *files)
{
	if (files->count == 0)
		return;
	(void)pthread_mutex_lock(&unlinker->lock);
	while (unlinker->queued.count > LIMIT_UNLINK)
		(void)pthread_cond_wait(&unlinker->emptied, &unlinker->lock);
	for (size_t i = 0; i < files->count; i++)
		tasks_add(&unlinker->queued, &files->items[i].id,
		    files->items[i].number, 0);
	(void)pthread_cond_broadcast(&unlinker->filled);
	(void)pthread_mutex_unlock(&unlinker->lock);
}

void unlinker_take_done(struct unlinker *unlinker, struct tasks *done)
{
	(void)pthread_mutex_lock(&unlinker->lock);
	for (size_t i = 0; i < unlinker->done.count; i++)
		tasks_add(done, &unlinker->done.items[i].id, 0, 0);
	tasks_clear(&unlinker->done);
	(void)pthread_mutex_unlock(&unlinker->lock);
}
