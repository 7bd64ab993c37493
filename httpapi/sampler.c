#include "httpapi/sampler.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/metrics.h"
#include "bounds.h"
#include "spool/operator.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Latencies, in milliseconds; negative: nothing was measured. */
struct latency {
	double median, high;
};

enum measured { COMMIT, DELAY, MEASURED };
static const char *const names[MEASURED] = {
    [COMMIT] = "elektrine_spool_commit_duration_seconds",
    [DELAY] = "elektrine_deliver_delay_seconds",
};

struct sample {
	int64_t at_ms;
	uint64_t waiting, dead, oldest_s;
	double in, out, died; /* a second */
	struct latency latency[MEASURED];
};

/* What rates and latencies are differences of. */
struct totals {
	int64_t mono_ms; /* 0: none yet */
	uint64_t accepted, delivered, died;
	struct metric_histogram histograms[MEASURED];
};

struct sampler {
	struct spool *spool;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool stopping;
	struct totals last;
	struct sample samples[SAMPLES]; /* a ring */
	size_t first, count;
};

/* --- one sample ------------------------------------------------------- */

static struct latency latency_of(
    const struct metric_histogram *now, const struct metric_histogram *before)
{
	struct metric_histogram recent = *now;

	if (before->bounds == now->bounds) {
		for (unsigned i = 0; i <= now->bounds; i++)
			recent.counts[i] -= before->counts[i];
	}
	return (struct latency){.median = metric_quantile(&recent, 0.5) / 1000,
	    .high = metric_quantile(&recent, 0.99) / 1000};
}

static double rate(uint64_t now, uint64_t before, double seconds)
{
	return now > before ? (double)(now - before) / seconds : 0;
}

static bool look(
    struct spool *spool, struct operator_status *status, struct totals *now)
{
	struct error ignored;

	if (!operator_status(spool, status, &ignored) ||
	    !operator_histograms(
		spool, names, MEASURED, now->histograms, &ignored))
		return false;
	now->mono_ms = clock_mono_ms();
	now->accepted = status->accepted;
	now->delivered = status->delivered;
	now->died = status->died;
	return true;
}

static void take(struct sampler *sampler)
{
	const struct totals *last = &sampler->last;
	int64_t wall = clock_wall_ms();
	struct operator_status status;
	struct totals now = {0};
	struct sample *sample;
	double seconds;

	/* The spool may be out of order for a while: a gap. */
	if (!look(sampler->spool, &status, &now))
		return;
	seconds = (double)(now.mono_ms - last->mono_ms) / 1000;
	(void)pthread_mutex_lock(&sampler->lock);
	if (last->mono_ms != 0 && seconds > 0) {
		if (sampler->count == SAMPLES)
			sampler->first = (sampler->first + 1) % SAMPLES;
		else
			sampler->count++;
		sample =
		    &sampler->samples[(sampler->first + sampler->count - 1) %
				      SAMPLES];
		*sample = (struct sample){.at_ms = wall,
		    .waiting = operator_waiting(&status),
		    .dead = operator_dead(&status),
		    .in = rate(now.accepted, last->accepted, seconds),
		    .out = rate(now.delivered, last->delivered, seconds),
		    .died = rate(now.died, last->died, seconds)};
		if (status.oldest_ms != 0 && wall > status.oldest_ms)
			sample->oldest_s =
			    (uint64_t)(wall - status.oldest_ms) / 1000;
		for (int i = 0; i < MEASURED; i++)
			sample->latency[i] = latency_of(
			    &now.histograms[i], &last->histograms[i]);
	}
	sampler->last = now;
	(void)pthread_mutex_unlock(&sampler->lock);
}

/* --- the thread ------------------------------------------------------- */

static void *run(void *arg)
{
	struct sampler *sampler = arg;
	struct timespec until;
	bool stopping = false;

	while (!stopping) {
		take(sampler);
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += SAMPLE_S;
		(void)pthread_mutex_lock(&sampler->lock);
		if (!sampler->stopping)
			(void)pthread_cond_timedwait(
			    &sampler->ended, &sampler->lock, &until);
		stopping = sampler->stopping;
		(void)pthread_mutex_unlock(&sampler->lock);
	}
	return NULL;
}

struct sampler *sampler_new(struct spool *spool)
{
	struct sampler *sampler = xcalloc(1, sizeof(*sampler));
	sigset_t every, before;

	sampler->spool = spool;
	(void)pthread_mutex_init(&sampler->lock, NULL);
	(void)pthread_cond_init(&sampler->ended, NULL);
	/* Signals are for the main thread. */
	(void)sigfillset(&every);
	(void)pthread_sigmask(SIG_SETMASK, &every, &before);
	if (pthread_create(&sampler->thread, NULL, run, sampler) != 0)
		fatal("cannot start a thread");
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return sampler;
}

void sampler_free(struct sampler **sampler)
{
	struct sampler *gone = *sampler;

	if (gone == NULL)
		return;
	*sampler = NULL;
	(void)pthread_mutex_lock(&gone->lock);
	gone->stopping = true;
	(void)pthread_cond_signal(&gone->ended);
	(void)pthread_mutex_unlock(&gone->lock);
	(void)pthread_join(gone->thread, NULL);
	(void)pthread_cond_destroy(&gone->ended);
	(void)pthread_mutex_destroy(&gone->lock);
	free(gone);
}

/* --- JSON ------------------------------------------------------------- */

static json_t *latency_json(const struct latency *latency)
{
	if (latency->median < 0)
		return json_null();
	return json_pack("[f, f]", latency->median, latency->high);
}

static json_t *sample_json(const struct sample *sample)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:o, s:o}", "at",
	    (json_int_t)sample->at_ms, "waiting", (json_int_t)sample->waiting,
	    "dead", (json_int_t)sample->dead, "oldest_s",
	    (json_int_t)sample->oldest_s, "in", sample->in, "out", sample->out,
	    "died", sample->died, "commit_ms",
	    latency_json(&sample->latency[COMMIT]), "delay_ms",
	    latency_json(&sample->latency[DELAY]));
}

json_t *sampler_json(struct sampler *sampler, int64_t since_ms)
{
	json_t *array = json_array();

	(void)pthread_mutex_lock(&sampler->lock);
	for (size_t i = 0; i < sampler->count; i++) {
		const struct sample *sample =
		    &sampler->samples[(sampler->first + i) % SAMPLES];

		if (sample->at_ms > since_ms)
			(void)json_array_append_new(array, sample_json(sample));
	}
	(void)pthread_mutex_unlock(&sampler->lock);
	return array;
}
