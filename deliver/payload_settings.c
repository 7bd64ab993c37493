#include "deliver/payload_settings.h"

#include "base/alloc.h"
#include "base/errors.h"
#include "base/net.h"

#include <stdlib.h>
#include <string.h>

struct payload_settings {
	struct payload_options options;
	struct cidr_set *trusted_relays;
};

/* The settings were checked: every item is a network. */
static struct cidr_set *networks_of(const struct list *list)
{
	struct cidr_set *set = cidr_set_new();
	struct error err;

	for (size_t i = 0; i < list->count; i++) {
		if (!cidr_set_add(set, list->items[i], &err))
			fatal("TRUSTED_RELAY_CIDRS: %s", err.text);
	}
	return set;
}

struct payload_settings *payload_settings_new(const struct config *config)
{
	struct payload_settings *settings = xcalloc(1, sizeof(*settings));

	settings->options = (struct payload_options){
	    .include_headers = config->haraka_include_headers,
	    .include_body = config->haraka_include_body,
	    .include_attachments = config->haraka_include_attachments,
	    .include_raw = config->haraka_include_raw,
	    .max_bytes = config->webhook_max_bytes,
	    .max_parts = config->max_mime_parts,
	};
	settings->trusted_relays = networks_of(&config->trusted_relay_cidrs);
	return settings;
}

void payload_settings_free(struct payload_settings **settings)
{
	if (*settings == NULL)
		return;
	cidr_set_free(&(*settings)->trusted_relays);
	free(*settings);
	*settings = NULL;
}

struct payload_options payload_settings_for(
    const struct payload_settings *settings, const struct envelope *envelope)
{
	struct payload_options options = settings->options;
	const char *client = envelope->client_ip;
	struct ip ip;

	options.trust_spam_headers =
	    client != NULL && ip_parse(client, strlen(client), &ip) &&
	    cidr_set_has(settings->trusted_relays, &ip);
	return options;
}
