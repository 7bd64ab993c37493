#include "smtpd/settings.h"

#include "base/alloc.h"

#include <stdlib.h>

struct settings *settings_new(struct config *config)
{
	struct settings *settings = xcalloc(1, sizeof(*settings));

	settings->config = config;
	settings->local_domains = domains_new(&config->local_domains);
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
	domains_free(&left->local_domains);
	config_free(&left->config);
	free(left);
}
