#include "httpapi/figures.h"

struct metric figure_request_duration = {
    .name = "elektrine_httpapi_request_duration_seconds",
    .help = "From the head of a request to its answer.",
    .kind = METRIC_HISTOGRAM,
    .unit = METRIC_SECONDS,
    .bounds = &metric_bounds_short,
    .label = "path"};

void httpapi_figures_declare(void)
{
	static struct metric *const all[] = {&figure_request_duration};

	metrics_declare(all, sizeof(all) / sizeof(all[0]));
}
