/*
 * What the table of settings says with functions: defaults that are made from
 * the host or from other settings, and when a setting may not be unset.
 */
#ifndef BASE_CONFIG_RULES_H
#define BASE_CONFIG_RULES_H

#include "base/config.h"

#include "base/arena.h"

/* A default as text, in the arena or static; NULL: none. They look only at
 * settings that stand above theirs in the table. */
const char *default_host_name(const struct config *, struct arena *);
const char *default_run_user(const struct config *, struct arena *);
const char *default_auth_url(const struct config *, struct arena *);
const char *default_api_key(const struct config *, struct arena *);
const char *default_dkim_dir(const struct config *, struct arena *);

/* Why this program needs the setting; NULL if it may be unset. */
const char *needs_webhook_url(const struct config *, enum program);
const char *needs_auth_url(const struct config *, enum program);
const char *needs_phoenix_key(const struct config *, enum program);
const char *needs_http_key(const struct config *, enum program);

/* Faults and warnings that take more than one setting to see. */
void config_check_together(struct config *config, struct config_report *report);

#endif
