/* elektrine-deliver: messages go out. */
#include "base/log.h"
#include "base/ops_server.h"
#include "base/privilege.h"
#include "base/program.h"
#include "base/redis_subscriber.h"
#include "base/service.h"
#include "deliver/dispatcher.h"
#include "deliver/figures.h"
#include "deliver/webhook_lane.h"
#include "spool/announced.h"

#include <stdlib.h>

/* A connection, the message and the log for each worker, and the rest. */
#define DESCRIPTORS_PER_WORKER 8
#define DESCRIPTORS_BESIDE 64

static bool raise_descriptors(const struct config *config, struct error *err)
{
	return privilege_raise_descriptors(
	    DESCRIPTORS_BESIDE +
		(uint64_t)config->webhook_concurrency * DESCRIPTORS_PER_WORKER,
	    err);
}

static void check(const struct config *config, struct config_report *report)
{
	struct error err;

	if (!raise_descriptors(config, &err))
		config_report_fault(report, &err);
}

static const struct program_about about = {
    .program = PROGRAM_DELIVER,
    .name = "elektrine-deliver",
    .scope = "deliver",
    .what = "posts the mail of the spool to the application",
    .check = check,
};

struct program_parts {
	struct config *config;
	struct dispatcher *dispatcher;
	struct ops_server *ops;
	struct announcer *announcer;
	struct redis_subscriber *subscriber;
	struct spool *spool;
	struct webhook_lane *webhook;
};

static void on_announced(void *arg, const char *message)
{
	(void)message;
	dispatcher_wake(arg);
}

static bool open_parts(struct program_parts *parts, struct error *err)
{
	const struct config *config = parts->config;

	return announced_spool_open(config, about.scope, &parts->announcer,
		   &parts->spool, err) &&
	       (config->redis_url == NULL ||
		   redis_subscriber_open(config->redis_url,
		       config->elektrine_queue_name, on_announced,
		       parts->dispatcher, &parts->subscriber, err));
}

static void reload(void *arg)
{
	struct program_parts *parts = arg;
	struct config *old = program_reload(&about, &parts->config);

	if (old != NULL && parts->webhook != NULL)
		webhook_lane_configure(parts->webhook, parts->config);
	config_free(&old);
}

/* Whether outcomes could be recorded now. */
static bool is_ready(void *spool, struct error *err)
{
	return spool_healthy(spool, err);
}

static void run(struct program_parts *parts)
{
	struct lane_run *lanes[DISPATCHER_LANES];
	size_t count = 0;

	if (parts->webhook != NULL)
		lanes[count++] = webhook_lane_run(parts->webhook);
	service_ready();
	dispatcher_run(parts->dispatcher, lanes, count, reload, parts);
}

int main(int argc, char **argv)
{
	struct program_parts parts = {
	    .config = program_start(&about, argc, argv)};
	const struct config *config = parts.config;
	struct error err = {0};

	if (!raise_descriptors(config, &err) ||
	    !ops_server_listen(config->metrics_listen, &parts.ops, &err) ||
	    !privilege_drop(config->run_user, config->spool_dir, &err))
		program_fail(&err);
	parts.dispatcher = dispatcher_new();
	deliver_figures_declare();
	if (!open_parts(&parts, &err))
		program_fail(&err);
	if ((config->deliver_lanes & DELIVER_SMTP) != 0)
		log_event(LOG_WARN, "lane_missing", LOG_TEXT("lane", "smtp"),
		    LOG_TEXT("detail", "this version delivers to the webhook "
				       "only; mail for the lane waits"));
	if ((config->deliver_lanes & DELIVER_WEBHOOK) != 0 &&
	    !webhook_lane_open(parts.spool, config, &parts.webhook, &err))
		program_fail(&err);
	if (!ops_server_start(parts.ops, is_ready, parts.spool, &err))
		program_fail(&err);
	run(&parts);
	ops_server_close(&parts.ops);
	webhook_lane_close(&parts.webhook);
	redis_subscriber_close(&parts.subscriber);
	announced_spool_close(&parts.announcer, &parts.spool);
	dispatcher_free(&parts.dispatcher);
	config_free(&parts.config);
	return EXIT_SUCCESS;
}
