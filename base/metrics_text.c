/* Adding up, and Prometheus' text format (version 0.0.4). */
#include "base/alloc.h"
#include "base/metrics_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct series {
	struct metric_record record;
	uint64_t *cells;
};

struct metrics_sum {
	struct series *series;
	size_t count, size;
};

struct metrics_sum *metrics_sum_new(void)
{
	return xcalloc(1, sizeof(struct metrics_sum));
}

void metrics_sum_free(struct metrics_sum **sum)
{
	if (*sum == NULL)
		return;
	for (size_t i = 0; i < (*sum)->count; i++)
		free((*sum)->series[i].cells);
	free((*sum)->series);
	free(*sum);
	*sum = NULL;
}

/* --- adding up -------------------------------------------------------- */

static struct series *find(
    struct metrics_sum *sum, const struct metric_record *record)
{
	for (size_t i = 0; i < sum->count; i++) {
		struct metric_record *known = &sum->series[i].record;

		if (strcmp(known->name, record->name) == 0 &&
		    strcmp(known->value, record->value) == 0)
			return &sum->series[i];
	}
	return NULL;
}

static void add_series(struct metrics_sum *sum,
    const struct metric_record *record, const uint64_t *cells)
{
	size_t size = metric_cells(record) * sizeof(*cells);
	struct series *added;

	if (sum->count == sum->size) {
		sum->size = sum->size == 0 ? 128 : sum->size * 2;
		sum->series =
		    xrealloc(sum->series, sum->size * sizeof(*sum->series));
	}
	added = &sum->series[sum->count++];
	added->record = *record;
	added->cells = xmalloc(size);
	memcpy(added->cells, cells, size);
}

static void merge_gauge(struct series *series, uint64_t cell)
{
	int64_t now = (int64_t)series->cells[0], other = (int64_t)cell;

	switch ((enum metric_merge)series->record.merge) {
	case METRIC_SUM:
		series->cells[0] += cell;
		return;
	case METRIC_LEAST:
		series->cells[0] = (uint64_t)(other < now ? other : now);
		return;
	case METRIC_GREATEST:
		series->cells[0] = (uint64_t)(other > now ? other : now);
		return;
	}
}

/* Programs of two versions may have different buckets: then only the first
 * one's count. */
static void merge(struct series *series, const struct metric_record *record,
    const uint64_t *cells)
{
	uint32_t first = record->bounds, count = metric_cells(record);

	if (series->record.kind != record->kind ||
	    series->record.bounds != record->bounds ||
	    memcmp(series->cells, cells, first * sizeof(*cells)) != 0)
		return;
	if (record->kind == METRIC_GAUGE) {
		merge_gauge(series, cells[0]);
		return;
	}
	for (uint32_t i = first; i < count; i++)
		series->cells[i] += cells[i];
}

void metrics_sum_add(
    struct metrics_sum *sum, const struct metrics_image *image, bool live)
{
	for (uint32_t i = 0; i < image->record_count; i++) {
		const struct metric_record *record = &image->records[i];
		const uint64_t *cells = image->cells + record->cell;
		struct series *series = find(sum, record);

		if (record->kind == METRIC_GAUGE && !live)
			continue;
		if (series == NULL)
			add_series(sum, record, cells);
		else
			merge(series, record, cells);
	}
}

/* --- text ------------------------------------------------------------- */

static const char *type_name(enum metric_kind kind)
{
	switch (kind) {
	case METRIC_COUNTER:
		return "counter";
	case METRIC_GAUGE:
		return "gauge";
	case METRIC_HISTOGRAM:
		return "histogram";
	}
	return "untyped";
}

void metrics_print_head(
    struct buf *out, const char *name, enum metric_kind kind, const char *help)
{
	(void)buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
	    type_name(kind));
}

/* A quote, a backslash or a line end in a value is escaped. */
static void print_label(
    struct buf *out, const struct metric_record *record, const char *more)
{
	if (record->label[0] == '\0') {
		(void)buf_printf(out, more[0] == '\0' ? "%s" : "{%s}", more);
		return;
	}
	(void)buf_printf(out, "{%s=\"", record->label);
	for (const char *c = record->value; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			(void)buf_append_char(out, '\\');
		if (*c == '\n')
			(void)buf_append_text(out, "\\n");
		else
			(void)buf_append_char(out, *c);
	}
	(void)buf_printf(out, "\"%s%s}", more[0] == '\0' ? "" : ",", more);
}

static void print_value(
    struct buf *out, const struct metric_record *record, uint64_t cell)
{
	if (record->unit == METRIC_SECONDS)
		(void)buf_printf(out, " %" PRIu64 ".%06" PRIu64 "\n",
		    cell / 1000000, cell % 1000000);
	else if (record->kind == METRIC_GAUGE)
		(void)buf_printf(out, " %" PRId64 "\n", (int64_t)cell);
	else
		(void)buf_printf(out, " %" PRIu64 "\n", cell);
}

static void print_bucket(struct buf *out, const struct metric_record *record,
    const char *bound, uint64_t count)
{
	char more[48];

	(void)snprintf(more, sizeof(more), "le=\"%s\"", bound);
	(void)buf_printf(out, "%s_bucket", record->name);
	print_label(out, record, more);
	(void)buf_printf(out, " %" PRIu64 "\n", count);
}

static void print_histogram(struct buf *out, const struct series *series)
{
	const struct metric_record *record = &series->record;
	double scale = record->unit == METRIC_SECONDS ? 1e6 : 1;
	const uint64_t *counts = series->cells + record->bounds;
	uint64_t count = 0;
	char bound[32];

	for (unsigned i = 0; i < record->bounds; i++) {
		count += counts[i];
		(void)snprintf(bound, sizeof(bound), "%.10g",
		    (double)series->cells[i] / scale);
		print_bucket(out, record, bound, count);
	}
	count += counts[record->bounds];
	print_bucket(out, record, "+Inf", count);
	(void)buf_printf(out, "%s_sum", record->name);
	print_label(out, record, "");
	print_value(out, record, counts[record->bounds + 1]);
	(void)buf_printf(out, "%s_count", record->name);
	print_label(out, record, "");
	(void)buf_printf(out, " %" PRIu64 "\n", count);
}

static int compare(const void *a, const void *b)
{
	const struct metric_record *x = &((const struct series *)a)->record;
	const struct metric_record *y = &((const struct series *)b)->record;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : strcmp(x->value, y->value);
}

void metrics_sum_print(struct metrics_sum *sum, struct buf *out)
{
	const char *last = "";

	if (sum->count > 0)
		qsort(sum->series, sum->count, sizeof(*sum->series), compare);
	for (size_t i = 0; i < sum->count; i++) {
		const struct series *series = &sum->series[i];
		const struct metric_record *record = &series->record;

		if (strcmp(record->name, last) != 0)
			metrics_print_head(out, record->name,
			    (enum metric_kind)record->kind, record->help);
		last = record->name;
		if (record->kind == METRIC_HISTOGRAM) {
			print_histogram(out, series);
			continue;
		}
		(void)buf_append_text(out, record->name);
		print_label(out, record, "");
		print_value(out, record, series->cells[0]);
	}
}

/* --- histograms as numbers -------------------------------------------- */

struct metric_histogram metrics_sum_histogram(
    const struct metrics_sum *sum, const char *name)
{
	struct metric_histogram histogram = {.bounds = 0};

	for (size_t i = 0; i < sum->count; i++) {
		const struct series *series = &sum->series[i];
		unsigned bounds = series->record.bounds;

		if (strcmp(series->record.name, name) != 0 ||
		    series->record.kind != METRIC_HISTOGRAM)
			continue;
		histogram.bounds = bounds;
		memcpy(histogram.at, series->cells,
		    bounds * sizeof(histogram.at[0]));
		memcpy(histogram.counts, series->cells + bounds,
		    (bounds + 1) * sizeof(histogram.counts[0]));
		break;
	}
	return histogram;
}

double metric_quantile(const struct metric_histogram *histogram, double q)
{
	double total = 0, before = 0, low, high;

	for (unsigned i = 0; i <= histogram->bounds; i++)
		total += (double)histogram->counts[i];
	if (total == 0)
		return -1;
	for (unsigned i = 0; i < histogram->bounds; i++) {
		double here = (double)histogram->counts[i];

		low = i == 0 ? 0 : (double)histogram->at[i - 1];
		high = (double)histogram->at[i];
		if (here > 0 && before + here >= q * total)
			return low + (high - low) * (q * total - before) / here;
		before += here;
	}
	/* Beyond the last bound nothing better is known. */
	return (double)histogram->at[histogram->bounds - 1];
}

void metrics_print(struct buf *out)
{
	struct metrics_image *image = xmalloc(sizeof(*image));
	struct metrics_sum *sum = metrics_sum_new();

	metrics_take(image);
	metrics_sum_add(sum, image, true);
	metrics_sum_print(sum, out);
	metrics_sum_free(&sum);
	free(image);
}
