#include "httpapi/local_domains.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "bounds.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* How long the list is believed. */
#define BELIEVED_MS 3000

struct local_domains {
	struct spool *spool;
	pthread_mutex_t lock; /* all that follows */
	int64_t looked_ms;
	struct buf lines;     /* as remembered */
	struct domains *kept; /* of the lines; NULL: nothing is remembered */
};

struct local_domains *local_domains_new(struct spool *spool)
{
	struct local_domains *local = xcalloc(1, sizeof(*local));

	local->spool = spool;
	local->lines = buf_new(LIMIT_DOMAIN_LIST);
	(void)pthread_mutex_init(&local->lock, NULL);
	local_domains_refresh(local);
	return local;
}

void local_domains_free(struct local_domains **local)
{
	if (*local == NULL)
		return;
	domains_free(&(*local)->kept);
	buf_free(&(*local)->lines);
	(void)pthread_mutex_destroy(&(*local)->lock);
	free(*local);
	*local = NULL;
}

bool local_domains_are_due(struct local_domains *local)
{
	int64_t now_ms = clock_mono_ms();
	bool due;

	(void)pthread_mutex_lock(&local->lock);
	due = now_ms - local->looked_ms >= BELIEVED_MS;
	(void)pthread_mutex_unlock(&local->lock);
	return due;
}

/* With the lock. */
static void use(struct local_domains *local, struct buf *lines)
{
	struct buf old = local->lines;

	if (lines->len == old.len &&
	    (old.len == 0 || memcmp(lines->data, old.data, old.len) == 0))
		return;
	domains_free(&local->kept);
	local->kept = domains_of_lines((struct slice){lines->data, lines->len});
	local->lines = *lines;
	*lines = old;
}

void local_domains_refresh(struct local_domains *local)
{
	struct buf lines = buf_new(LIMIT_DOMAIN_LIST);
	struct error err;
	bool done;

	(void)pthread_mutex_lock(&local->lock);
	/* Others go on with what is known. */
	local->looked_ms = clock_mono_ms();
	(void)pthread_mutex_unlock(&local->lock);
	done = spool_recall(local->spool, SPOOL_MEMO_DOMAINS, &lines, &err);
	if (!done)
		log_event(LOG_WARN, "domains_unavailable",
		    LOG_TEXT("error", err.text));
	(void)pthread_mutex_lock(&local->lock);
	if (done && lines.len > 0)
		use(local, &lines);
	(void)pthread_mutex_unlock(&local->lock);
	buf_free(&lines);
}

bool local_domains_have(struct local_domains *local,
    const struct settings *settings, const char *domain)
{
	bool found, kept;

	(void)pthread_mutex_lock(&local->lock);
	kept = local->kept != NULL &&
	       settings->config->phoenix_domains_url != NULL;
	found = domains_has(kept ? local->kept : settings->local_domains,
	    domain, strlen(domain));
	(void)pthread_mutex_unlock(&local->lock);
	return found;
}
