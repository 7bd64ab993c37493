/*
 * Figures for monitoring: counters, gauges and histograms, in Prometheus'
 * text format.
 *
 *   static struct metric refused = {
 *       .name = "elektrine_smtpd_refused_total", .help = "...",
 *       .kind = METRIC_COUNTER, .label = "reason"};
 *   metric_add(&refused, "too_many", 1);
 *
 * Recording is one relaxed atomic addition, without a lock, on any thread. A
 * metric that was not declared is not recorded, so that tests need nothing.
 *
 * Figures outlive their process. metrics_keep() writes them once a second into
 * a file of the folder that the programs of one spool share, and takes over
 * what a dead process of the same program had counted, also one that was
 * killed: the sum over all files never goes back while the machine runs. The
 * files are of one boot, are never synced, and losing them loses nothing else.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "base/buf.h"
#include "error.h"

#include <stddef.h>
#include <stdint.h>

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
/* METRIC_SECONDS are recorded in microseconds. */
enum metric_unit { METRIC_ONES, METRIC_SECONDS };
/* What the gauges of several processes are together. */
enum metric_merge { METRIC_SUM, METRIC_LEAST, METRIC_GREATEST };

/* Upper bounds of a histogram's buckets, ascending; the last one, without
 * end, is understood. */
#define METRIC_BOUNDS 16
struct metric_bounds {
	unsigned count;
	uint64_t at[METRIC_BOUNDS];
};
/* 0.5 ms to a minute: one flush of a disk, one call, one lookup. */
extern const struct metric_bounds metric_bounds_short;
/* 10 ms to five days: how long something waits. */
extern const struct metric_bounds metric_bounds_long;
/* 1 to 512. */
extern const struct metric_bounds metric_bounds_count;

struct metric_values;

/* Static, and described by its initialiser; all texts are static. */
struct metric {
	const char *name;
	const char *help; /* one sentence */
	enum metric_kind kind;
	enum metric_unit unit;
	enum metric_merge merge;            /* of a gauge */
	const struct metric_bounds *bounds; /* of a histogram */
	/* The name of its label, or NULL; and label values that are there
	 * (as zero) from the start, ended by NULL. Others come as they are
	 * recorded. */
	const char *label;
	const char *const *known;
	/* metrics.c alone. */
	struct metric_values *_Atomic values;
};

/* Makes metrics known; again is fine. Before the threads that record. */
void metrics_declare(struct metric *const *metrics, size_t count);

/* `value` is that of the label, NULL for a metric without one. More than
 * LIMIT_METRIC_VALUES different ones are "other". */
void metric_add(struct metric *metric, const char *value, uint64_t count);
/* Gauges. */
void metric_set(struct metric *metric, const char *value, int64_t now);
void metric_move(struct metric *metric, const char *value, int64_t by);
/* Histograms. */
void metric_observe(struct metric *metric, const char *value, uint64_t seen);

/* Of what is printed below. */
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* --- one process ------------------------------------------------------ */

/* Appends what this process has recorded. */
void metrics_print(struct buf *out);

/* Keeps the figures in `folder` of root (see above) from now on, in a file
 * named after the program and a number. Once per process, until
 * metrics_leave(). Declare before. */
MUST_CHECK bool metrics_keep(
    int root, const char *folder, const char *program, struct error *err);
/* Writes what is not written yet. Before figures of this process are shown,
 * so that no other way of looking at them shows less later. */
void metrics_flush(void);
/* The last flush; gauges count no longer. Fine if nothing is kept. */
void metrics_leave(void);

/* --- all processes ---------------------------------------------------- */

/* Appends the sum over all files of the folder; gauges only of processes that
 * live. False if the folder cannot be read. */
MUST_CHECK bool metrics_print_all(
    int root, const char *folder, struct buf *out, struct error *err);

/* A histogram as it was recorded; all zero: nobody has it. */
struct metric_histogram {
	unsigned bounds;
	uint64_t at[METRIC_BOUNDS], counts[METRIC_BOUNDS + 1];
};
/* The sum of the histograms without a label of these names. */
MUST_CHECK bool metrics_histograms_all(int root, const char *folder,
    const char *const *names, size_t count, struct metric_histogram *out,
    struct error *err);
/* Below which the share q (0 to 1) of what was seen lies, estimated within its
 * bucket; negative if nothing was seen. */
double metric_quantile(const struct metric_histogram *histogram, double q);

/* For figures that come from elsewhere: "# HELP" and "# TYPE". */
void metrics_print_head(
    struct buf *out, const char *name, enum metric_kind kind, const char *help);

/* For tests: forgets all that was declared and recorded. */
void metrics_reset_for_test(void);

#endif
