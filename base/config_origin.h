/*
 * Where the text of each setting comes from: the environment, the INI file,
 * or a file that NAME_FILE names in one of the two.
 */
#ifndef BASE_CONFIG_ORIGIN_H
#define BASE_CONFIG_ORIGIN_H

#include "base/config_table.h"

enum origin_kind {
	ORIGIN_DEFAULT = 0,
	ORIGIN_ENVIRONMENT,
	ORIGIN_FILE,      /* the INI file */
	ORIGIN_NAME_FILE, /* a file with this one value */
	ORIGIN_FAULTY     /* given, wrong, and reported */
};

struct origin {
	enum origin_kind kind;
	const char *text; /* NULL: unset */
	const char *path; /* of either file */
};

/* Fills origins[setting_count] with what is given, the environment above the
 * INI file; defaults are the caller's. Opens the NAME_FILEs of settings that
 * `program` uses, and no others: a program does not read secrets that it has
 * no need of. Texts live in the arena. Adds faults to the report. */
void origins_gather(struct origin *origins, enum program program,
    struct arena *arena, struct config_report *report);

#endif
