/*
 * The circuit of a destination, and its budget per minute. Pure: the row in,
 * the row out.
 *
 *            5 failures in a row over 3 messages, or one hard failure
 *   closed -----------------------------------------------------------> open
 *      ^                                                                 |
 *      |   any answer that is the destination's own    a probe fails: the|
 *      +-------------------------------------------    wait doubles ----+
 *
 * While it is open one probe at a time goes out; what fails then counts
 * against no message.
 */
#ifndef SPOOL_CIRCUIT_H
#define SPOOL_CIRCUIT_H

#include "spool/rows.h"
#include "spool/spool.h"

#include <stdbool.h>
#include <stdint.h>

#define CIRCUIT_FAILURES 5

bool circuit_is_open(const struct destination_row *row);
/* A try failed with this blame. True if that opened the circuit. */
bool circuit_failed(struct destination_row *row,
    const struct lane_policy *policy, enum outcome_blame blame,
    uint64_t message, uint64_t claim, const char *reason, int64_t now_ms);
/* The destination gave an answer of its own. True if that closed it. */
bool circuit_succeeded(struct destination_row *row);
/* Whether a probe may go out now; then circuit_probe() notes it. */
bool circuit_may_probe(const struct destination_row *row,
    const struct lane_policy *policy, int64_t now_ms);
void circuit_probe(struct destination_row *row, uint64_t claim, int64_t now_ms,
    int64_t limit_ms);
/* The probe came back without an answer (its agent died or stopped). */
void circuit_probe_lost(
    struct destination_row *row, uint64_t claim, int64_t now_ms);

/* The budget per minute (generic cell rate algorithm, with a burst of a tenth
 * of it). Takes one try out of it, or returns how long until there is one. */
int64_t budget_take(struct destination_row *row,
    const struct lane_policy *policy, int64_t mono_ms);
/* Gives back what was not tried. */
void budget_return(
    struct destination_row *row, const struct lane_policy *policy);
/* Nothing for so long (429). */
void budget_pause(
    struct destination_row *row, int64_t mono_ms, int64_t pause_ms);

#endif
