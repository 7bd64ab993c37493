/* How fsck and rebuild show what they find. */
#ifndef SPOOL_CLI_FINDINGS_H
#define SPOOL_CLI_FINDINGS_H

#include "spool/finding.h"

#include <jansson.h>
#include <stdint.h>

/* A finding_fn; arg is the struct cli. */
void findings_tell(void *arg, const struct finding *finding);

/* The counts that are not 0, by name. */
json_t *findings_counts(const uint64_t counts[FINDING_COUNT]);

#endif
