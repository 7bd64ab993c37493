/*
 * What the checks of a message ask of the DNS, as a function that the caller
 * gives: mail/ itself never meets a socket, and a test answers from a table.
 */
#ifndef MAIL_LOOKUP_H
#define MAIL_LOOKUP_H

#include "base/arena.h"
#include "base/net.h"
#include "base/slice.h"

enum lookup_type { LOOKUP_A, LOOKUP_AAAA, LOOKUP_MX, LOOKUP_PTR, LOOKUP_TXT };

enum lookup_status {
	LOOKUP_FOUND,    /* at least one record */
	LOOKUP_NODATA,   /* the name exists, without records of this type */
	LOOKUP_NXDOMAIN, /* RCODE 3: neither the name nor anything below it */
	LOOKUP_TEMPERROR /* no answer, or one that says nothing */
};

struct lookup_record {
	const struct lookup_record *next; /* NULL after the last */
	struct ip ip;                     /* A, AAAA */
	struct slice text; /* MX, PTR: a name without its last dot; TXT: its
			    * strings joined without blanks */
};

/* `name` has labels of 1 to 63 bytes of any kind but NUL and dot, 253 bytes in
 * all, and no dot at its end. Blocks until there is an answer, and bounds that
 * time itself. The records, and what they point to, live at least as long as
 * the arena; *records is only read after LOOKUP_FOUND. */
typedef enum lookup_status lookup_fn(void *arg, enum lookup_type type,
    const char *name, struct arena *arena,
    const struct lookup_record **records);

struct lookup {
	lookup_fn *find;
	void *arg;
};

static inline enum lookup_status lookup_find(const struct lookup *lookup,
    enum lookup_type type, const char *name, struct arena *arena,
    const struct lookup_record **records)
{
	*records = NULL;
	return lookup->find(lookup->arg, type, name, arena, records);
}

#endif
