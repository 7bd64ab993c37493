/* What the spool records for monitoring (base/metrics.h). */
#ifndef SPOOL_FIGURES_H
#define SPOOL_FIGURES_H

#include "base/metrics.h"

/* Of the folder run/metrics, where the programs keep their figures. */
#define FIGURES_FOLDER "run/metrics"

extern struct metric figure_commit_duration; /* of a message */
extern struct metric figure_commit_refused;  /* by kind of error */
extern struct metric figure_group_duration, figure_group_messages;
extern struct metric figure_turn_duration;
extern struct metric figure_queue_wait;
extern struct metric figure_healthy;

/* Declares them all. */
void figures_declare(void);

#endif
