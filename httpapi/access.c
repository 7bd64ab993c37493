#include "httpapi/access.h"

#include "base/clock.h"
#include "base/log.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --- who -------------------------------------------------------------- */

/* The last entry of a list; the list becomes what is left of it. */
static struct slice take_last(struct slice *list)
{
	size_t at = list->len;
	struct slice last;

	while (at > 0 && list->data[at - 1] != ',')
		at--;
	last = slice_trim(slice_from(*list, at));
	list->len = at > 0 ? at - 1 : 0;
	return last;
}

/* "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", or "2001:db8::1". */
static bool read_hop(struct slice text, struct ip *ip)
{
	size_t end;

	if (text.len > 0 && text.data[0] == '[') {
		text = slice_from(text, 1);
		text.len = slice_find(text, ']');
	} else if ((end = slice_find(text, ':')) < text.len &&
		   memchr(text.data + end + 1, ':', text.len - end - 1) ==
		       NULL) {
		text.len = end;
	}
	return ip_parse(text.data, text.len, ip);
}

struct ip access_client(
    struct ip nearest, const char *forwarded, const struct cidr_set *proxies)
{
	struct slice list = slice_of(forwarded);
	struct ip client = nearest, hop;

	while (list.len > 0 && cidr_set_has(proxies, &client)) {
		/* Behind what is no address nobody is to be believed. */
		if (!read_hop(take_last(&list), &hop))
			break;
		client = hop;
	}
	return client;
}

static bool shows_key(const struct request *request)
{
	const char *key = request->settings->config->haraka_http_api_key;
	const char *shown = request_header(request, "X-API-Key");
	unsigned char a[crypto_generichash_BYTES], b[crypto_generichash_BYTES];

	if (key == NULL || shown == NULL)
		return false;
	/* Hashes have one length: not even that of the key is told. */
	(void)crypto_generichash(
	    a, sizeof(a), (const unsigned char *)key, strlen(key), NULL, 0);
	(void)crypto_generichash(
	    b, sizeof(b), (const unsigned char *)shown, strlen(shown), NULL, 0);
	return sodium_memcmp(a, b, sizeof(a)) == 0;
}

void access_identify(struct request *request)
{
	const struct cidr_set *proxies = request->settings->proxies;
	const char *forwarded = request_header(request, "X-Forwarded-For");
	const char *scheme = request_header(request, "X-Forwarded-Proto");
	bool by_proxy = cidr_set_has(proxies, &request->peer);

	if (forwarded == NULL && by_proxy)
		forwarded = request_header(request, "X-Real-IP");
	request->client = access_client(request->peer, forwarded, proxies);
	ip_format(&request->client, request->client_text);
	request->https =
	    by_proxy && scheme != NULL && strcasecmp(scheme, "https") == 0;
	request->has_key = shows_key(request);
}

/* --- what they may ---------------------------------------------------- */

static bool is_open_to(const struct request *request)
{
	switch (request->route->access) {
	case ROUTE_OPEN:
		return true;
	case ROUTE_OPS:
		return cidr_set_has(request->settings->ops, &request->client);
	case ROUTE_METRICS:
		return cidr_set_has(
		    request->settings->metrics, &request->client);
	case ROUTE_KEY:
		break;
	}
	return false;
}

bool access_allow(struct request *request, struct reply *reply)
{
	if (request->has_key || is_open_to(request))
		return true;
	atomic_fetch_add(&request->context->counters.auth_failures, 1);
	log_event(LOG_WARN, "auth_failed", LOG_TEXT("ip", request->client_text),
	    LOG_TEXT("path", request->path));
	/* RFC 9110 section 11.6.1 wants a challenge with a 401. */
	reply_header(reply, "WWW-Authenticate", "ApiKey header=\"X-API-Key\"");
	reply_error(reply, 401, "Unauthorized");
	if (request->route->stranger != NULL)
		request->route->stranger(request, reply);
	return false;
}

static void add_number(struct reply *reply, const char *name, int64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lld", (long long)number);
	reply_header(reply, name, text);
}

bool access_take_turn(struct request *request, struct reply *reply)
{
	const struct config *config = request->settings->config;
	struct throttle_rule rule = {
	    .requests = config->rate_limit_max_requests,
	    .window_ms = config->rate_limit_window_ms,
	};
	struct throttle_state state;
	int64_t reset_s;
	bool allowed;

	if (rule.requests == 0)
		return true;
	allowed = throttle_take(request->context->throttle, &rule,
	    &request->client, clock_mono_ms(), &state);
	reset_s = (state.reset_ms + 999) / 1000;
	add_number(reply, "RateLimit-Limit", rule.requests);
	add_number(reply, "RateLimit-Remaining", state.left);
	add_number(reply, "RateLimit-Reset", reset_s);
	if (allowed)
		return true;
	atomic_fetch_add(&request->context->counters.rate_limited, 1);
	log_event(LOG_WARN, "limit_exceeded",
	    LOG_TEXT("ip", request->client_text), LOG_TEXT("limit", "rate"));
	add_number(reply, "Retry-After", reset_s);
	reply_error(reply, 429, "too many requests; come back in %lld s",
	    (long long)reset_s);
	return false;
}
