#include "base/ask_cache.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/errors.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 16384

struct ask_cache {
	unsigned char key[crypto_shorthash_KEYBYTES];
	struct ask_entry *buckets[BUCKETS];
	/* Those that are answered, in the order of their answers. */
	struct ask_entry *oldest, *newest;
	size_t count, bytes, most, most_bytes;
};

struct ask_cache *ask_cache_new(size_t most, size_t most_bytes)
{
	struct ask_cache *cache = xcalloc(1, sizeof(*cache));

	if (sodium_init() < 0)
		fatal("cannot start libsodium");
	cache->most = most;
	cache->most_bytes = most_bytes;
	/* Nobody can choose keys that share a bucket. */
	crypto_shorthash_keygen(cache->key);
	return cache;
}

static void free_entry(struct ask_entry *entry)
{
	(void)pthread_cond_destroy(&entry->answered);
	free(entry->bytes);
	free(entry);
}

void ask_cache_free(struct ask_cache **cache)
{
	struct ask_entry *next;

	if (*cache == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct ask_entry *entry = (*cache)->buckets[i];
		     entry != NULL; entry = next) {
			next = entry->next;
			free_entry(entry);
		}
	free(*cache);
	*cache = NULL;
}

static struct ask_entry **bucket_of(struct ask_cache *cache, const char *key)
{
	unsigned char hash[crypto_shorthash_BYTES];
	uint32_t number;

	(void)crypto_shorthash(
	    hash, (const unsigned char *)key, strlen(key), cache->key);
	memcpy(&number, hash, sizeof(number));
	return &cache->buckets[number % BUCKETS];
}

static struct ask_entry *add(struct ask_entry **bucket, const char *key)
{
	size_t size = strlen(key) + 1;
	struct ask_entry *entry = xcalloc(1, sizeof(*entry) + size);
	pthread_condattr_t clock;

	memcpy(entry->key, key, size);
	entry->next = *bucket;
	*bucket = entry;
	(void)pthread_condattr_init(&clock);
	(void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&entry->answered, &clock);
	(void)pthread_condattr_destroy(&clock);
	return entry;
}

struct ask_entry *ask_cache_find(struct ask_cache *cache, const char *key)
{
	struct ask_entry *entry = *bucket_of(cache, key);

	while (entry != NULL && strcmp(entry->key, key) != 0)
		entry = entry->next;
	return entry;
}

static size_t weight(const struct ask_entry *entry)
{
	return sizeof(*entry) + strlen(entry->key) + entry->len;
}

/* Out of the order of those that are answered. */
static void take_out(struct ask_cache *cache, struct ask_entry *entry)
{
	*(entry->older != NULL ? &entry->older->newer : &cache->oldest) =
	    entry->newer;
	*(entry->newer != NULL ? &entry->newer->older : &cache->newest) =
	    entry->older;
	entry->older = entry->newer = NULL;
	cache->count--;
	cache->bytes -= weight(entry);
}

struct ask_entry *ask_cache_begin(struct ask_cache *cache, const char *key)
{
	struct ask_entry *entry = ask_cache_find(cache, key);

	if (entry == NULL)
		entry = add(bucket_of(cache, key), key);
	else
		take_out(cache, entry);
	assert(!entry->asking);
	entry->asking = true;
	return entry;
}

void ask_entry_set(struct ask_entry *entry, const void *bytes, size_t len)
{
	free(entry->bytes);
	entry->bytes = NULL;
	entry->len = len;
	if (bytes == NULL)
		return;
	entry->bytes = xmalloc(len);
	memcpy(entry->bytes, bytes, len);
}

void ask_entry_wait(struct ask_entry *entry, pthread_mutex_t *lock,
    int64_t wait_ms, const bool *end)
{
	struct timespec until = clock_wait_until(wait_ms);

	entry->waiters++;
	while (entry->asking && !*end &&
	       pthread_cond_timedwait(&entry->answered, lock, &until) == 0)
		continue;
	entry->waiters--;
}

void ask_cache_wake_all(struct ask_cache *cache)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct ask_entry *entry = cache->buckets[i]; entry != NULL;
		     entry = entry->next)
			(void)pthread_cond_broadcast(&entry->answered);
}

static void drop(struct ask_cache *cache, struct ask_entry *entry)
{
	struct ask_entry **at = bucket_of(cache, entry->key);

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	take_out(cache, entry);
	free_entry(entry);
}

static void make_room(struct ask_cache *cache)
{
	struct ask_entry *entry = cache->oldest, *newer;

	for (; entry != NULL &&
	       (cache->count > cache->most || cache->bytes > cache->most_bytes);
	     entry = newer) {
		newer = entry->newer;
		if (entry->waiters == 0)
			drop(cache, entry);
	}
}

void ask_cache_end(struct ask_cache *cache, struct ask_entry *entry)
{
	entry->asking = false;
	(void)pthread_cond_broadcast(&entry->answered);
	entry->older = cache->newest;
	*(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) =
	    entry;
	cache->newest = entry;
	cache->count++;
	cache->bytes += weight(entry);
	make_room(cache);
}
