/* What delivery records for monitoring (base/metrics.h). */
#ifndef DELIVER_FIGURES_H
#define DELIVER_FIGURES_H

#include "base/metrics.h"

extern struct metric figure_webhook_duration;
extern struct metric figure_attempts; /* by outcome */
extern struct metric figure_failures; /* by reason */
extern struct metric figure_delay;
extern struct metric figure_workers, figure_workers_busy;

/* Declares them all. */
void deliver_figures_declare(void);

#endif
