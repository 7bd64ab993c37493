/*
 * The configuration as the loops share it, with what is made from it. Never
 * changes; SIGHUP makes another one, and the old one lives until its last
 * reader let it go. Any thread.
 */
#ifndef SMTPD_SETTINGS_H
#define SMTPD_SETTINGS_H

#include "base/config.h"
#include "base/net.h"
#include "error.h"
#include "mail/domains.h"

#include <stdatomic.h>

struct settings {
	struct config *config;
	struct domains *local_domains;
	/* ACCESS_ALLOW, ACCESS_DENY with the files that they name,
	 * PROXY_PROTOCOL_CIDRS, TRUSTED_RELAY_CIDRS. */
	struct cidr_set *allowed, *denied, *proxies, *trusted_relays;
	_Atomic unsigned holders;
};

/* Held once, by the caller. Takes the config over, unless a file that it
 * names cannot be read: ERROR_CONFIG. */
MUST_CHECK bool settings_new(
    struct config *config, struct settings **settings, struct error *err);
struct settings *settings_hold(struct settings *settings);
/* Clears the pointer; NULL is fine. */
void settings_release(struct settings **settings);

#endif
