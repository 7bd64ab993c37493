#include "base/dns_cache.h"

#include "base/alloc.h"
#include "base/errors.h"
#include "bounds.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 16384

struct dns_cache {
	unsigned char key[crypto_shorthash_KEYBYTES];
	struct dns_entry *buckets[BUCKETS];
	/* Those that are answered, in the order of their answers. */
	struct dns_entry *oldest, *newest;
	size_t count, bytes;
};

struct dns_cache *dns_cache_new(void)
{
	struct dns_cache *cache = xcalloc(1, sizeof(*cache));

	if (sodium_init() < 0)
		fatal("cannot start libsodium");
	/* Nobody can choose names that share a bucket. */
	crypto_shorthash_keygen(cache->key);
	return cache;
}

static void free_entry(struct dns_entry *entry)
{
	(void)pthread_cond_destroy(&entry->answered);
	free(entry->packet);
	free(entry);
}

void dns_cache_free(struct dns_cache **cache)
{
	struct dns_entry *next;

	if (*cache == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct dns_entry *entry = (*cache)->buckets[i];
		     entry != NULL; entry = next) {
			next = entry->next;
			free_entry(entry);
		}
	free(*cache);
	*cache = NULL;
}

/* In lower case, without its last dot. */
static size_t fold(const char *name, char out[DNS_NAME_SIZE])
{
	size_t len = strlen(name);

	if (len > 0 && name[len - 1] == '.')
		len--;
	assert(len < DNS_NAME_SIZE);
	for (size_t i = 0; i < len; i++)
		out[i] = (char)(name[i] >= 'A' && name[i] <= 'Z'
				    ? name[i] - 'A' + 'a'
				    : name[i]);
	out[len] = '\0';
	return len;
}

static struct dns_entry **bucket_of(
    struct dns_cache *cache, const char *name, size_t len)
{
	unsigned char hash[crypto_shorthash_BYTES];
	uint32_t number;

	(void)crypto_shorthash(
	    hash, (const unsigned char *)name, len, cache->key);
	memcpy(&number, hash, sizeof(number));
	return &cache->buckets[number % BUCKETS];
}

static struct dns_entry *add(
    struct dns_entry **bucket, const char *name, size_t len, enum dns_type type)
{
	struct dns_entry *entry = xcalloc(1, sizeof(*entry) + len + 1);
	pthread_condattr_t clock;

	memcpy(entry->name, name, len);
	entry->type = type;
	entry->next = *bucket;
	*bucket = entry;
	(void)pthread_condattr_init(&clock);
	(void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&entry->answered, &clock);
	(void)pthread_condattr_destroy(&clock);
	return entry;
}

struct dns_entry *dns_cache_find(
    struct dns_cache *cache, const char *name, enum dns_type type)
{
	char folded[DNS_NAME_SIZE];
	size_t len = fold(name, folded);
	struct dns_entry *entry = *bucket_of(cache, folded, len);

	while (entry != NULL &&
	       (entry->type != type || strcmp(entry->name, folded) != 0))
		entry = entry->next;
	return entry;
}

static size_t weight(const struct dns_entry *entry)
{
	return sizeof(*entry) + strlen(entry->name) + entry->len;
}

/* Out of the order of those that are answered. */
static void take_out(struct dns_cache *cache, struct dns_entry *entry)
{
	*(entry->older != NULL ? &entry->older->newer : &cache->oldest) =
	    entry->newer;
	*(entry->newer != NULL ? &entry->newer->older : &cache->newest) =
	    entry->older;
	entry->older = entry->newer = NULL;
	cache->count--;
	cache->bytes -= weight(entry);
}

static void forget_answer(struct dns_cache *cache, struct dns_entry *entry)
{
	take_out(cache, entry);
	free(entry->packet);
	entry->packet = NULL;
	entry->len = 0;
}

struct dns_entry *dns_cache_ask(
    struct dns_cache *cache, const char *name, enum dns_type type)
{
	struct dns_entry *entry = dns_cache_find(cache, name, type);
	char folded[DNS_NAME_SIZE];
	size_t len;

	if (entry == NULL) {
		len = fold(name, folded);
		entry = add(bucket_of(cache, folded, len), folded, len, type);
	} else {
		assert(!entry->asking);
		forget_answer(cache, entry);
	}
	entry->asking = true;
	return entry;
}

void dns_cache_wake_all(struct dns_cache *cache)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct dns_entry *entry = cache->buckets[i]; entry != NULL;
		     entry = entry->next)
			(void)pthread_cond_broadcast(&entry->answered);
}

static void drop(struct dns_cache *cache, struct dns_entry *entry)
{
	struct dns_entry **at =
	    bucket_of(cache, entry->name, strlen(entry->name));

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	take_out(cache, entry);
	free_entry(entry);
}

static void make_room(struct dns_cache *cache)
{
	struct dns_entry *entry = cache->oldest, *newer;

	for (; entry != NULL && (cache->count > LIMIT_DNS_CACHE ||
				    cache->bytes > LIMIT_DNS_CACHE_BYTES);
	     entry = newer) {
		newer = entry->newer;
		if (entry->waiters == 0)
			drop(cache, entry);
	}
}

void dns_cache_keep(struct dns_cache *cache, struct dns_entry *entry,
    const unsigned char *packet, size_t len)
{
	entry->asking = false;
	if (packet != NULL) {
		entry->packet = xmalloc(len);
		memcpy(entry->packet, packet, len);
		entry->len = len;
	}
	entry->older = cache->newest;
	*(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) =
	    entry;
	cache->newest = entry;
	cache->count++;
	cache->bytes += weight(entry);
	make_room(cache);
}
