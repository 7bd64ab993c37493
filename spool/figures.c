#include "spool/figures.h"

static const char *const refusals[] = {"full", "io", "limit", NULL};

struct metric figure_commit_duration = {
    .name = "elektrine_spool_commit_duration_seconds",
    .help = "From handing a message over to its being durable.",
    .kind = METRIC_HISTOGRAM,
    .unit = METRIC_SECONDS,
    .bounds = &metric_bounds_short};
struct metric figure_commit_refused = {
    .name = "elektrine_spool_commit_refused_total",
    .help = "Messages that could not be made durable.",
    .kind = METRIC_COUNTER,
    .label = "error",
    .known = refusals};
struct metric figure_group_duration = {
    .name = "elektrine_spool_group_duration_seconds",
    .help = "How long the commit of a group of messages took.",
    .kind = METRIC_HISTOGRAM,
    .unit = METRIC_SECONDS,
    .bounds = &metric_bounds_short};
struct metric figure_group_messages = {.name = "elektrine_spool_group_messages",
    .help = "Messages that were made durable together.",
    .kind = METRIC_HISTOGRAM,
    .bounds = &metric_bounds_count};
struct metric figure_turn_duration = {
    .name = "elektrine_spool_turn_duration_seconds",
    .help = "How long recording outcomes and claiming work took.",
    .kind = METRIC_HISTOGRAM,
    .unit = METRIC_SECONDS,
    .bounds = &metric_bounds_short};
struct metric figure_queue_wait = {.name = "elektrine_spool_queue_wait_seconds",
    .help = "From receiving a message to its first try.",
    .kind = METRIC_HISTOGRAM,
    .unit = METRIC_SECONDS,
    .bounds = &metric_bounds_long};
struct metric figure_healthy = {.name = "elektrine_spool_healthy",
    .help = "1 while all programs can commit, 0 after a failed write.",
    .kind = METRIC_GAUGE,
    .merge = METRIC_LEAST};

void figures_declare(void)
{
	static struct metric *const all[] = {&figure_commit_duration,
	    &figure_commit_refused, &figure_group_duration,
	    &figure_group_messages, &figure_turn_duration, &figure_queue_wait,
	    &figure_healthy};

	metrics_declare(all, sizeof(all) / sizeof(all[0]));
	metric_set(&figure_healthy, NULL, 1);
}
