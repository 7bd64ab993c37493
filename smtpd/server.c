#include "smtpd/server.h"

#include "base/alloc.h"
#include "base/serving.h"
#include "smtpd/worker.h"

#include <stdlib.h>

struct server {
	struct limiter *limiter;
	struct services *services;
	struct worker *workers[SERVING_LOOPS_MAX];
	size_t count; /* those that run */
};

bool server_open(struct spool *spool, struct tls_server *tls,
    struct settings *settings, const struct listeners *listeners,
    struct server **server, struct error *err)
{
	struct server *made = xcalloc(1, sizeof(*made));
	size_t wanted = serving_loops();
	struct worker *worker;

	made->limiter = limiter_new();
	if (!services_new(spool, settings, &made->services, err)) {
		server_close(&made);
		return false;
	}
	while (made->count < wanted) {
		worker = worker_new(spool, made->limiter, made->services, tls,
		    settings, listeners);
		if (!worker_start(worker, err)) {
			worker_free(&worker);
			server_close(&made);
			return false;
		}
		made->workers[made->count++] = worker;
	}
	*server = made;
	return true;
}

void server_reload(struct server *server, struct settings *settings)
{
	services_reload(server->services, settings);
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
	for (size_t i = 0; i < gone->count; i++) {
		worker_join(gone->workers[i]);
		worker_free(&gone->workers[i]);
	}
	services_free(&gone->services);
	limiter_free(&gone->limiter);
	free(gone);
}
