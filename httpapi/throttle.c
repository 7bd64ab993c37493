#include "httpapi/throttle.h"

#include "base/alloc.h"
#include "base/errors.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Clients that are remembered. One that finds its row full takes the place of
 * the one whose window began first: what is kept is bounded, whoever comes. */
#define ROWS 4096
#define PLACES 4

struct client {
	struct ip ip;
	unsigned count; /* 0: a free place */
	int64_t window_ms;
};

struct throttle {
	unsigned char key[crypto_shorthash_KEYBYTES];
	pthread_mutex_t lock; /* all that follows */
	struct client rows[ROWS][PLACES];
};

struct throttle *throttle_new(void)
{
	struct throttle *throttle = xcalloc(1, sizeof(*throttle));

	if (sodium_init() < 0)
		fatal("cannot start libsodium");
	/* Nobody can choose addresses that share a row. */
	crypto_shorthash_keygen(throttle->key);
	(void)pthread_mutex_init(&throttle->lock, NULL);
	return throttle;
}

void throttle_free(struct throttle **throttle)
{
	if (*throttle == NULL)
		return;
	(void)pthread_mutex_destroy(&(*throttle)->lock);
	free(*throttle);
	*throttle = NULL;
}

static struct client *row_of(struct throttle *throttle, const struct ip *ip)
{
	unsigned char hash[crypto_shorthash_BYTES];
	uint32_t number;

	(void)crypto_shorthash(
	    hash, ip->bytes, sizeof(ip->bytes), throttle->key);
	memcpy(&number, hash, sizeof(number));
	return throttle->rows[number % ROWS];
}

static struct client *place_of(struct client *row, const struct ip *ip)
{
	struct client *place = &row[0];

	for (size_t i = 0; i < PLACES; i++)
		if (row[i].count > 0 && ip_equal(&row[i].ip, ip))
			return &row[i];
	for (size_t i = 1; i < PLACES; i++)
		if (row[i].count == 0 ||
		    (place->count > 0 && row[i].window_ms < place->window_ms))
			place = &row[i];
	*place = (struct client){.ip = *ip};
	return place;
}

bool throttle_take(struct throttle *throttle, const struct throttle_rule *rule,
    const struct ip *ip, int64_t now_ms, struct throttle_state *state)
{
	struct ip who = *ip;
	struct client *client;
	bool allowed;

	*state = (struct throttle_state){0};
	if (rule->requests == 0)
		return true;
	if (!ip_is_v4(ip))
		memset(who.bytes + 8, 0, 8);
	(void)pthread_mutex_lock(&throttle->lock);
	client = place_of(row_of(throttle, &who), &who);
	if (client->count == 0 ||
	    now_ms - client->window_ms >= rule->window_ms) {
		client->count = 0;
		client->window_ms = now_ms;
	}
	allowed = client->count < rule->requests;
	if (allowed)
		client->count++;
	state->left =
	    rule->requests > client->count ? rule->requests - client->count : 0;
	state->reset_ms = client->window_ms + rule->window_ms - now_ms;
	(void)pthread_mutex_unlock(&throttle->lock);
	return allowed;
}
