#include "base/pool.h"

#include "base/alloc.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Owned by the queue while waiting, then by its thread, then by the loop. A
 * job that is forgotten at work stays its thread's. */
enum job_state { JOB_WAITING, JOB_AT_WORK, JOB_ANSWERED, JOB_FORGOTTEN };

struct pool_job {
	struct pool_job *next;
	struct pool *pool;
	struct loop *loop;
	struct loop_task answer;
	void (*work)(void *arg);
	void (*done)(void *arg);
	void (*release)(void *arg); /* with JOB_FORGOTTEN */
	void *arg;
	enum job_state state;
};

struct pool {
	pthread_mutex_t lock; /* all that follows, and state and release of
			       * every job */
	pthread_cond_t wanted;
	struct pool_job *first, **end;
	size_t waiting;
	size_t unfinished, max_unfinished; /* waiting or at work */
	size_t idle, started, max_threads;
	bool closing;
	pthread_t threads[];
};

struct pool *pool_new(size_t threads, size_t waiting)
{
	struct pool *pool =
	    xcalloc(1, sizeof(*pool) + threads * sizeof(pthread_t));

	(void)pthread_mutex_init(&pool->lock, NULL);
	(void)pthread_cond_init(&pool->wanted, NULL);
	pool->end = &pool->first;
	pool->max_unfinished = threads + waiting;
	pool->max_threads = threads;
	return pool;
}

static void on_job_answered(void *arg)
{
	struct pool_job *job = arg;

	/* Only this thread forgets: no lock. */
	if (job->state != JOB_FORGOTTEN)
		job->done(job->arg);
	free(job);
}

static struct pool_job *take_job(struct pool *pool)
{
	struct pool_job *job;

	pool->idle++;
	while (pool->first == NULL && !pool->closing)
		(void)pthread_cond_wait(&pool->wanted, &pool->lock);
	pool->idle--;
	if (pool->closing)
		return NULL;
	job = pool->first;
	pool->first = job->next;
	if (pool->first == NULL)
		pool->end = &pool->first;
	pool->waiting--;
	job->state = JOB_AT_WORK;
	return job;
}

/* Called and returns with the lock held. */
static void finish_job(struct pool *pool, struct pool_job *job)
{
	pool->unfinished--;
	if (job->state != JOB_FORGOTTEN) {
		job->state = JOB_ANSWERED;
		loop_post(job->loop, &job->answer);
		return;
	}
	(void)pthread_mutex_unlock(&pool->lock);
	job->release(job->arg);
	free(job);
	(void)pthread_mutex_lock(&pool->lock);
}

static void *run_worker(void *arg)
{
	struct pool *pool = arg;
	struct pool_job *job;

	(void)pthread_mutex_lock(&pool->lock);
	while ((job = take_job(pool)) != NULL) {
		(void)pthread_mutex_unlock(&pool->lock);
		job->work(job->arg);
		(void)pthread_mutex_lock(&pool->lock);
		finish_job(pool, job);
	}
	(void)pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* One more thread if all are busy; without any thread nothing would run. */
static bool worker_ready(struct pool *pool)
{
	pthread_t *thread = &pool->threads[pool->started];

	if (pool->idle > pool->waiting || pool->started == pool->max_threads)
		return true;
	if (pthread_create(thread, NULL, run_worker, pool) != 0)
		return pool->started > 0;
	pool->started++;
	return true;
}

struct pool_job *pool_start(struct pool *pool, struct loop *loop,
    void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	struct pool_job *job = xcalloc(1, sizeof(*job));

	*job = (struct pool_job){.pool = pool,
	    .loop = loop,
	    .answer = {.call = on_job_answered, .arg = job},
	    .work = work,
	    .done = done,
	    .arg = arg};
	(void)pthread_mutex_lock(&pool->lock);
	if (pool->unfinished == pool->max_unfinished || !worker_ready(pool)) {
		(void)pthread_mutex_unlock(&pool->lock);
		free(job);
		return NULL;
	}
	*pool->end = job;
	pool->end = &job->next;
	pool->waiting++;
	pool->unfinished++;
	(void)pthread_cond_signal(&pool->wanted);
	(void)pthread_mutex_unlock(&pool->lock);
	return job;
}

static void unlink_job(struct pool *pool, struct pool_job *job)
{
	struct pool_job **at = &pool->first;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	if (pool->end == &job->next)
		pool->end = at;
	pool->waiting--;
}

void pool_forget(struct pool_job **job, void (*release)(void *arg))
{
	struct pool_job *gone = *job;
	struct pool *pool;
	enum job_state was;

	if (gone == NULL)
		return;
	*job = NULL;
	pool = gone->pool;
	(void)pthread_mutex_lock(&pool->lock);
	was = gone->state;
	if (was == JOB_WAITING) {
		unlink_job(pool, gone);
		pool->unfinished--;
	}
	gone->release = release;
	gone->state = JOB_FORGOTTEN;
	(void)pthread_mutex_unlock(&pool->lock);
	if (was == JOB_AT_WORK)
		return;
	release(gone->arg);
	if (was == JOB_WAITING)
		free(gone);
}

void pool_free(struct pool **pool)
{
	struct pool *gone = *pool;

	if (gone == NULL)
		return;
	*pool = NULL;
	(void)pthread_mutex_lock(&gone->lock);
	assert(gone->first == NULL);
	gone->closing = true;
	(void)pthread_cond_broadcast(&gone->wanted);
	(void)pthread_mutex_unlock(&gone->lock);
	for (size_t i = 0; i < gone->started; i++)
		(void)pthread_join(gone->threads[i], NULL);
	(void)pthread_cond_destroy(&gone->wanted);
	(void)pthread_mutex_destroy(&gone->lock);
	free(gone);
}
