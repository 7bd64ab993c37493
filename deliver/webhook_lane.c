#include "deliver/webhook_lane.h"

#include "base/alloc.h"
#include "deliver/attempt.h"

#include <pthread.h>
#include <stdlib.h>

/* What a claim may last beyond its attempt: the wait in stock, a turn that
 * fails and comes again, a machine that is busy. */
#define CLAIM_SPARE_MS 60000

struct webhook_lane {
	struct spool *spool;
	struct lane_run *run;
	pthread_mutex_t lock;
	struct webhook_terms *terms; /* under lock */
};

static void *tools_new(void *arg)
{
	(void)arg;
	return webhook_new();
}

static void tools_free(void *tools)
{
	struct webhook *webhook = tools;

	webhook_free(&webhook);
}

static void interrupt(void *tools)
{
	webhook_interrupt(tools);
}

static struct webhook_terms *current_terms(struct webhook_lane *lane)
{
	struct webhook_terms *terms;

	(void)pthread_mutex_lock(&lane->lock);
	terms = webhook_terms_share(lane->terms);
	(void)pthread_mutex_unlock(&lane->lock);
	return terms;
}

static void attempt(
    void *arg, void *tools, const struct work *work, struct outcome *outcome)
{
	struct webhook_lane *lane = arg;
	struct webhook_terms *terms = current_terms(lane);

	attempt_webhook(lane->spool, tools, terms, work, outcome);
	webhook_terms_release(&terms);
}

static struct lane_policy policy_of(
    const struct config *config, const struct webhook_terms *terms)
{
	return (struct lane_policy){
	    .retry_base_ms = config->webhook_retry_base_ms,
	    .retry_cap_ms = config->webhook_retry_max_ms,
	    .max_retries = config->webhook_max_retries,
	    .max_age_ms = config->queue_max_age_ms,
	    .per_minute = config->webhook_max_per_minute,
	    .claim_limit_ms = attempt_limit_ms(terms) + CLAIM_SPARE_MS,
	};
}

bool webhook_lane_open(struct spool *spool, const struct config *config,
    struct webhook_lane **lane, struct error *err)
{
	struct webhook_lane *made = xcalloc(1, sizeof(*made));
	struct craft craft = {
	    .tools_new = tools_new,
	    .tools_free = tools_free,
	    .attempt = attempt,
	    .interrupt = interrupt,
	    .arg = made,
	};
	struct lane_policy policy;

	made->spool = spool;
	made->terms = webhook_terms_new(config);
	policy = policy_of(config, made->terms);
	(void)pthread_mutex_init(&made->lock, NULL);
	*lane = made;
	if (lane_open(spool, LANE_WEBHOOK, "webhook", &policy, &craft,
		config->webhook_concurrency, &made->run, err))
		return true;
	webhook_lane_close(lane);
	return false;
}

void webhook_lane_close(struct webhook_lane **lane)
{
	struct webhook_lane *leaving = *lane;

	if (leaving == NULL)
		return;
	lane_close(&leaving->run);
	webhook_terms_release(&leaving->terms);
	(void)pthread_mutex_destroy(&leaving->lock);
	free(leaving);
	*lane = NULL;
}

struct lane_run *webhook_lane_run(struct webhook_lane *lane)
{
	return lane->run;
}

void webhook_lane_configure(
    struct webhook_lane *lane, const struct config *config)
{
	struct webhook_terms *old, *new = webhook_terms_new(config);
	struct lane_policy policy = policy_of(config, new);

	(void)pthread_mutex_lock(&lane->lock);
	old = lane->terms;
	lane->terms = new;
	(void)pthread_mutex_unlock(&lane->lock);
	webhook_terms_release(&old);
	lane_set_policy(lane->run, &policy);
}
