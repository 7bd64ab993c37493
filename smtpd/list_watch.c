#include "smtpd/list_watch.h"

#include "base/alloc.h"
#include "base/log.h"
#include "bounds.h"

#include <pthread.h>
#include <stdlib.h>

/* A list that has failed since it answered last. */
struct failing {
	struct failing *next;
	char *zone;
	unsigned failures;
};

struct list_watch {
	pthread_mutex_t lock;
	struct failing *first;
	size_t count;
};

struct list_watch *list_watch_new(void)
{
	struct list_watch *watch = xcalloc(1, sizeof(*watch));

	(void)pthread_mutex_init(&watch->lock, NULL);
	return watch;
}

/* Where it is, or would be: at the end. */
static struct failing **find(struct list_watch *watch, struct slice zone)
{
	struct failing **at = &watch->first;

	while (*at != NULL && !slice_is(zone, (*at)->zone))
		at = &(*at)->next;
	return at;
}

static void forget(struct list_watch *watch, struct failing **at)
{
	struct failing *gone = *at;

	*at = gone->next;
	watch->count--;
	free(gone->zone);
	free(gone);
}

void list_watch_free(struct list_watch **watch)
{
	if (*watch == NULL)
		return;
	while ((*watch)->first != NULL)
		forget(*watch, &(*watch)->first);
	(void)pthread_mutex_destroy(&(*watch)->lock);
	free(*watch);
	*watch = NULL;
}

bool list_watch_is_silent(struct list_watch *watch, struct slice zone)
{
	const struct failing *failing;
	bool silent;

	(void)pthread_mutex_lock(&watch->lock);
	failing = *find(watch, zone);
	silent = failing != NULL && failing->failures >= LIMIT_LIST_FAILURES;
	(void)pthread_mutex_unlock(&watch->lock);
	return silent;
}

static void note_failure(
    struct list_watch *watch, struct failing **at, struct slice zone)
{
	if (*at == NULL) {
		if (watch->count == LIMIT_LISTS_WATCHED)
			return;
		*at = xcalloc(1, sizeof(**at));
		(*at)->zone = xstrndup(zone.data, zone.len);
		watch->count++;
	}
	if (++(*at)->failures == LIMIT_LIST_FAILURES)
		log_event(LOG_WARN, "list_silent",
		    LOG_TEXT("zone", (*at)->zone),
		    LOG_NUMBER("failures", (*at)->failures));
}

void list_watch_note(struct list_watch *watch, struct slice zone, bool answered)
{
	struct failing **at;

	(void)pthread_mutex_lock(&watch->lock);
	at = find(watch, zone);
	if (!answered) {
		note_failure(watch, at, zone);
	} else if (*at != NULL) {
		if ((*at)->failures >= LIMIT_LIST_FAILURES)
			log_event(LOG_INFO, "list_answers_again",
			    LOG_TEXT("zone", (*at)->zone),
			    LOG_NUMBER("failures", (*at)->failures));
		forget(watch, at);
	}
	(void)pthread_mutex_unlock(&watch->lock);
}
