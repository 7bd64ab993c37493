/* The registry: what is declared, and its numbers. */
#include "base/metrics.h"

#include "base/alloc.h"
#include "base/metrics_record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000U
#define S ((uint64_t)1000000)

const struct metric_bounds metric_bounds_short = {
    16, {MS / 2, MS, 5 * MS / 2, 5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS,
	    250 * MS, 500 * MS, S, 5 * S / 2, 5 * S, 10 * S, 30 * S, 60 * S}};
const struct metric_bounds metric_bounds_long = {
    14, {10 * MS, 50 * MS, 250 * MS, S, 5 * S, 15 * S, 60 * S, 300 * S, 900 * S,
	    3600 * S, 14400 * S, 43200 * S, 86400 * S, 432000 * S}};
const struct metric_bounds metric_bounds_count = {
    10, {1, 2, 4, 8, 16, 32, 64, 128, 256, 512}};

struct metric_value {
	const char *text; /* its record's; "" without a label */
	_Atomic uint64_t *cells;
};

/* Grows by appending: readers look at the first `count`. */
struct metric_values {
	_Atomic unsigned count;
	struct metric_value items[LIMIT_METRIC_VALUES];
};

static struct registry {
	pthread_mutex_t lock;
	uint32_t record_count, cell_count;
	struct metric_record records[LIMIT_METRIC_SERIES];
	_Atomic uint64_t cells[LIMIT_METRIC_CELLS];
	struct metrics_image *old; /* what was inherited; NULL = nothing */
	struct metric *declared[LIMIT_METRICS];
	size_t declared_count;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --- series ----------------------------------------------------------- */

static void copy_text(char *to, size_t size, const char *from)
{
	size_t len = strnlen(from, size - 1);

	memcpy(to, from, len);
	to[len] = '\0';
}

/* The series of this name and label value; NULL if there is none. */
static const struct metric_record *find(
    const struct metrics_image *image, const char *name, const char *value)
{
	for (uint32_t i = 0; i < image->record_count; i++) {
		const struct metric_record *record = &image->records[i];

		if (strcmp(record->name, name) == 0 &&
		    strcmp(record->value, value) == 0)
			return record;
	}
	return NULL;
}

/* Adds what a dead process had counted. */
static void inherit(
    const struct metric_record *record, const struct metrics_image *old)
{
	const struct metric_record *was =
	    find(old, record->name, record->value);
	_Atomic uint64_t *cells = registry.cells + record->cell;
	uint32_t count = metric_cells(record), first = record->bounds;

	if (was == NULL || was->kind != record->kind ||
	    was->bounds != record->bounds || record->kind == METRIC_GAUGE)
		return;
	for (uint32_t i = 0; i < first; i++) {
		if (atomic_load(&cells[i]) != old->cells[was->cell + i])
			return; /* other buckets: not to be added up */
	}
	for (uint32_t i = first; i < count; i++)
		(void)atomic_fetch_add(&cells[i], old->cells[was->cell + i]);
}

/* NULL if there is no room. Under the lock. */
static struct metric_record *add_record(
    const struct metric *metric, const char *value)
{
	const struct metric_bounds *bounds = metric->bounds;
	struct metric_record *record = &registry.records[registry.record_count];
	uint32_t cells;

	if (registry.record_count == LIMIT_METRIC_SERIES)
		return NULL;
	*record = (struct metric_record){.kind = (uint8_t)metric->kind,
	    .unit = (uint8_t)metric->unit,
	    .merge = (uint8_t)metric->merge,
	    .cell = registry.cell_count};
	if (bounds != NULL)
		record->bounds = (uint8_t)bounds->count;
	cells = metric_cells(record);
	if (LIMIT_METRIC_CELLS - registry.cell_count < cells)
		return NULL;
	copy_text(record->name, sizeof(record->name), metric->name);
	copy_text(record->help, sizeof(record->help), metric->help);
	if (metric->label != NULL)
		copy_text(record->label, sizeof(record->label), metric->label);
	copy_text(record->value, sizeof(record->value), value);
	for (uint32_t i = 0; bounds != NULL && i < bounds->count; i++)
		atomic_store(&registry.cells[record->cell + i], bounds->at[i]);
	registry.cell_count += cells;
	registry.record_count++;
	if (registry.old != NULL)
		inherit(record, registry.old);
	return record;
}

static _Atomic uint64_t *find_cells(
    struct metric_values *values, const char *value)
{
	unsigned count =
	    atomic_load_explicit(&values->count, memory_order_acquire);

	for (unsigned i = 0; i < count; i++) {
		/* What is too long for a record was cut in it. */
		if (strncmp(values->items[i].text, value,
			sizeof(((struct metric_record *)NULL)->value) - 1) == 0)
			return values->items[i].cells;
	}
	return NULL;
}

/* Under the lock. One place is kept for what finds none. */
static _Atomic uint64_t *add_cells(const struct metric *metric,
    struct metric_values *values, const char *value)
{
	unsigned count = atomic_load(&values->count);
	_Atomic uint64_t *cells = find_cells(values, value);
	struct metric_record *record;

	if (cells == NULL && count >= LIMIT_METRIC_VALUES - 1) {
		value = "other";
		cells = find_cells(values, value);
	}
	if (cells != NULL)
		return cells;
	record = count < LIMIT_METRIC_VALUES ? add_record(metric, value) : NULL;
	if (record == NULL)
		return NULL;
	values->items[count] =
	    (struct metric_value){record->value, registry.cells + record->cell};
	atomic_store_explicit(&values->count, count + 1, memory_order_release);
	return values->items[count].cells;
}

/* NULL: it is not recorded. */
static _Atomic uint64_t *cells_of(struct metric *metric, const char *value)
{
	struct metric_values *values =
	    atomic_load_explicit(&metric->values, memory_order_acquire);
	_Atomic uint64_t *cells;

	assert((metric->label == NULL) == (value == NULL));
	if (values == NULL)
		return NULL;
	if (value == NULL)
		return values->items[0].cells;
	cells = find_cells(values, value);
	if (cells != NULL)
		return cells;
	(void)pthread_mutex_lock(&registry.lock);
	cells = add_cells(metric, values, value);
	(void)pthread_mutex_unlock(&registry.lock);
	return cells;
}

/* --- declaring -------------------------------------------------------- */

static void add_inherited(
    const struct metric *metric, struct metric_values *values)
{
	const struct metrics_image *old = registry.old;

	for (uint32_t i = 0; old != NULL && i < old->record_count; i++) {
		if (strcmp(old->records[i].name, metric->name) == 0 &&
		    old->records[i].kind != METRIC_GAUGE)
			(void)add_cells(metric, values, old->records[i].value);
	}
}

static void declare(struct metric *metric)
{
	struct metric_values *values;

	if (atomic_load(&metric->values) != NULL)
		return;
	values = xcalloc(1, sizeof(*values));
	if (metric->label == NULL)
		(void)add_cells(metric, values, "");
	for (size_t i = 0; metric->known != NULL && metric->known[i] != NULL;
	     i++)
		(void)add_cells(metric, values, metric->known[i]);
	if (metric->label != NULL)
		add_inherited(metric, values);
	/* Room for the metrics is a matter of bounds.h, not of the day. */
	assert(metric->label != NULL || atomic_load(&values->count) == 1);
	assert(registry.declared_count < LIMIT_METRICS);
	registry.declared[registry.declared_count++] = metric;
	atomic_store_explicit(&metric->values, values, memory_order_release);
}

void metrics_declare(struct metric *const *metrics, size_t count)
{
	(void)pthread_mutex_lock(&registry.lock);
	for (size_t i = 0; i < count; i++)
		declare(metrics[i]);
	(void)pthread_mutex_unlock(&registry.lock);
}

void metrics_inherit(const struct metrics_image *old)
{
	(void)pthread_mutex_lock(&registry.lock);
	registry.old = xmalloc(sizeof(*old));
	memcpy(registry.old, old, sizeof(*old));
	for (uint32_t i = 0; i < registry.record_count; i++)
		inherit(&registry.records[i], old);
	for (size_t i = 0; i < registry.declared_count; i++) {
		struct metric *metric = registry.declared[i];

		if (metric->label != NULL)
			add_inherited(metric, atomic_load(&metric->values));
	}
	(void)pthread_mutex_unlock(&registry.lock);
}

void metrics_take(struct metrics_image *image)
{
	(void)pthread_mutex_lock(&registry.lock);
	image->record_count = registry.record_count;
	image->cell_count = registry.cell_count;
	memcpy(image->records, registry.records,
	    registry.record_count * sizeof(registry.records[0]));
	for (uint32_t i = 0; i < registry.cell_count; i++)
		image->cells[i] = atomic_load_explicit(
		    &registry.cells[i], memory_order_relaxed);
	(void)pthread_mutex_unlock(&registry.lock);
}

void metrics_reset_for_test(void)
{
	(void)pthread_mutex_lock(&registry.lock);
	for (size_t i = 0; i < registry.declared_count; i++) {
		free(atomic_load(&registry.declared[i]->values));
		atomic_store(&registry.declared[i]->values, NULL);
	}
	for (uint32_t i = 0; i < registry.cell_count; i++)
		atomic_store(&registry.cells[i], 0);
	free(registry.old);
	registry.old = NULL;
	registry.declared_count = 0;
	registry.record_count = registry.cell_count = 0;
	(void)pthread_mutex_unlock(&registry.lock);
}

/* --- recording -------------------------------------------------------- */

static void add(_Atomic uint64_t *cell, uint64_t count)
{
	(void)atomic_fetch_add_explicit(cell, count, memory_order_relaxed);
}

void metric_add(struct metric *metric, const char *value, uint64_t count)
{
	_Atomic uint64_t *cells = cells_of(metric, value);

	if (cells != NULL)
		add(cells, count);
}

void metric_set(struct metric *metric, const char *value, int64_t now)
{
	_Atomic uint64_t *cells = cells_of(metric, value);

	if (cells != NULL)
		atomic_store_explicit(
		    cells, (uint64_t)now, memory_order_relaxed);
}

void metric_move(struct metric *metric, const char *value, int64_t by)
{
	metric_add(metric, value, (uint64_t)by);
}

void metric_observe(struct metric *metric, const char *value, uint64_t seen)
{
	_Atomic uint64_t *cells = cells_of(metric, value);
	const struct metric_bounds *bounds = metric->bounds;
	unsigned bucket = 0;

	if (cells == NULL)
		return;
	while (bucket < bounds->count && seen > bounds->at[bucket])
		bucket++;
	add(&cells[bounds->count + bucket], 1);
	add(&cells[2 * bounds->count + 1], seen);
}
