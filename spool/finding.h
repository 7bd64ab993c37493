/* What fsck and rebuild find. */
#ifndef SPOOL_FINDING_H
#define SPOOL_FINDING_H

#include "envelope.h"

#include <stdbool.h>

enum finding_kind {
	FINDING_LOST,        /* a record without its file: must never happen */
	FINDING_REMOVED,     /* a dead letter whose file was removed by hand */
	FINDING_DAMAGED,     /* a file that is not what was stored */
	FINDING_UNREADABLE,  /* a file that the system does not let us read */
	FINDING_NAME,        /* a file misses a name, or has one too many */
	FINDING_MISNAMED,    /* a message under a name that is not its id */
	FINDING_STATUS,      /* a status byte that says something else */
	FINDING_ROWS,        /* rows that do not say what the file says */
	FINDING_SET,         /* due, claim, dead: a row missing or stray */
	FINDING_LOOKUP,      /* likewise of look-ups by address */
	FINDING_DESTINATION, /* where the scheduler would not look in time */
	FINDING_EVENT,       /* the story of a message that is not there */
	FINDING_DOOMED,      /* to be unlinked, and yet live */
	FINDING_KEY,         /* of the send API: unreadable, or for ever */
	FINDING_COUNTERS,    /* what status shows */
	FINDING_ORPHAN,      /* a file without a record */
	FINDING_FOREIGN,     /* a file that is not ours: left alone */
	FINDING_LEFTOVER,    /* what a program that died left behind */
	FINDING_INDEX,       /* a part of the old index that cannot be read */
	FINDING_COUNT
};

/* "lost", "removed", ...; static storage. */
const char *finding_name(enum finding_kind kind);

struct finding {
	enum finding_kind kind;
	bool repaired;
	char id[ID_TEXT + 1]; /* "" where no message is meant */
	int recipient;        /* its number; -1 where none is meant */
	const char *text;     /* one sentence, without a full stop */
};

typedef void finding_fn(void *arg, const struct finding *finding);

#endif
