#include "httpapi/server.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/dns.h"
#include "base/log.h"
#include "base/serving.h"
#include "bounds.h"
#include "httpapi/local_domains.h"
#include "httpapi/sampler.h"
#include "httpapi/worker.h"

#include <stdlib.h>

struct server {
	struct context context;
	struct worker *workers[SERVING_LOOPS_MAX];
	size_t count; /* those that run */
};

bool server_open(struct spool *spool, struct settings *settings,
    const struct listeners *listeners, struct server **server,
    struct error *err)
{
	struct server *made = xcalloc(1, sizeof(*made));
	size_t wanted = serving_loops();
	struct error no_dns;

	made->context.spool = spool;
	made->context.counters.started_ms = clock_wall_ms();
	made->context.counters.started_mono_ms = clock_mono_ms();
	made->context.throttle = throttle_new();
	made->context.signing = signing_new();
	made->context.local_domains = local_domains_new(spool);
	made->context.sampler = sampler_new(spool);
	/* Only to tell whether keys are published: not worth an end. */
	if (!dns_new(settings->config, &made->context.dns, &no_dns))
		log_event(
		    LOG_WARN, "no_resolver", LOG_TEXT("error", no_dns.text));
	made->context.pool = pool_new(LIMIT_HTTP_THREADS, LIMIT_HTTP_WAITING);
	while (made->count < wanted) {
		if (!worker_open(&made->context, settings, listeners,
			&made->workers[made->count], err)) {
			server_close(&made);
			return false;
		}
		made->count++;
	}
	*server = made;
	return true;
}

void server_reload(struct server *server, struct settings *settings)
{
	for (size_t i = 0; i < server->count; i++)
		worker_reload(server->workers[i], settings);
}

void server_close(struct server **server)
{
	struct server *gone = *server;

	if (gone == NULL)
		return;
	*server = NULL;
	for (size_t i = 0; i < gone->count; i++)
		worker_stop(gone->workers[i]);
	for (size_t i = 0; i < gone->count; i++)
		worker_close(&gone->workers[i]);
	if (gone->context.dns != NULL)
		dns_interrupt(gone->context.dns);
	pool_free(&gone->context.pool);
	dns_free(&gone->context.dns);
	sampler_free(&gone->context.sampler);
	throttle_free(&gone->context.throttle);
	signing_free(&gone->context.signing);
	local_domains_free(&gone->context.local_domains);
	free(gone);
}
