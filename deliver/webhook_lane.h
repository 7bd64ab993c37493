/* The webhook lane: its policy, terms and craft from the settings. */
#ifndef DELIVER_WEBHOOK_LANE_H
#define DELIVER_WEBHOOK_LANE_H

#include "base/config.h"
#include "deliver/lane.h"

struct webhook_lane;

MUST_CHECK bool webhook_lane_open(struct spool *spool,
    const struct config *config, struct webhook_lane **lane, struct error *err);
/* NULL is fine. */
void webhook_lane_close(struct webhook_lane **lane);

struct lane_run *webhook_lane_run(struct webhook_lane *lane);
/* New settings: attempts that begin from now on obey them. */
void webhook_lane_configure(
    struct webhook_lane *lane, const struct config *config);

#endif
