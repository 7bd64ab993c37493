/* Figures for monitoring: what the index counts, and what all programs of the
 * spool recorded. */
#include "base/clock.h"
#include "spool/figures.h"
#include "spool/internal.h"
#include "spool/operator.h"

#include <inttypes.h>

static void print(struct buf *out, enum metric_kind kind, const char *name,
    const char *help, uint64_t value)
{
	metrics_print_head(out, name, kind, help);
	(void)buf_printf(out, "%s %" PRIu64 "\n", name, value);
}

static void print_deliveries(
    struct buf *out, const struct operator_status *status)
{
	static const char name[] = "elektrine_spool_deliveries";

	metrics_print_head(out, name, METRIC_GAUGE,
	    "Deliveries (a message to one recipient) by lane and state.");
	for (enum lane lane = LANE_WEBHOOK; lane <= LANE_SMTP; lane++) {
		for (enum delivery_state state = STATE_QUEUED;
		     state <= STATE_DEAD; state++)
			(void)buf_printf(out,
			    "%s{lane=\"%s\",state=\"%s\"} %" PRIu64 "\n", name,
			    lane_name(lane), delivery_state_name(state),
			    status->deliveries[lane][state]);
	}
}

static void print_queue(struct buf *out, const struct operator_status *status)
{
	int64_t age_ms = clock_wall_ms() - status->oldest_ms;

	print(out, METRIC_GAUGE, "elektrine_spool_messages",
	    "Messages in the spool, dead letters included.", status->messages);
	print(out, METRIC_GAUGE, "elektrine_spool_bytes",
	    "Bytes of these messages.", status->bytes);
	print_deliveries(out, status);
	print(out, METRIC_GAUGE, "elektrine_spool_oldest_age_seconds",
	    "Age of the oldest message that still waits; 0 if none does.",
	    status->oldest_ms != 0 && age_ms > 0 ? (uint64_t)age_ms / 1000 : 0);
	print(out, METRIC_COUNTER, "elektrine_spool_accepted_total",
	    "Messages that were made durable.", status->accepted);
	print(out, METRIC_COUNTER, "elektrine_spool_delivered_total",
	    "Deliveries that succeeded.", status->delivered);
	print(out, METRIC_COUNTER, "elektrine_spool_died_total",
	    "Deliveries that became dead letters.", status->died);
	print(out, METRIC_COUNTER, "elektrine_spool_cancelled_total",
	    "Deliveries that an operator cancelled or dropped.",
	    status->cancelled);
	print(out, METRIC_GAUGE, "elektrine_spool_free_bytes",
	    "Room on the disk.", status->free_bytes);
	print(out, METRIC_GAUGE, "elektrine_spool_min_free_bytes",
	    "Room below which no mail is taken (SPOOL_MIN_FREE).",
	    status->floor_bytes);
	print(out, METRIC_GAUGE, "elektrine_spool_writers",
	    "Programs that take part, delivery agents among them.",
	    status->writers);
	print(out, METRIC_GAUGE, "elektrine_spool_agents",
	    "Delivery agents that live.", status->agents);
}

static void count_circuit(void *arg, const struct operator_circuit *circuit)
{
	uint64_t *open = arg;

	open[circuit->lane]++;
}

static bool print_circuits(
    struct spool *spool, struct buf *out, struct error *err)
{
	static const char name[] = "elektrine_spool_circuits_open";
	uint64_t open[3] = {0};

	if (!operator_circuits(spool, count_circuit, open, err))
		return false;
	metrics_print_head(out, name, METRIC_GAUGE,
	    "Destinations that are left alone because they failed.");
	for (enum lane lane = LANE_WEBHOOK; lane <= LANE_SMTP; lane++)
		(void)buf_printf(out, "%s{lane=\"%s\"} %" PRIu64 "\n", name,
		    lane_name(lane), open[lane]);
	return true;
}

bool operator_metrics(struct spool *spool, struct buf *out, struct error *err)
{
	struct operator_status status;

	if (!metrics_print_all(spool->root, FIGURES_FOLDER, out, err) ||
	    !operator_status(spool, &status, err))
		return false;
	print_queue(out, &status);
	return print_circuits(spool, out, err);
}

bool operator_histograms(struct spool *spool, const char *const *names,
    size_t count, struct metric_histogram *out, struct error *err)
{
	return metrics_histograms_all(
	    spool->root, FIGURES_FOLDER, names, count, out, err);
}
