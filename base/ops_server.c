#include "base/ops_server.h"

#include "base/alloc.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/net.h"
#include "base/os.h"
#include "base/unconst.h"
#include "bounds.h"

#include <microhttpd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Those who look: a few, and none for long. */
#define CONNECTIONS 16
#define TIMEOUT_S 10
#define REQUEST_MEMORY ((size_t)16 * 1024)

#define TEXT "text/plain; charset=utf-8"

struct ops_server {
	int fd; /* the daemon's once it runs */
	struct MHD_Daemon *daemon;
	ops_ready_fn *ready;
	void *arg;
};

static enum MHD_Result answer(struct MHD_Connection *connection,
    unsigned status, const char *type, const char *text, size_t len)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
	    len, unconst(text), MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (response == NULL)
		return MHD_NO;
	(void)MHD_add_response_header(
	    response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	(void)MHD_add_response_header(
	    response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		(void)MHD_add_response_header(
		    response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result say(
    struct MHD_Connection *connection, unsigned status, const char *text)
{
	return answer(connection, status, TEXT, text, strlen(text));
}

static enum MHD_Result say_metrics(struct MHD_Connection *connection)
{
	struct buf text = buf_new(LIMIT_METRICS_TEXT);
	enum MHD_Result result;

	metrics_flush();
	metrics_print(&text);
	result = answer(connection, MHD_HTTP_OK, METRICS_CONTENT_TYPE,
	    buf_text(&text), text.len);
	buf_free(&text);
	return result;
}

static enum MHD_Result say_ready(
    const struct ops_server *server, struct MHD_Connection *connection)
{
	struct error err = {0};

	if (server->ready(server->arg, &err))
		return say(connection, MHD_HTTP_OK, "ready\n");
	return say(connection, MHD_HTTP_SERVICE_UNAVAILABLE, err.text);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
    const char *url, const char *method, const char *version,
    const char *upload, size_t *upload_len, void **state)
{
	(void)version;
	(void)upload;
	/* The first call comes before the body; there is none. */
	if (*state == NULL) {
		*state = arg;
		return MHD_YES;
	}
	*upload_len = 0;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
		    "only GET and HEAD\n");
	if (strcmp(url, "/metrics") == 0)
		return say_metrics(connection);
	if (strcmp(url, "/livez") == 0)
		return say(connection, MHD_HTTP_OK, "alive\n");
	if (strcmp(url, "/readyz") == 0)
		return say_ready(arg, connection);
	return say(connection, MHD_HTTP_NOT_FOUND,
	    "/metrics, /livez and /readyz are here\n");
}

bool ops_server_listen(
    const char *address, struct ops_server **server, struct error *err)
{
	struct listen_address at;
	char ip[IP_TEXT];
	uint16_t port;
	struct ip own;
	int fd;

	*server = NULL;
	if (address == NULL)
		return true;
	if (!listen_address_parse(address, strlen(address), &at, err) ||
	    !net_listen(&at, &fd, err))
		return false;
	if (!net_local_address(fd, &own, &port, err)) {
		os_close(&fd);
		return false;
	}
	ip_format(&own, ip);
	log_event(LOG_INFO, "listening", LOG_TEXT("address", ip),
	    LOG_NUMBER("port", port), LOG_TEXT("for", "metrics"));
	*server = xcalloc(1, sizeof(**server));
	(*server)->fd = fd;
	return true;
}

bool ops_server_start(struct ops_server *server, ops_ready_fn *ready, void *arg,
    struct error *err)
{
	sigset_t every, before;

	if (server == NULL)
		return true;
	server->ready = ready;
	server->arg = arg;
	/* Signals are for the main thread. */
	(void)sigfillset(&every);
	(void)pthread_sigmask(SIG_SETMASK, &every, &before);
	server->daemon = MHD_start_daemon(
	    MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL,
	    on_request, server, MHD_OPTION_LISTEN_SOCKET, server->fd,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, REQUEST_MEMORY, MHD_OPTION_END);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (server->daemon == NULL)
		return error_set(
		    err, ERROR_IO, "the server of METRICS_LISTEN does not run");
	server->fd = -1;
	return true;
}

void ops_server_close(struct ops_server **server)
{
	if (*server == NULL)
		return;
	if ((*server)->daemon != NULL)
		MHD_stop_daemon((*server)->daemon);
	os_close(&(*server)->fd);
	free(*server);
	*server = NULL;
}
