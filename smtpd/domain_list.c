#include "smtpd/domain_list.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/utf8.h"
#include "bounds.h"
#include "smtpd/key_watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Entries of an answer that are no domains. */
struct left_out {
	size_t count;
	char first[LIMIT_DOMAIN + 1]; /* or its beginning */
};

struct domain_list {
	struct spool *spool;
	struct phoenix *phoenix;
	pthread_t thread;
	/* The thread's: what was said already. */
	bool failing;
	struct key_watch key;
	struct left_out left_out;

	pthread_mutex_t lock; /* all that follows */
	pthread_cond_t changed;
	struct settings *settings; /* held */
	bool asks_now, asked, stops;
	/* NULL: none was ever received. */
	struct domains *known;
};

/* --- the list --------------------------------------------------------- */

static bool load(struct domain_list *list, struct error *err)
{
	struct buf text = buf_new(LIMIT_DOMAIN_LIST);
	bool done = list->spool == NULL ||
		    spool_recall(list->spool, SPOOL_MEMO_DOMAINS, &text, err);

	if (done && text.len > 0)
		list->known =
		    domains_of_lines((struct slice){text.data, text.len});
	buf_free(&text);
	return done;
}

static void leave_out(struct left_out *left_out, struct slice name)
{
	if (left_out->count++ == 0)
		(void)snprintf(left_out->first, sizeof(left_out->first), "%.*s",
		    (int)utf8_cut(name.data, name.len, LIMIT_DOMAIN),
		    name.data);
}

/* Its mail is refused, and the rest of the list is good: that is said once,
 * as long as it is the same. */
static void tell_left_out(
    struct domain_list *list, const struct left_out *left_out)
{
	bool same = left_out->count == list->left_out.count &&
		    strcmp(left_out->first, list->left_out.first) == 0;

	list->left_out = *left_out;
	if (!same && left_out->count > 0)
		log_event(LOG_WARN, "domains_left_out",
		    LOG_TEXT("entry", left_out->first),
		    LOG_NUMBER("count", left_out->count),
		    LOG_TEXT("error", "not a domain name"));
}

/* The names of an answer as lines; false if it is none: anything but an array
 * of strings, of which at least one is a domain. */
static bool write_lines(
    const json_t *body, struct buf *lines, struct left_out *left_out)
{
	const json_t *array = json_object_get(body, "domains");
	const json_t *item;
	size_t i;

	if (!json_is_array(array))
		return false;
	json_array_foreach(array, i, item)
	{
		struct slice name =
		    slice_trim(slice_of(json_string_value(item)));

		if (!json_is_string(item))
			return false;
		if (!domains_can_have(name))
			leave_out(left_out, name);
		else if (!buf_printf(lines, "%s%.*s",
			     lines->len > 0 ? "\n" : "", (int)name.len,
			     name.data))
			return false;
	}
	return lines->len > 0;
}

static void use(struct domain_list *list, struct domains **domains)
{
	struct domains *old;

	(void)pthread_mutex_lock(&list->lock);
	old = list->known;
	list->known = *domains;
	*domains = NULL;
	(void)pthread_mutex_unlock(&list->lock);
	domains_free(&old);
}

/* So that it outlives us. What is remembered already costs no write. */
static void remember(struct domain_list *list, const struct buf *lines)
{
	struct buf old = buf_new(LIMIT_DOMAIN_LIST);
	struct error err;
	bool same;

	if (list->spool == NULL || !spool_can_remember(list->spool))
		return;
	same = spool_recall(list->spool, SPOOL_MEMO_DOMAINS, &old, &err) &&
	       old.len == lines->len &&
	       memcmp(buf_text(&old), lines->data, lines->len) == 0;
	if (!same && !spool_remember(list->spool, SPOOL_MEMO_DOMAINS,
			 lines->data, lines->len, &err))
		log_event(
		    LOG_ERROR, "domains_not_kept", LOG_TEXT("error", err.text));
	if (!same)
		log_event(LOG_INFO, "domains_changed",
		    LOG_NUMBER("bytes", lines->len));
	buf_free(&old);
}

/* False if the answer is none. */
static bool take_answer(struct domain_list *list, const json_t *body)
{
	struct buf lines = buf_new(LIMIT_DOMAIN_LIST);
	struct left_out left_out = {.count = 0};
	struct domains *domains;
	bool taken = write_lines(body, &lines, &left_out);

	if (taken) {
		domains =
		    domains_of_lines((struct slice){lines.data, lines.len});
		remember(list, &lines);
		use(list, &domains);
	}
	tell_left_out(list, &left_out);
	buf_free(&lines);
	return taken;
}

/* --- asking ----------------------------------------------------------- */

static void log_failure(
    struct domain_list *list, const struct phoenix_answer *answer)
{
	if (key_watch_refused(&list->key, "domains", answer) || list->failing)
		return;
	list->failing = true;
	log_event(LOG_WARN, "domains_unavailable", LOG_TEXT("call", "domains"),
	    LOG_NUMBER("status", answer->status),
	    LOG_TEXT("error",
		answer->status != 0 ? "no list of domains" : answer->problem));
}

static bool ask(struct domain_list *list, const struct config *config)
{
	struct phoenix_answer answer;
	bool taken = false;

	if (phoenix_call(list->phoenix, config, config->phoenix_domains_url,
		NULL, LIMIT_PHOENIX_MS, &answer) &&
	    answer.status == 200)
		taken = take_answer(list, answer.body);
	if (!taken)
		log_failure(list, &answer);
	else
		list->failing = false;
	json_decref(answer.body);
	return taken;
}

/* With the lock held. */
static void wait_ms(struct domain_list *list, int64_t wait)
{
	struct timespec until = clock_wait_until(wait);

	while (!list->stops && !list->asks_now &&
	       pthread_cond_timedwait(&list->changed, &list->lock, &until) == 0)
		continue;
	list->asks_now = false;
}

static void *run(void *arg)
{
	struct domain_list *list = arg;
	int64_t retry_ms = LIMIT_DOMAINS_RETRY_MS, wait;

	(void)pthread_mutex_lock(&list->lock);
	while (!list->stops) {
		struct settings *settings = settings_hold(list->settings);
		const struct config *config = settings->config;

		wait = config->domain_cache_ttl_ms;
		(void)pthread_mutex_unlock(&list->lock);
		if (config->phoenix_domains_url != NULL) {
			if (ask(list, config)) {
				retry_ms = LIMIT_DOMAINS_RETRY_MS;
			} else {
				wait = retry_ms < wait ? retry_ms : wait;
				if (retry_ms < wait)
					retry_ms *= 2;
			}
		}
		settings_release(&settings);
		(void)pthread_mutex_lock(&list->lock);
		list->asked = true;
		(void)pthread_cond_broadcast(&list->changed);
		wait_ms(list, wait);
	}
	(void)pthread_mutex_unlock(&list->lock);
	return NULL;
}

/* --- from outside ----------------------------------------------------- */

static void free_list(struct domain_list *list)
{
	settings_release(&list->settings);
	domains_free(&list->known);
	(void)pthread_cond_destroy(&list->changed);
	(void)pthread_mutex_destroy(&list->lock);
	free(list);
}

bool domain_list_new(struct spool *spool, struct phoenix *phoenix,
    struct settings *settings, struct domain_list **result, struct error *err)
{
	struct domain_list *list = xcalloc(1, sizeof(*list));
	pthread_condattr_t clock;

	list->spool = spool;
	list->phoenix = phoenix;
	list->settings = settings_hold(settings);
	(void)pthread_mutex_init(&list->lock, NULL);
	(void)pthread_condattr_init(&clock);
	(void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&list->changed, &clock);
	(void)pthread_condattr_destroy(&clock);
	if (!load(list, err)) {
		free_list(list);
		return false;
	}
	errno = pthread_create(&list->thread, NULL, run, list);
	if (errno != 0) {
		(void)error_errno(err, "cannot start a thread");
		free_list(list);
		return false;
	}
	*result = list;
	return true;
}

void domain_list_reload(struct domain_list *list, struct settings *settings)
{
	struct settings *old;

	(void)pthread_mutex_lock(&list->lock);
	old = list->settings;
	list->settings = settings_hold(settings);
	list->asks_now = true;
	(void)pthread_cond_broadcast(&list->changed);
	(void)pthread_mutex_unlock(&list->lock);
	settings_release(&old);
}

void domain_list_await(struct domain_list *list)
{
	(void)pthread_mutex_lock(&list->lock);
	while (!list->asked)
		(void)pthread_cond_wait(&list->changed, &list->lock);
	(void)pthread_mutex_unlock(&list->lock);
}

void domain_list_free(struct domain_list **list)
{
	struct domain_list *gone = *list;

	if (gone == NULL)
		return;
	*list = NULL;
	(void)pthread_mutex_lock(&gone->lock);
	gone->stops = true;
	(void)pthread_cond_broadcast(&gone->changed);
	(void)pthread_mutex_unlock(&gone->lock);
	(void)pthread_join(gone->thread, NULL);
	free_list(gone);
}

enum whose_domain domain_list_find(struct domain_list *list,
    const struct settings *settings, const char *name, size_t len)
{
	bool asks = settings->config->phoenix_domains_url != NULL, found;
	enum whose_domain whose = DOMAIN_FOREIGN;

	(void)pthread_mutex_lock(&list->lock);
	found = asks && list->known != NULL;
	if (found && domains_has(list->known, name, len))
		whose = DOMAIN_OURS;
	(void)pthread_mutex_unlock(&list->lock);
	if (found)
		return whose;
	if (domains_has(settings->local_domains, name, len))
		return DOMAIN_OURS;
	return asks ? DOMAIN_UNKNOWN : DOMAIN_FOREIGN;
}

bool domain_list_first(struct domain_list *list,
    const struct settings *settings, char out[LIMIT_DOMAIN + 1])
{
	const char *first = domains_first(settings->local_domains);

	(void)pthread_mutex_lock(&list->lock);
	if (settings->config->phoenix_domains_url != NULL &&
	    list->known != NULL)
		first = domains_first(list->known);
	if (first != NULL)
		(void)snprintf(out, LIMIT_DOMAIN + 1, "%s", first);
	(void)pthread_mutex_unlock(&list->lock);
	return first != NULL;
}
