#include "smtpd/settings.h"

#include "base/alloc.h"
#include "base/errors.h"
#include "base/networks.h"
#include "bounds.h"

#include <stdlib.h>
#include <string.h>

/* The files were right when the configuration was made, but may have changed
 * since, or be closed to whom we have become. */
static bool read_networks(const struct list *list, const char *name,
    struct cidr_set **set, struct error *err)
{
	struct buf faults = buf_new(LIMIT_ACCESS_FILE);
	bool done;

	*set = cidr_set_new();
	done = networks_read(name, list, *set, &faults);
	if (!done)
		(void)error_set(err, ERROR_CONFIG, "%.*s",
		    (int)strcspn(buf_text(&faults), "\n"), buf_text(&faults));
	buf_free(&faults);
	return done;
}

static bool fill(struct settings *settings, struct error *err)
{
	const struct config *config = settings->config;

	settings->local_domains = domains_new(
	    config->local_domains.items, config->local_domains.count);
	return read_networks(&config->access_allow, "ACCESS_ALLOW",
		   &settings->allowed, err) &&
	       read_networks(&config->access_deny, "ACCESS_DENY",
		   &settings->denied, err) &&
	       read_networks(&config->proxy_protocol_cidrs,
		   "PROXY_PROTOCOL_CIDRS", &settings->proxies, err) &&
	       read_networks(&config->trusted_relay_cidrs,
		   "TRUSTED_RELAY_CIDRS", &settings->trusted_relays, err);
}

static void free_settings(struct settings *settings)
{
	domains_free(&settings->local_domains);
	cidr_set_free(&settings->allowed);
	cidr_set_free(&settings->denied);
	cidr_set_free(&settings->proxies);
	cidr_set_free(&settings->trusted_relays);
	free(settings);
}

bool settings_new(
    struct config *config, struct settings **result, struct error *err)
{
	struct settings *settings = xcalloc(1, sizeof(*settings));

	*result = NULL;
	settings->config = config;
	settings->holders = 1;
	if (!fill(settings, err)) {
		free_settings(settings);
		return false;
	}
	*result = settings;
	return true;
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
	config_free(&left->config);
	free_settings(left);
}
