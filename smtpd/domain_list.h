/*
 * Which domains are ours: Phoenix's list, asked for in the background and
 * remembered by the spool, so that it outlives us; before there ever was one,
 * and where no URL is set, LOCAL_DOMAINS. Any thread.
 */
#ifndef SMTPD_DOMAIN_LIST_H
#define SMTPD_DOMAIN_LIST_H

#include "base/phoenix.h"
#include "bounds.h"
#include "error.h"
#include "smtpd/settings.h"
#include "spool/spool.h"

#include <stdbool.h>
#include <stddef.h>

struct domain_list;

/* Reads what the spool remembers (NULL: nothing is remembered), and begins to
 * ask. The spool and phoenix, which is to be interrupted before the end, must
 * outlive it. */
MUST_CHECK bool domain_list_new(struct spool *spool, struct phoenix *phoenix,
    struct settings *settings, struct domain_list **list, struct error *err);
/* From now on with these settings: asks at once. */
void domain_list_reload(struct domain_list *list, struct settings *settings);
/* For those who ask only once: waits until Phoenix has answered, or has been
 * given up for now. */
void domain_list_await(struct domain_list *list);
/* Clears the pointer; NULL is fine. */
void domain_list_free(struct domain_list **list);

enum whose_domain {
	DOMAIN_OURS,
	DOMAIN_FOREIGN,
	DOMAIN_UNKNOWN /* nobody has told us yet */
};

enum whose_domain domain_list_find(struct domain_list *list,
    const struct settings *settings, const char *name, size_t len);

/* Where <postmaster> goes; false if nothing is ours. */
bool domain_list_first(struct domain_list *list,
    const struct settings *settings, char out[LIMIT_DOMAIN + 1]);

#endif
