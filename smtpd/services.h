/*
 * What checks ask, shared by all workers: a pool of threads for each kind of
 * service, so that a slow one is waited for only by those who need it. Any
 * thread, but for services_new() and services_free().
 */
#ifndef SMTPD_SERVICES_H
#define SMTPD_SERVICES_H

#include "base/dns.h"
#include "base/pool.h"
#include "error.h"
#include "smtpd/clamd_client.h"
#include "smtpd/domain_list.h"
#include "smtpd/list_watch.h"
#include "smtpd/settings.h"
#include "smtpd/verifier.h"
#include "spool/spool.h"

enum service {
	SERVICE_NONE, /* pure: made where the session lives */
	SERVICE_DNS,
	SERVICE_PHOENIX,
	SERVICE_CONTENT, /* none to wait for, but long to work on */
	SERVICE_CLAMD,
	SERVICE_SPAMD,
	SERVICE_COUNT
};

struct services;

/* Starts what is needed; the spool, where lists are kept, must outlive it. */
MUST_CHECK bool services_new(struct spool *spool, struct settings *settings,
    struct services **services, struct error *err);
/* What asks in the background does so with these settings from now on. */
void services_reload(struct services *services, struct settings *settings);
/* No review is left; interrupts those that were forgotten and are still at
 * work, and waits for them. Clears the pointer; NULL is fine. */
void services_free(struct services **services);

struct dns *services_dns(struct services *services);
struct domain_list *services_domains(struct services *services);
struct verifier *services_verifier(struct services *services);
/* Which block lists answer. */
struct list_watch *services_lists(struct services *services);
/* The connections to clamd. */
struct clamd *services_clamd(struct services *services);

/* Where checks of this service are made; not SERVICE_NONE. */
struct pool *services_pool(struct services *services, enum service service);

#endif
