/*
 * What all requests share: the spool, the settings of now, the counters. Any
 * thread.
 */
#ifndef HTTPAPI_CONTEXT_H
#define HTTPAPI_CONTEXT_H

#include "base/config.h"
#include "base/net.h"
#include "base/pool.h"
#include "httpapi/signing.h"
#include "httpapi/throttle.h"
#include "mail/domains.h"
#include "spool/spool.h"

#include <stdatomic.h>

/* The configuration with what is made from it. Never changes; SIGHUP makes
 * another one, and the old one lives until its last reader let it go. */
struct settings {
	struct config *config;
	struct cidr_set *ops, *metrics, *proxies;
	struct domains *local_domains;
	_Atomic unsigned holders;
};

/* Held once, by the caller. Takes the config over. */
struct settings *settings_new(struct config *config);
struct settings *settings_hold(struct settings *settings);
/* Clears the pointer; NULL is fine. */
void settings_release(struct settings **settings);

/* Since the program began. */
struct counters {
	_Atomic uint64_t requests, auth_failures, rate_limited;
	_Atomic uint64_t sent_ok, sent_error;
	_Atomic uint64_t dkim_sync_ok, dkim_sync_error;
	_Atomic uint64_t dkim_delete_ok, dkim_delete_error;
	_Atomic uint64_t connections, connections_refused;
	int64_t started_ms; /* wall clock */
	int64_t started_mono_ms;
};

struct context {
	struct spool *spool;
	struct counters counters;
	struct throttle *throttle;
	struct signing *signing;
	struct local_domains *local_domains;
	struct pool *pool; /* for what may block */
	struct sampler *sampler;
	struct dns *dns; /* NULL: no resolver is known */
};

#endif
