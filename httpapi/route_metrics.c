#include "httpapi/route_metrics.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "bounds.h"
#include "spool/operator.h"

#include <inttypes.h>
#include <stddef.h>

/* Their names are those of the system before. */
static const struct {
	const char *name, *help;
	size_t offset; /* in struct counters */
} counters[] = {
#define COUNTER(field, help)                                                   \
	{                                                                      \
		"elektrine_http_api_" #field "_total", (help),                 \
		    offsetof(struct counters, field)                           \
	}
    COUNTER(requests, "Requests."),
    COUNTER(auth_failures, "Requests without the right key."),
    COUNTER(rate_limited, "Requests over the rate limit."),
    COUNTER(sent_ok, "Messages that were taken."),
    COUNTER(sent_error, "Messages that were not taken."),
    COUNTER(dkim_sync_ok, "DKIM keys that were stored."),
    COUNTER(dkim_sync_error, "DKIM keys that were not stored."),
    COUNTER(dkim_delete_ok, "DKIM keys that were deleted."),
    COUNTER(dkim_delete_error, "DKIM keys that could not be deleted."),
    COUNTER(connections, "Connections that were let in."),
    COUNTER(connections_refused, "Connections that were turned away."),
#undef COUNTER
};

static void print_own(struct buf *out, const struct counters *own)
{
	static const char uptime[] = "elektrine_http_api_uptime_seconds";

	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		const _Atomic uint64_t *counter =
		    (const _Atomic uint64_t *)(const void
			    *)((const char *)own + counters[i].offset);

		metrics_print_head(
		    out, counters[i].name, METRIC_COUNTER, counters[i].help);
		(void)buf_printf(out, "%s %" PRIu64 "\n", counters[i].name,
		    atomic_load(counter));
	}
	metrics_print_head(out, uptime, METRIC_GAUGE,
	    "How long this process has been running.");
	(void)buf_printf(out, "%s %" PRId64 "\n", uptime,
	    (clock_mono_ms() - own->started_mono_ms) / 1000);
}

void route_metrics(struct request *request, struct reply *reply)
{
	struct error err;

	reply_begin(reply, 200, METRICS_CONTENT_TYPE);
	print_own(&reply->body, &request->context->counters);
	if (!operator_metrics(request->context->spool, &reply->body, &err))
		reply_failure(reply, &err);
}
