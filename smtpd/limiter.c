#include "smtpd/limiter.h"

#include "base/alloc.h"
#include "base/errors.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 16384
/* A longer bucket forgets a client that is gone for each new one: what can be
 * remembered is bounded, whoever comes from however many addresses. */
#define BUCKET_CLIENTS 16

/*
 * Comings are counted in windows of the rule's span, the first of which begins
 * with the first coming. What counts is this window, and of the one before the
 * part that still lies within the span.
 */
struct client {
	struct client *next;
	struct ip ip;
	unsigned connections;
	unsigned recent, before; /* comings of this window and the last one */
	int64_t window_ms;       /* when this one began */
	int64_t span_ms;         /* of the rule it was counted by */
};

struct limiter {
	_Atomic unsigned connections;
	unsigned char key[crypto_shorthash_KEYBYTES];
	pthread_mutex_t lock; /* all that follows */
	struct client *buckets[BUCKETS];
};

struct limiter *limiter_new(void)
{
	struct limiter *limiter = xcalloc(1, sizeof(*limiter));

	if (sodium_init() < 0)
		fatal("cannot start libsodium");
	/* Nobody can choose addresses that share a bucket. */
	crypto_shorthash_keygen(limiter->key);
	(void)pthread_mutex_init(&limiter->lock, NULL);
	return limiter;
}

void limiter_free(struct limiter **limiter)
{
	struct client *client, *next;

	if (*limiter == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		for (client = (*limiter)->buckets[i]; client != NULL;
		     client = next) {
			next = client->next;
			free(client);
		}
	(void)pthread_mutex_destroy(&(*limiter)->lock);
	free(*limiter);
	*limiter = NULL;
}

static struct ip client_of(const struct ip *ip)
{
	struct ip client = *ip;

	if (!ip_is_v4(ip))
		memset(client.bytes + 8, 0, 8);
	return client;
}

static struct client **bucket_of(struct limiter *limiter, const struct ip *ip)
{
	unsigned char hash[crypto_shorthash_BYTES];
	uint32_t number;

	(void)crypto_shorthash(
	    hash, ip->bytes, sizeof(ip->bytes), limiter->key);
	memcpy(&number, hash, sizeof(number));
	return &limiter->buckets[number % BUCKETS];
}

static struct client *find_client(struct client *client, const struct ip *ip)
{
	while (client != NULL && !ip_equal(&client->ip, ip))
		client = client->next;
	return client;
}

static void forget_one(struct client **at)
{
	struct client *client;

	for (; (client = *at) != NULL; at = &client->next) {
		if (client->connections > 0)
			continue;
		*at = client->next;
		free(client);
		return;
	}
}

static struct client *add_client(struct client **bucket, const struct ip *ip)
{
	struct client *client = xcalloc(1, sizeof(*client));
	unsigned count = 0;

	for (struct client *each = *bucket; each != NULL; each = each->next)
		count++;
	if (count >= BUCKET_CLIENTS)
		forget_one(bucket);
	client->ip = *ip;
	client->next = *bucket;
	*bucket = client;
	return client;
}

static void move_window(struct client *client, int64_t span_ms, int64_t now_ms)
{
	int64_t age = now_ms - client->window_ms;

	if (client->span_ms != span_ms || age >= 2 * span_ms) {
		client->before = 0;
		client->recent = 0;
		client->window_ms = now_ms;
		client->span_ms = span_ms;
	} else if (age >= span_ms) {
		client->before = client->recent;
		client->recent = 0;
		client->window_ms += span_ms;
	}
}

static bool comes_too_often(
    struct client *client, const struct rate *rate, int64_t now_ms)
{
	int64_t left_ms;

	if (rate->count == 0)
		return false;
	move_window(client, rate->per_ms, now_ms);
	left_ms = rate->per_ms - (now_ms - client->window_ms);
	return client->recent + (uint64_t)client->before * (uint64_t)left_ms /
				    (uint64_t)rate->per_ms >=
	       rate->count;
}

static enum admission admit_client(struct limiter *limiter,
    const struct limiter_rules *rules, const struct ip *ip, int64_t now_ms)
{
	struct client **bucket = bucket_of(limiter, ip);
	struct client *client = find_client(*bucket, ip);

	if (client == NULL)
		client = add_client(bucket, ip);
	if (rules->per_address != 0 &&
	    client->connections >= rules->per_address)
		return ADMISSION_TOO_MANY;
	if (comes_too_often(client, &rules->rate_per_address, now_ms))
		return ADMISSION_TOO_FREQUENT;
	client->connections++;
	client->recent++;
	return ADMISSION_GRANTED;
}

enum admission limiter_admit(struct limiter *limiter,
    const struct limiter_rules *rules, const struct ip *ip, int64_t now_ms)
{
	struct ip client = client_of(ip);
	enum admission result = ADMISSION_GRANTED;

	if (atomic_fetch_add(&limiter->connections, 1) >= rules->connections &&
	    rules->connections != 0) {
		result = ADMISSION_CROWDED;
	} else if (!ip_is_loopback(ip)) {
		(void)pthread_mutex_lock(&limiter->lock);
		result = admit_client(limiter, rules, &client, now_ms);
		(void)pthread_mutex_unlock(&limiter->lock);
	}
	if (result != ADMISSION_GRANTED)
		atomic_fetch_sub(&limiter->connections, 1);
	return result;
}

void limiter_leave(struct limiter *limiter, const struct ip *ip)
{
	struct ip who = client_of(ip);
	struct client *client;

	atomic_fetch_sub(&limiter->connections, 1);
	if (ip_is_loopback(ip))
		return;
	(void)pthread_mutex_lock(&limiter->lock);
	client = find_client(*bucket_of(limiter, &who), &who);
	assert(client != NULL && client->connections > 0);
	client->connections--;
	(void)pthread_mutex_unlock(&limiter->lock);
}

unsigned limiter_connections(struct limiter *limiter)
{
	return atomic_load(&limiter->connections);
}

void limiter_sweep(struct limiter *limiter, int64_t now_ms)
{
	struct client **at, *client;

	(void)pthread_mutex_lock(&limiter->lock);
	for (size_t i = 0; i < BUCKETS; i++) {
		at = &limiter->buckets[i];
		while ((client = *at) != NULL) {
			if (client->connections > 0 ||
			    now_ms - client->window_ms < 2 * client->span_ms) {
				at = &client->next;
				continue;
			}
			*at = client->next;
			free(client);
		}
	}
	(void)pthread_mutex_unlock(&limiter->lock);
}
