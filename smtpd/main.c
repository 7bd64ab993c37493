/* elektrine-smtpd: strangers hand messages in. */
#include "base/errors.h"
#include "base/log.h"
#include "base/ops_server.h"
#include "base/privilege.h"
#include "base/program.h"
#include "base/serving.h"
#include "smtpd/certificates.h"
#include "smtpd/figures.h"
#include "smtpd/listen.h"
#include "smtpd/server.h"
#include "smtpd/settings.h"
#include "spool/announced.h"

#include <stdlib.h>

/* Besides a socket, a session may hold the file of a draft. */
#define DESCRIPTORS_PER_SESSION 2
#define DESCRIPTORS_BESIDES 100

static bool raise_descriptors(const struct config *config, struct error *err)
{
	if (config->smtp_max_connections == 0)
		return privilege_raise_descriptors(0, err);
	return privilege_raise_descriptors(
	    (uint64_t)config->smtp_max_connections * DESCRIPTORS_PER_SESSION +
		DESCRIPTORS_BESIDES,
	    err);
}

static bool has_role(const struct config *config, struct error *err)
{
	return config->haraka_role == ROLE_INBOUND_MX ||
	       error_set(err, ERROR_CONFIG,
		   "HARAKA_ROLE: submission is not served by this version");
}

static void check(const struct config *config, struct config_report *report)
{
	struct error err;

	if (!has_role(config, &err))
		config_report_fault(report, &err);
	if (!raise_descriptors(config, &err))
		config_report_fault(report, &err);
	certificates_check(config, report);
}

static const struct program_about about = {
    .program = PROGRAM_SMTPD,
    .name = "elektrine-smtpd",
    .scope = "smtpd",
    .what = "takes mail by SMTP into the durable spool",
    .check = check,
};

/* What the signals work on. */
struct program_state {
	struct config *config; /* belongs to the settings */
	struct certificates certificates;
	struct server *server;
	struct ops_server *ops; /* NULL unless METRICS_LISTEN is set */
};

static void on_hang_up(void *arg)
{
	struct program_state *state = arg;
	struct config *old = program_reload(&about, &state->config);
	struct settings *settings;
	struct error err;

	/* The old one is freed with the settings that hold it. */
	if (old != NULL) {
		if (settings_new(state->config, &settings, &err)) {
			server_reload(state->server, settings);
			settings_release(&settings);
		} else {
			log_event(LOG_ERROR, "config_refused",
			    LOG_TEXT("error", err.text));
			config_free(&state->config);
			state->config = old;
		}
	}
	certificates_reload(&state->certificates, state->config);
}

/* Without a certificate there is no STARTTLS, unless a listener cannot do
 * without. */
static bool open_certificates(struct certificates *certificates,
    const struct config *config, const struct listeners *listeners,
    struct error *err)
{
	struct error why;

	if (certificates_open(certificates, config, &why))
		return true;
	if (listeners_need_tls(listeners))
		return error_set(err, ERROR_CONFIG,
		    "a tls: address of SMTP_LISTEN needs a certificate: %s",
		    why.text);
	log_event(LOG_WARN, "tls_unavailable", LOG_TEXT("error", why.text));
	return true;
}

/* Everything that needs root, and the end of being root. */
static bool prepare(
    struct program_state *state, struct listeners *listeners, struct error *err)
{
	const struct config *config = state->config;

	return has_role(config, err) && raise_descriptors(config, err) &&
	       smtpd_listen(config, listeners, err) &&
	       ops_server_listen(config->metrics_listen, &state->ops, err) &&
	       open_certificates(
		   &state->certificates, config, listeners, err) &&
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

	smtpd_figures_declare();
	if (!prepare(&state, &listeners, &err) ||
	    !announced_spool_open(
		state.config, about.scope, &announcer, &spool, &err))
		program_fail(&err);
	serving = serving_new(on_hang_up, &state);
	if (!settings_new(state.config, &settings, &err) ||
	    !server_open(spool, state.certificates.tls, settings, &listeners,
		&state.server, &err) ||
	    !ops_server_start(state.ops, is_ready, spool, &err))
		program_fail(&err);
	settings_release(&settings);
	certificates_watch(&state.certificates, serving_loop(serving));
	serving_run(serving, stop, &state);
	listeners_close(&listeners);
	ops_server_close(&state.ops);
	certificates_close(&state.certificates);
	announced_spool_close(&announcer, &spool);
	serving_free(&serving);
	return EXIT_SUCCESS;
}
