#include "deliver/figures.h"

#include <stddef.h>

static const char *const outcomes[] = {
    "delivered", "deferred", "dead", "released", NULL};

struct metric figure_webhook_duration = {
    .name = "elektrine_deliver_webhook_duration_seconds",
    .help = "How long calls of the webhook took.",
    .kind = METRIC_HISTOGRAM,
    .unit = METRIC_SECONDS,
    .bounds = &metric_bounds_short};
struct metric figure_attempts = {.name = "elektrine_deliver_attempts_total",
    .help = "Tries, by what came of them.",
    .kind = METRIC_COUNTER,
    .label = "outcome",
    .known = outcomes};
struct metric figure_failures = {.name = "elektrine_deliver_failures_total",
    .help = "Tries that failed, by reason.",
    .kind = METRIC_COUNTER,
    .label = "reason"};
struct metric figure_delay = {.name = "elektrine_deliver_delay_seconds",
    .help = "From receiving a message to its delivery.",
    .kind = METRIC_HISTOGRAM,
    .unit = METRIC_SECONDS,
    .bounds = &metric_bounds_long};
struct metric figure_workers = {.name = "elektrine_deliver_workers",
    .help = "Workers that make tries.",
    .kind = METRIC_GAUGE};
struct metric figure_workers_busy = {.name = "elektrine_deliver_workers_busy",
    .help = "Workers that are making a try.",
    .kind = METRIC_GAUGE};

void deliver_figures_declare(void)
{
	static struct metric *const all[] = {&figure_webhook_duration,
	    &figure_attempts, &figure_failures, &figure_delay, &figure_workers,
	    &figure_workers_busy};

	metrics_declare(all, sizeof(all) / sizeof(all[0]));
}
