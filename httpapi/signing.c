#include "httpapi/signing.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/unconst.h"
#include "httpapi/dkim_store.h"
#include "mail/address.h"
#include "mail/dkim_sign.h"

#include <dirent.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* How long a key, or that there is none, is believed. */
#define BELIEVED_MS 3000
/* Domains in memory. One more takes the place of the one asked least lately. */
#define PLACES 64

/* A signer as it is used by several at once. */
struct held_signer {
	struct dkim_signer *signer;
	unsigned holders;
};

struct place {
	char *domain;             /* NULL: free */
	struct held_signer *held; /* NULL: the domain has no key */
	struct error failure;     /* why it cannot be used */
	int64_t read_ms;
};

struct signing {
	pthread_mutex_t lock;
	struct place places[PLACES];
	bool is_on;
	int64_t looked_ms; /* 0: never */
};

struct signing *signing_new(void)
{
	struct signing *signing = xcalloc(1, sizeof(*signing));

	(void)pthread_mutex_init(&signing->lock, NULL);
	return signing;
}

/* With the lock. */
static void release(struct held_signer **held)
{
	struct held_signer *left = *held;

	*held = NULL;
	if (left == NULL || --left->holders > 0)
		return;
	dkim_signer_free(&left->signer);
	free(left);
}

static void clear(struct place *place)
{
	release(&place->held);
	free(place->domain);
	*place = (struct place){0};
}

void signing_free(struct signing **signing)
{
	if (*signing == NULL)
		return;
	for (size_t i = 0; i < PLACES; i++)
		clear(&(*signing)->places[i]);
	(void)pthread_mutex_destroy(&(*signing)->lock);
	free(*signing);
	*signing = NULL;
}

static bool has_entries(const char *dir)
{
	DIR *folder = opendir(dir);
	const struct dirent *entry;
	bool found = false;

	if (folder == NULL)
		return false;
	/* Nobody else has this DIR. */
	/* NOLINTNEXTLINE(concurrency-mt-unsafe) */
	while (!found && (entry = readdir(folder)) != NULL)
		found = entry->d_name[0] != '.';
	(void)closedir(folder);
	return found;
}

bool signing_is_on(struct signing *signing, const char *dir)
{
	int64_t now_ms = clock_mono_ms();
	bool is_on;

	(void)pthread_mutex_lock(&signing->lock);
	if (signing->looked_ms == 0 ||
	    now_ms - signing->looked_ms >= BELIEVED_MS) {
		signing->is_on = has_entries(dir);
		signing->looked_ms = now_ms;
	}
	is_on = signing->is_on;
	(void)pthread_mutex_unlock(&signing->lock);
	return is_on;
}

/* *signer is NULL if the domain has none. */
static bool read_signer(const char *dir, const char *domain,
    struct dkim_signer **signer, struct error *err)
{
	struct arena *arena = arena_new();
	struct dkim_stored stored;
	bool done;

	*signer = NULL;
	done = dkim_store_read(dir, domain, false, arena, &stored, err);
	if (done) {
		done = dkim_signer_new(domain, stored.selector, stored.pem.data,
		    stored.pem.len, signer, err);
		sodium_memzero(unconst(stored.pem.data), stored.pem.len);
	} else if (err->kind == ERROR_NOT_FOUND) {
		done = true;
	}
	arena_free(&arena);
	return done;
}

/* --- places ----------------------------------------------------------- */

static struct place *place_of(struct signing *signing, const char *domain)
{
	struct place *oldest = &signing->places[0];

	for (size_t i = 0; i < PLACES; i++) {
		struct place *place = &signing->places[i];

		if (place->domain != NULL && strcmp(place->domain, domain) == 0)
			return place;
		if (place->read_ms < oldest->read_ms)
			oldest = place;
	}
	clear(oldest);
	oldest->domain = xstrdup(domain);
	return oldest;
}

static void refresh(struct place *place, const char *dir, int64_t now_ms)
{
	struct dkim_signer *signer;

	place->read_ms = now_ms;
	place->failure = (struct error){0};
	release(&place->held);
	if (!read_signer(dir, place->domain, &signer, &place->failure) ||
	    signer == NULL)
		return;
	place->held = xcalloc(1, sizeof(*place->held));
	place->held->signer = signer;
	place->held->holders = 1;
}

static struct held_signer *hold(struct signing *signing, const char *dir,
    const char *domain, struct error *failure)
{
	int64_t now_ms = clock_mono_ms();
	struct held_signer *held;
	struct place *place;

	(void)pthread_mutex_lock(&signing->lock);
	place = place_of(signing, domain);
	if (place->read_ms == 0 || now_ms - place->read_ms >= BELIEVED_MS)
		refresh(place, dir, now_ms);
	held = place->held;
	if (held != NULL)
		held->holders++;
	*failure = place->failure;
	(void)pthread_mutex_unlock(&signing->lock);
	return held;
}

bool signing_sign(struct signing *signing, const char *dir, const char *domain,
    const struct source *message, struct buf *out, struct error *err)
{
	struct dkim_sign_options options = {
	    .header = CANONICAL_RELAXED,
	    .body = CANONICAL_RELAXED,
	    .now_s = clock_wall_ms() / 1000,
	};
	struct held_signer *held;
	struct error failure;
	bool done;

	/* A literal has no key, and no name is a path. */
	if (!address_is_domain(domain, strlen(domain)))
		return true;
	held = hold(signing, dir, domain, &failure);
	if (held == NULL) {
		*err = failure;
		return failure.kind == ERROR_NONE ||
		       failure.kind == ERROR_NOT_FOUND;
	}
	done = dkim_sign(message, &held->signer, 1, &options, out, err);
	(void)pthread_mutex_lock(&signing->lock);
	release(&held);
	(void)pthread_mutex_unlock(&signing->lock);
	return done;
}
