/* What the HTTP API records for monitoring (base/metrics.h), beside the
 * counters of context.h, whose names are older. */
#ifndef HTTPAPI_FIGURES_H
#define HTTPAPI_FIGURES_H

#include "base/metrics.h"

extern struct metric figure_request_duration; /* by path */

/* Declares them all. */
void httpapi_figures_declare(void);

#endif
