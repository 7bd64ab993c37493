#include "smtpd/verifier.h"

#include "base/alloc.h"
#include "base/ask_cache.h"
#include "base/clock.h"
#include "base/log.h"
#include "bounds.h"
#include "smtpd/key_watch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct verifier {
	struct phoenix *phoenix;
	pthread_mutex_t lock; /* all that follows */
	struct ask_cache *cache;
	bool interrupted;
	unsigned silent; /* calls in a row without an answer */
	int64_t probe_ms;
	struct key_watch key;
	char why[160]; /* the last call failed */
};

struct verifier *verifier_new(struct phoenix *phoenix)
{
	struct verifier *verifier = xcalloc(1, sizeof(*verifier));

	verifier->phoenix = phoenix;
	verifier->cache =
	    ask_cache_new(LIMIT_VERIFY_CACHE, LIMIT_VERIFY_CACHE_BYTES);
	(void)pthread_mutex_init(&verifier->lock, NULL);
	return verifier;
}

void verifier_free(struct verifier **verifier)
{
	if (*verifier == NULL)
		return;
	ask_cache_free(&(*verifier)->cache);
	(void)pthread_mutex_destroy(&(*verifier)->lock);
	free(*verifier);
	*verifier = NULL;
}

void verifier_interrupt(struct verifier *verifier)
{
	(void)pthread_mutex_lock(&verifier->lock);
	verifier->interrupted = true;
	ask_cache_wake_all(verifier->cache);
	(void)pthread_mutex_unlock(&verifier->lock);
}

/* --- what Phoenix says ------------------------------------------------ */

/* Only 200 or 404 with `exists` says anything: a bare 404 may be a proxy's. */
static enum existence existence_of(const struct phoenix_answer *answer)
{
	const json_t *exists = json_object_get(answer->body, "exists");

	if (answer->status == 200 && json_is_true(exists))
		return EXISTENCE_YES;
	if ((answer->status == 200 || answer->status == 404) &&
	    json_is_false(exists))
		return EXISTENCE_NO;
	return EXISTENCE_UNKNOWN;
}

/* Whether it says that Phoenix is not there for any recipient. Other failures
 * may be those of one recipient: whoever names it must not keep the rest from
 * being asked for. */
static bool is_silence(int status)
{
	switch (status) {
	case 0: /* no answer */
	case 401:
	case 403:
	case 408:
	case 429:
	case 502:
	case 503:
	case 504:
		return true;
	default:
		return false;
	}
}

/* What is wrong with an answer that says nothing, behind its status. */
static const char *flaw_of(const struct phoenix_answer *answer)
{
	const json_t *exists = json_object_get(answer->body, "exists");

	if (answer->status != 200 && answer->status != 404)
		return "";
	if (exists == NULL)
		return " without `exists`";
	/* With 200 it would be an answer. */
	if (json_is_true(exists))
		return " but `exists` is true";
	return " but `exists` is neither true nor false";
}

/* With the lock held. */
static void note_answer(
    struct verifier *verifier, const struct phoenix_answer *answer)
{
	if (existence_of(answer) != EXISTENCE_UNKNOWN) {
		if (verifier->silent >= LIMIT_VERIFY_SILENT)
			log_event(LOG_INFO, "verify_answers_again",
			    LOG_NUMBER("failures", verifier->silent));
		verifier->silent = 0;
		return;
	}
	if (answer->status == 0)
		(void)snprintf(verifier->why, sizeof(verifier->why), "%s",
		    answer->problem);
	else
		(void)snprintf(verifier->why, sizeof(verifier->why),
		    "answered %d%s", answer->status, flaw_of(answer));
	(void)key_watch_refused(&verifier->key, "verify", answer);
	if (is_silence(answer->status) &&
	    ++verifier->silent == LIMIT_VERIFY_SILENT)
		log_event(LOG_WARN, "verify_unavailable",
		    LOG_TEXT("error", verifier->why));
}

static enum existence call(struct verifier *verifier,
    const struct config *config, const char *address, int64_t wait_ms)
{
	json_t *body = json_object();
	struct phoenix_answer answer;
	enum existence existence;

	(void)json_object_set_new(body, "email", json_string(address));
	(void)phoenix_call(verifier->phoenix, config,
	    config->phoenix_verify_url, body,
	    wait_ms < LIMIT_PHOENIX_MS ? wait_ms : LIMIT_PHOENIX_MS, &answer);
	existence = existence_of(&answer);
	(void)pthread_mutex_lock(&verifier->lock);
	note_answer(verifier, &answer);
	(void)pthread_mutex_unlock(&verifier->lock);
	json_decref(answer.body);
	json_decref(body);
	return existence;
}

/* --- what is known ---------------------------------------------------- */

/* The local part belongs to its host; the domain is the same in any case. */
static void make_key(const char *address, char *key, size_t size)
{
	char *domain;

	(void)snprintf(key, size, "%s", address);
	domain = strrchr(key, '@');
	for (char *c = domain != NULL ? domain : key; *c != '\0'; c++)
		if (domain != NULL && *c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
}

static bool is_fresh(const struct ask_entry *entry)
{
	return entry != NULL && entry->status != 0 &&
	       entry->until_ms > clock_mono_ms();
}

bool verifier_knows(
    struct verifier *verifier, const char *address, struct verified *verified)
{
	char key[LIMIT_PATH + LIMIT_DOMAIN + 2];
	const struct ask_entry *entry;
	bool known;

	make_key(address, key, sizeof(key));
	(void)pthread_mutex_lock(&verifier->lock);
	entry = ask_cache_find(verifier->cache, key);
	known = is_fresh(entry);
	*verified = (struct verified){.existence = EXISTENCE_UNKNOWN};
	if (known) {
		verified->existence = (enum existence)entry->status;
		verified->cached = true;
	}
	(void)pthread_mutex_unlock(&verifier->lock);
	return known;
}

/* Without an answer an earlier "exists" goes on. */
static void fall_back(struct verifier *verifier, const struct config *config,
    const struct ask_entry *entry, struct verified *verified)
{
	verified->existence = EXISTENCE_UNKNOWN;
	(void)snprintf(
	    verified->why, sizeof(verified->why), "%s", verifier->why);
	if (entry == NULL || entry->status != EXISTENCE_YES ||
	    clock_mono_ms() - entry->heard_ms > config->verify_stale_ttl_ms)
		return;
	verified->existence = EXISTENCE_YES;
	verified->cached = verified->stale = true;
}

/* --- asking ----------------------------------------------------------- */

/* While Phoenix does not answer, only one call now and then is made, and for
 * one recipient at any time: it may be the only one that gets no answer. */
static bool may_call(struct verifier *verifier, const struct ask_entry *entry)
{
	int64_t now_ms = clock_mono_ms();

	if (verifier->interrupted || (entry != NULL && now_ms < entry->hold_ms))
		return false;
	if (verifier->silent < LIMIT_VERIFY_SILENT)
		return true;
	if (now_ms - verifier->probe_ms < LIMIT_VERIFY_PROBE_MS)
		return false;
	verifier->probe_ms = now_ms;
	return true;
}

/* Called and returns with the lock held. */
static enum existence ask(struct verifier *verifier,
    const struct config *config, const char *key, const char *address,
    int64_t wait_ms)
{
	struct ask_entry *entry = ask_cache_begin(verifier->cache, key);
	enum existence existence;
	int64_t now_ms;

	(void)pthread_mutex_unlock(&verifier->lock);
	existence = call(verifier, config, address, wait_ms);
	(void)pthread_mutex_lock(&verifier->lock);
	now_ms = clock_mono_ms();
	if (existence == EXISTENCE_UNKNOWN) {
		entry->hold_ms = now_ms + LIMIT_VERIFY_PROBE_MS;
	} else {
		entry->status = (int)existence;
		entry->heard_ms = now_ms;
		entry->until_ms = now_ms + (existence == EXISTENCE_YES
						   ? config->verify_cache_ttl_ms
						   : LIMIT_VERIFY_NO_MS);
	}
	ask_cache_end(verifier->cache, entry);
	return existence;
}

void verifier_ask(struct verifier *verifier, const struct config *config,
    const char *address, int64_t wait_ms, struct verified *verified)
{
	char key[LIMIT_PATH + LIMIT_DOMAIN + 2];
	struct ask_entry *entry;

	make_key(address, key, sizeof(key));
	*verified = (struct verified){.existence = EXISTENCE_UNKNOWN};
	(void)pthread_mutex_lock(&verifier->lock);
	entry = ask_cache_find(verifier->cache, key);
	if (entry != NULL && entry->asking) {
		ask_entry_wait(
		    entry, &verifier->lock, wait_ms, &verifier->interrupted);
	} else if (!is_fresh(entry) && may_call(verifier, entry)) {
		verified->existence =
		    ask(verifier, config, key, address, wait_ms);
		entry = ask_cache_find(verifier->cache, key);
	}
	if (verified->existence == EXISTENCE_UNKNOWN && is_fresh(entry)) {
		verified->existence = (enum existence)entry->status;
		verified->cached = true;
	}
	if (verified->existence == EXISTENCE_UNKNOWN)
		fall_back(verifier, config, entry, verified);
	(void)pthread_mutex_unlock(&verifier->lock);
}
