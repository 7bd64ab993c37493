/*
 * One lane of delivery: an agent of the spool, its crew, and the judgement
 * when to hand in outcomes and how much work to claim.
 *
 * Each turn of the spool costs a synced transaction, so outcomes and claims
 * gather for a few milliseconds while all workers are busy anyway; a worker
 * without work is served at once. The stock of claimed works is only as large
 * as the pace of the last attempts says they will be begun within a tenth of
 * a second, and it goes back when that turns out wrong: a claim that waits
 * here could be another agent's.
 *
 * All functions are for the scheduler's thread.
 */
#ifndef DELIVER_LANE_H
#define DELIVER_LANE_H

#include "deliver/crew.h"
#include "spool/spool.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

struct lane_run;

/* `name` is for the log; static. */
MUST_CHECK bool lane_open(struct spool *spool, enum lane lane, const char *name,
    const struct lane_policy *policy, const struct craft *craft,
    unsigned workers, struct lane_run **run, struct error *err);
/* Gives back what it still has. NULL is fine. */
void lane_close(struct lane_run **run);

void lane_set_policy(struct lane_run *run, const struct lane_policy *policy);

/* What to wait on: two descriptors. */
#define LANE_FDS 2
void lane_fds(const struct lane_run *run, struct pollfd fds[LANE_FDS]);
/* After the wait: reads what made them readable. */
void lane_heard(struct lane_run *run, const struct pollfd fds[LANE_FDS]);
/* There may be new work. */
void lane_wake(struct lane_run *run);

/* Does what is due. Returns in how many milliseconds it wants to be called
 * again, if nothing is heard before. */
int64_t lane_go_on(struct lane_run *run);

/* From now on nothing is claimed. Attempts in progress get
 * LIMIT_STOP_ATTEMPTS_MS. */
void lane_stop(struct lane_run *run);
/* All that it held is recorded, or there is no hope of that. */
bool lane_has_stopped(const struct lane_run *run);

#endif
