/*
 * What can go wrong in life: a peer, a disk, a name server. Bugs are asserts,
 * a host that cannot run us is fatal(); everything else is a struct error that
 * the function at fault fills and the one that handles it logs, once.
 */
#ifndef ELEKTRINE_ERROR_H
#define ELEKTRINE_ERROR_H

/* What the caller can do about it. When unsure, ERROR_TEMPORARY. */
enum error_kind {
	ERROR_NONE = 0,
	ERROR_TEMPORARY, /* try again later; nothing is wrong with the input */
	ERROR_PERMANENT, /* the same input will always fail */
	ERROR_LIMIT,     /* the input passes a bound of bounds.h or a setting */
	ERROR_NOT_FOUND, /* there is no such message, file or entry */
	ERROR_FULL,      /* no room on the disk, or under SPOOL_MIN_FREE */
	ERROR_IO,        /* the disk or the index failed: EX_IOERR, 74 */
	ERROR_BUSY,      /* someone else holds it: EX_TEMPFAIL, 75 */
	ERROR_CONFIG,    /* the operator must change something: EX_CONFIG, 78 */
	ERROR_CORRUPT    /* what is stored is not what was written */
};

struct error {
	enum error_kind kind;
	char text[400]; /* one sentence, without a full stop */
};

/* A result that must not be ignored. */
#define MUST_CHECK __attribute__((warn_unused_result))
/* A function that formats like printf. */
#define PRINTF_LIKE(string, first)                                             \
	__attribute__((format(printf, string, first)))

#endif
