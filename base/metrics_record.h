/*
 * How metrics.c, metrics_file.c and metrics_text.c hand figures over: the
 * registry as it lies in memory, and in a file. Nobody else includes it.
 *
 * Cells are numbers; a record says what those from `cell` on mean:
 *
 *   counter, gauge   the value
 *   histogram        its bounds, the count of each bucket (one more), the sum
 */
#ifndef BASE_METRICS_RECORD_H
#define BASE_METRICS_RECORD_H

#include "base/metrics.h"
#include "bounds.h"

#include <pthread.h>
#include <stdatomic.h>

struct metric_record {
	char name[72], label[24], value[48], help[128];
	uint8_t kind, unit, merge, bounds;
	uint32_t cell;
};

/* An image of the figures: what a file holds. */
struct metrics_image {
	uint32_t record_count, cell_count;
	struct metric_record records[LIMIT_METRIC_SERIES];
	uint64_t cells[LIMIT_METRIC_CELLS];
};

/* How many cells a record has. */
static inline uint32_t metric_cells(const struct metric_record *record)
{
	return record->kind == METRIC_HISTOGRAM ? 2U * record->bounds + 2U : 1U;
}

/* What this process has now. */
void metrics_take(struct metrics_image *image);

/* Adds what another process of this program had counted, also to what is
 * declared or first recorded later. */
void metrics_inherit(const struct metrics_image *old);

/* Adds up images; `live` if its gauges count. Owned by the caller. */
struct metrics_sum;
struct metrics_sum *metrics_sum_new(void);
void metrics_sum_add(
    struct metrics_sum *sum, const struct metrics_image *image, bool live);
void metrics_sum_print(struct metrics_sum *sum, struct buf *out);
/* All zero if there is none. */
struct metric_histogram metrics_sum_histogram(
    const struct metrics_sum *sum, const char *name);
void metrics_sum_free(struct metrics_sum **sum);

#endif
