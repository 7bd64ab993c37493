#include "httpapi/context.h"

#include "base/alloc.h"
#include "base/errors.h"

#include <stdlib.h>

/* The table of settings has checked every entry. */
static struct cidr_set *networks(const struct list *list)
{
	struct cidr_set *set = cidr_set_new();
	struct error err;

	for (size_t i = 0; i < list->count; i++)
		if (!cidr_set_add(set, list->items[i], &err))
			fatal("%s", err.text);
	return set;
}

struct settings *settings_new(struct config *config)
{
	struct settings *settings = xcalloc(1, sizeof(*settings));

	settings->config = config;
	settings->ops = networks(&config->ops_allowed_cidrs);
	settings->metrics = networks(&config->metrics_allowed_cidrs);
	settings->proxies = networks(&config->haraka_trusted_proxy_cidrs);
	settings->local_domains = domains_new(
	    config->local_domains.items, config->local_domains.count);
	settings->holders = 1;
	return settings;
}

struct settings *settings_hold(struct settings *settings)
{
	atomic_fetch_add(&settings->holders, 1);
	return settings;
}

void settings_release(struct settings **settings)
{
	struct settings *left = *settings;

	*settings = NULL;
	if (left == NULL || atomic_fetch_sub(&left->holders, 1) > 1)
		return;
	cidr_set_free(&left->ops);
	cidr_set_free(&left->metrics);
	cidr_set_free(&left->proxies);
	domains_free(&left->local_domains);
	config_free(&left->config);
	free(left);
}
