#include "base/config_rules.h"

#include "base/config_check.h"
#include "base/listeners.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

const char *default_host_name(const struct config *config, struct arena *arena)
{
	char name[256] = "";

	(void)config;
	if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0')
		return "localhost";
	return arena_strdup(arena, name);
}

const char *default_run_user(const struct config *config, struct arena *arena)
{
	static const char name[] = "elektrine";

	(void)config;
	(void)arena;
	return geteuid() == 0 && check_user(name) == NULL ? name : NULL;
}

const char *default_auth_url(const struct config *config, struct arena *arena)
{
	const char *url = config->phoenix_webhook_url, *slash;
	size_t len;

	if (url == NULL)
		return NULL;
	len = strcspn(url, "?");
	slash = memrchr(url, '/', len);
	/* The slashes of "https://" are no path. */
	if (slash != NULL && slash > url && slash[-1] != '/')
		len = (size_t)(slash - url);
	return arena_printf(arena, "%.*s/auth", (int)len, url);
}

const char *default_api_key(const struct config *config, struct arena *arena)
{
	(void)arena;
	return config->haraka_api_key;
}

const char *default_dkim_dir(const struct config *config, struct arena *arena)
{
	if (config->spool_dir == NULL)
		return NULL;
	return arena_printf(arena, "%s/dkim", config->spool_dir);
}

const char *needs_webhook_url(const struct config *config, enum program program)
{
	if (program == PROGRAM_DELIVER &&
	    (config->deliver_lanes & DELIVER_WEBHOOK))
		return "the webhook lane posts to it";
	return NULL;
}

const char *needs_auth_url(const struct config *config, enum program program)
{
	if (program == PROGRAM_SMTPD && config->haraka_role == ROLE_SUBMISSION)
		return "submission asks it about every login; set it or "
		       "PHOENIX_WEBHOOK_URL";
	return NULL;
}

static bool calls_phoenix(const struct config *config, enum program program)
{
	unsigned lanes = config->deliver_lanes;

	switch (program) {
	case PROGRAM_DELIVER:
		return (lanes & DELIVER_WEBHOOK) != 0 ||
		       ((lanes & DELIVER_SMTP) != 0 &&
			   config->phoenix_events_url != NULL);
	case PROGRAM_SMTPD:
		if (config->haraka_role == ROLE_SUBMISSION)
			return true;
		return config->phoenix_verify_url != NULL ||
		       config->phoenix_domains_url != NULL;
	case PROGRAM_HTTPAPI:
		return config->phoenix_verify_url != NULL ||
		       config->phoenix_domains_url != NULL;
	case PROGRAM_SPOOL:
		return false;
	}
	return false;
}

const char *needs_phoenix_key(const struct config *config, enum program program)
{
	if (calls_phoenix(config, program))
		return "every call to Phoenix carries it; set it or "
		       "HARAKA_API_KEY";
	return NULL;
}

const char *needs_http_key(const struct config *config, enum program program)
{
	(void)config;
	if (program == PROGRAM_HTTPAPI)
		return "callers of the HTTP API must show it; set it or "
		       "HARAKA_API_KEY";
	return NULL;
}

/* The items are addresses: the table has checked that. */
static void check_listeners(
    const struct list *names, struct config_report *report)
{
	struct listen_address all[LISTENERS_MAX];

	if (names->count > LISTENERS_MAX) {
		(void)buf_printf(&report->faults,
		    "SMTP_LISTEN: has more than %d addresses\n", LISTENERS_MAX);
		return;
	}
	for (size_t i = 0; i < names->count; i++) {
		(void)!listen_address_parse(
		    names->items[i], strlen(names->items[i]), &all[i], NULL);
		for (size_t j = 0; j < i; j++)
			if (listen_addresses_clash(&all[j], &all[i]))
				(void)buf_printf(&report->faults,
				    "SMTP_LISTEN: %s is taken by %s already\n",
				    names->items[i], names->items[j]);
	}
}

void config_check_together(struct config *config, struct config_report *report)
{
	const char *mx = config->elektrine_local_mx_host;

	/* 0: was malformed, and is reported already */
	if (config->webhook_retry_max_ms != 0 &&
	    config->webhook_retry_base_ms > config->webhook_retry_max_ms)
		(void)buf_append_text(&report->faults,
		    "WEBHOOK_RETRY_BASE_MS: is larger than "
		    "WEBHOOK_RETRY_MAX_MS\n");
	if (config->tls_cert_file.count != config->tls_key_file.count &&
	    config->tls_cert_file.count != 0 && config->tls_key_file.count != 0)
		(void)buf_printf(&report->faults,
		    "TLS_KEY_FILE: names %zu files for the %zu of "
		    "TLS_CERT_FILE\n",
		    config->tls_key_file.count, config->tls_cert_file.count);
	check_listeners(&config->smtp_listen, report);
	/* Whoever asks for it must not find his mail readable on the disk. */
	if (config->spool_key_file != NULL)
		(void)buf_append_text(&report->faults,
		    "SPOOL_KEY_FILE: this version cannot encrypt the spool\n");
	/* The service that this program replaces: it is ourselves now. */
	if (mx != NULL && strcasecmp(mx, "haraka-inbound") == 0) {
		config->elektrine_local_mx_host = NULL;
		(void)buf_append_text(&report->warnings,
		    "ELEKTRINE_LOCAL_MX_HOST: haraka-inbound is this spool; "
		    "local mail goes straight into it\n");
	}
}
