/* elektrine-httpapi: the application hands messages in, and looks. */
#include "base/ops_server.h"
#include "base/privilege.h"
#include "base/program.h"
#include "base/serving.h"
#include "bounds.h"
#include "httpapi/figures.h"
#include "httpapi/listen.h"
#include "httpapi/server.h"
#include "spool/announced.h"

#include <stdlib.h>

/* Besides its socket a connection has a pair inside, and may hold the files of
 * a draft and of its parts. */
#define DESCRIPTORS_PER_CONNECTION 5
#define DESCRIPTORS_BESIDES 100

static bool raise_descriptors(struct error *err)
{
	return privilege_raise_descriptors(
	    (uint64_t)LIMIT_HTTP_CONNECTIONS * DESCRIPTORS_PER_CONNECTION +
		DESCRIPTORS_BESIDES,
	    err);
}

static void check(const struct config *config, struct config_report *report)
{
	struct error err;
	struct ip ip;

	if (!raise_descriptors(&err))
		config_report_fault(report, &err);
	if (!httpapi_find_host(config, &ip, &err))
		config_report_fault(report, &err);
}

static const struct program_about about = {
    .program = PROGRAM_HTTPAPI,
    .name = "elektrine-httpapi",
    .scope = "httpapi",
    .what = "takes mail by HTTP into the durable spool, and shows it",
    .check = check,
};

/* What the signals work on. */
struct program_state {
	struct config *config; /* belongs to the settings */
	struct server *server;
	struct ops_server *ops; /* NULL unless METRICS_LISTEN is set */
};

static void on_hang_up(void *arg)
{
	struct program_state *state = arg;
	struct settings *settings;

	/* The old one is freed with the settings that hold it. */
	if (program_reload(&about, &state->config) == NULL)
		return;
	settings = settings_new(state->config);
	server_reload(state->server, settings);
	settings_release(&settings);
}

/* Everything that needs root, and the end of being root. */
static bool prepare(
    struct program_state *state, struct listeners *listeners, struct error *err)
{
	const struct config *config = state->config;

	return raise_descriptors(err) &&
	       httpapi_listen(config, listeners, err) &&
	       ops_server_listen(config->metrics_listen, &state->ops, err) &&
	       privilege_drop(config->run_user, config->spool_dir, err);
}

/* Whether a message would be taken now. */
static bool is_ready(void *spool, struct error *err)
{
	return spool_has_room(spool, 1, err);
}

static void stop(void *arg)
{
	struct program_state *state = arg;

	server_close(&state->server);
}

int main(int argc, char **argv)
{
	struct program_state state = {
	    .config = program_start(&about, argc, argv)};
	struct announcer *announcer;
	struct listeners listeners;
	struct serving *serving;
	struct settings *settings;
	struct spool *spool;
	struct error err;

	httpapi_figures_declare();
	if (!prepare(&state, &listeners, &err) ||
	    !announced_spool_open(
		state.config, about.scope, &announcer, &spool, &err))
		program_fail(&err);
	serving = serving_new(on_hang_up, &state);
	settings = settings_new(state.config);
	if (!server_open(spool, settings, &listeners, &state.server, &err) ||
	    !ops_server_start(state.ops, is_ready, spool, &err))
		program_fail(&err);
	settings_release(&settings);
	serving_run(serving, stop, &state);
	listeners_close(&listeners);
	ops_server_close(&state.ops);
	announced_spool_close(&announcer, &spool);
	serving_free(&serving);
	return EXIT_SUCCESS;
}
