/*
 * What operators read: columns and sentences for people, one JSON object a
 * line for programs. Text that strangers chose never reaches a terminal with
 * its control characters.
 */
#ifndef SPOOL_CLI_OUTPUT_H
#define SPOOL_CLI_OUTPUT_H

#include "spool/operator.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* The text with every control character as "?". Valid until the eighth next
 * call. */
const char *output_safe(const char *text);
/* "2026-01-31 12:34:56" (UTC); "-" for 0. Likewise valid. */
const char *output_time(int64_t ms);
/* "1.2 MiB". Likewise. */
const char *output_size(uint64_t bytes);
/* "12,345". Likewise. */
const char *output_count(uint64_t count);
/* "2h 5m": a span. Likewise. */
const char *output_span(int64_t ms);
/* A span from now: "in 2h 5m", "now". Likewise. */
const char *output_until(int64_t ms);

/* A string that is valid whatever the bytes are; null for NULL. */
json_t *output_json_text(const char *text);
/* The same, null also for "". */
json_t *output_json_known(const char *text);
/* "2026-01-31T12:34:56.789Z"; null for 0. */
json_t *output_json_time(int64_t ms);
/* Prints one line, and gives the object back. */
void output_json(json_t **object);

/* A delivery, as `list` and its kin show it. */
json_t *output_entry_json(const struct operator_entry *entry);

/* --- progress --------------------------------------------------------- */

/* Of long work, on a terminal only: one line on standard error, several times
 * a second at most. total 0 is unknown. */
void output_progress(const char *what, uint64_t done, uint64_t total);
/* Takes the line away, before anything else is printed. */
void output_progress_end(void);

#endif
