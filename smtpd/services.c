#include "smtpd/services.h"

#include "base/alloc.h"
#include "bounds.h"

#include <assert.h>
#include <stdlib.h>

struct services {
	struct pool *pools[SERVICE_COUNT];
	struct dns *dns;
	struct phoenix *phoenix;
	struct domain_list *domains;
	struct verifier *verifier;
	struct list_watch *lists;
	struct clamd *clamd;
};

static const size_t threads[SERVICE_COUNT] = {
    [SERVICE_DNS] = LIMIT_DNS_THREADS,
    [SERVICE_PHOENIX] = LIMIT_PHOENIX_THREADS,
    [SERVICE_CONTENT] = LIMIT_CONTENT_THREADS,
    [SERVICE_CLAMD] = LIMIT_SCANNER_THREADS,
    [SERVICE_SPAMD] = LIMIT_SCANNER_THREADS,
};

bool services_new(struct spool *spool, struct settings *settings,
    struct services **result, struct error *err)
{
	struct services *services = xcalloc(1, sizeof(*services));
	/* A session has one job at most: the queue ends with them. */
	size_t waiting = settings->config->smtp_max_connections;

	for (int i = SERVICE_NONE + 1; i < SERVICE_COUNT; i++)
		services->pools[i] = pool_new(
		    threads[i], waiting != 0 ? waiting : LIMIT_CHECKS_WAITING);
	services->clamd = clamd_new();
	services->lists = list_watch_new();
	services->phoenix = phoenix_new(LIMIT_DOMAIN_LIST);
	services->verifier = verifier_new(services->phoenix);
	if (!dns_new(settings->config, &services->dns, err) ||
	    !domain_list_new(
		spool, services->phoenix, settings, &services->domains, err)) {
		services_free(&services);
		return false;
	}
	*result = services;
	return true;
}

void services_free(struct services **services)
{
	struct services *gone = *services;

	if (gone == NULL)
		return;
	*services = NULL;
	if (gone->dns != NULL)
		dns_interrupt(gone->dns);
	phoenix_interrupt(gone->phoenix);
	verifier_interrupt(gone->verifier);
	for (int i = SERVICE_NONE + 1; i < SERVICE_COUNT; i++)
		pool_free(&gone->pools[i]);
	domain_list_free(&gone->domains);
	verifier_free(&gone->verifier);
	phoenix_free(&gone->phoenix);
	clamd_free(&gone->clamd);
	list_watch_free(&gone->lists);
	dns_free(&gone->dns);
	free(gone);
}

struct dns *services_dns(struct services *services)
{
	return services->dns;
}

struct list_watch *services_lists(struct services *services)
{
	return services->lists;
}

struct clamd *services_clamd(struct services *services)
{
	return services->clamd;
}

struct pool *services_pool(struct services *services, enum service service)
{
	assert(service != SERVICE_NONE);
	return services->pools[service];
}

struct domain_list *services_domains(struct services *services)
{
	return services->domains;
}

struct verifier *services_verifier(struct services *services)
{
	return services->verifier;
}

void services_reload(struct services *services, struct settings *settings)
{
	domain_list_reload(services->domains, settings);
}
