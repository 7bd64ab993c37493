/* elektrine-httpapi: the application hands messages in, and looks. */
#include "base/announcer.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/privilege.h"
#include "base/program.h"
#include "base/service.h"
#include "bounds.h"
#include "httpapi/figures.h"
#include "httpapi/listen.h"
#include "httpapi/server.h"
#include "spool/spool.h"

#include <signal.h>
#include <stdlib.h>

static const struct program_about about = {
    .program = PROGRAM_HTTPAPI,
    .name = "elektrine-httpapi",
    .scope = "httpapi",
    .what = "takes mail by HTTP into the durable spool, and shows it",
};

/* Besides its socket a connection has a pair inside, and may hold the files of
 * a draft and of its parts. */
#define DESCRIPTORS_PER_CONNECTION 5
#define DESCRIPTORS_BESIDES 100

/* What the signals work on. */
struct program_state {
	struct loop *loop;
	struct config *config; /* belongs to the settings */
	struct server *server;
	struct loop_signal *terminate, *interrupt, *hang_up;
};

static void on_terminate(void *arg)
{
	struct program_state *state = arg;

	loop_stop(state->loop);
}

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

static bool open_spool(const struct config *config,
    struct announcer **announcer, struct spool **spool, struct error *err)
{
	struct spool_options options = spool_options_of(config);

	if (!announcer_open(config->redis_url, config->elektrine_queue_name,
		config->elektrine_dlq_name, announcer, err))
		return false;
	httpapi_figures_declare();
	options.figures = about.scope;
	options.announce = announcer_announce;
	options.announce_arg = *announcer;
	return spool_open(&options, spool, err);
}

/* Everything that needs root, and the end of being root. */
static bool prepare(
    const struct config *config, struct listening *listening, struct error *err)
{
	return privilege_raise_descriptors((uint64_t)LIMIT_HTTP_CONNECTIONS *
						   DESCRIPTORS_PER_CONNECTION +
					       DESCRIPTORS_BESIDES,
		   err) &&
	       listening_open(listening, config, err) &&
	       privilege_drop(config->run_user, config->spool_dir, err);
}

static void watch_signals(struct program_state *state)
{
	state->terminate =
	    loop_signal_open(state->loop, SIGTERM, on_terminate, state);
	state->interrupt =
	    loop_signal_open(state->loop, SIGINT, on_terminate, state);
	state->hang_up =
	    loop_signal_open(state->loop, SIGHUP, on_hang_up, state);
}

static void forget_signals(struct program_state *state)
{
	loop_signal_close(&state->terminate);
	loop_signal_close(&state->interrupt);
	loop_signal_close(&state->hang_up);
}

/* Until SIGTERM or SIGINT. */
static void serve(struct program_state *state)
{
	log_event(
	    LOG_INFO, "worker_start", LOG_TEXT("version", ELEKTRINE_VERSION));
	service_ready();
	loop_run(state->loop);
	service_stopping();
	server_close(&state->server);
	log_event(
	    LOG_INFO, "worker_stop", LOG_TEXT("version", ELEKTRINE_VERSION));
}

int main(int argc, char **argv)
{
	struct program_state state = {
	    .config = program_start(&about, argc, argv)};
	struct announcer *announcer = NULL;
	struct listening listening;
	struct settings *settings;
	struct spool *spool;
	struct error err;

	if (!prepare(state.config, &listening, &err) ||
	    !open_spool(state.config, &announcer, &spool, &err))
		program_fail(&err);
	state.loop = loop_new();
	watch_signals(&state);
	settings = settings_new(state.config);
	if (!server_open(spool, settings, &listening, &state.server, &err))
		program_fail(&err);
	settings_release(&settings);
	serve(&state);
	listening_close(&listening);
	spool_close(&spool);
	announcer_close(&announcer);
	/* Late, so that nobody's second SIGTERM disturbs the end. */
	forget_signals(&state);
	loop_free(&state.loop);
	return EXIT_SUCCESS;
}
