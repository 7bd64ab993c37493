/*
 * The last hour of the queue, for the status page: a sample every few seconds,
 * in memory, on a thread of its own.
 */
#ifndef HTTPAPI_SAMPLER_H
#define HTTPAPI_SAMPLER_H

#include "spool/spool.h"

#include <stdint.h>

#include <jansson.h>

struct sampler;

/* The spool must outlive it. */
struct sampler *sampler_new(struct spool *spool);
/* Clears the pointer; NULL is fine. */
void sampler_free(struct sampler **sampler);

/* Samples that are younger than since_ms (wall clock), oldest first:
 *
 *   {"at": ms, "waiting", "dead", "oldest_s", "in", "out", "died": a second,
 *    "commit_ms": [median, 99th percentile] or null, "delay_ms": likewise}
 *
 * Any thread. */
json_t *sampler_json(struct sampler *sampler, int64_t since_ms);

#endif
