/* The command line of one verb: options in any order, then the rest. */
#ifndef SPOOL_CLI_ARGUMENTS_H
#define SPOOL_CLI_ARGUMENTS_H

#include "spool/cli/cli.h"

#include <stdint.h>

enum option_kind {
	OPTION_FLAG,   /* bool */
	OPTION_TEXT,   /* const char * */
	OPTION_NUMBER, /* uint64_t */
	OPTION_AGE,    /* int64_t: "90s", "5m", "4h", "7d" in milliseconds */
	OPTION_TIME,   /* int64_t: "2026-01-31T12:00", or an age: so long ago */
	OPTION_STATE,  /* struct operator_filter: a delivery's state */
	OPTION_LANE    /* struct operator_filter: webhook or smtp */
};

struct option {
	const char *name; /* "--limit" */
	enum option_kind kind;
	void *value;
};

/* Reads options (--spool DIR, --json and --help are known to every verb) and
 * moves all else to the front of argv; *count says how many those are. False:
 * all is said (help or what is wrong), *code is the exit code. */
MUST_CHECK bool arguments_read(struct cli *cli, int argc, char **argv,
    const struct option *options, size_t option_count, int *count, int *code);

/* Each as an id, into memory that the caller frees. NULL: one is none, and
 * that is said. */
struct id *arguments_ids(
    const struct cli *cli, char **argv, int count, int *code);

/* The options of a filter, for the tables of verbs. */
#define FILTER_OPTIONS(filter, age)                                            \
	{"--lane", OPTION_LANE, (filter)},                                     \
	    {"--rcpt", OPTION_TEXT, &(filter)->recipient},                     \
	    {"--from", OPTION_TEXT, &(filter)->sender},                        \
	{                                                                      \
		"--older", OPTION_AGE, (age)                                   \
	}

#endif
