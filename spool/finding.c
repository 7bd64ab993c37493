#include "spool/finding.h"

#include <assert.h>

static const char *const names[FINDING_COUNT] = {
    [FINDING_LOST] = "lost",
    [FINDING_REMOVED] = "removed",
    [FINDING_DAMAGED] = "damaged",
    [FINDING_UNREADABLE] = "unreadable",
    [FINDING_NAME] = "name",
    [FINDING_MISNAMED] = "misnamed",
    [FINDING_STATUS] = "status",
    [FINDING_ROWS] = "rows",
    [FINDING_SET] = "set",
    [FINDING_LOOKUP] = "lookup",
    [FINDING_DESTINATION] = "destination",
    [FINDING_EVENT] = "event",
    [FINDING_DOOMED] = "doomed",
    [FINDING_KEY] = "key",
    [FINDING_COUNTERS] = "counters",
    [FINDING_ORPHAN] = "orphan",
    [FINDING_FOREIGN] = "foreign",
    [FINDING_LEFTOVER] = "leftover",
    [FINDING_INDEX] = "index",
};

const char *finding_name(enum finding_kind kind)
{
	assert(kind < FINDING_COUNT);
	return names[kind];
}
