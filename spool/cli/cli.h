/*
 * elektrine-spool, the operator's program: a table of verbs, one file each.
 * A verb reads its arguments, opens the spool, does its work through
 * spool/operator.h, spool/fsck.h or spool/rebuild.h, and returns the exit code:
 * 0 done, 1 found something (or did not find it), 2 wrong usage, 74 I/O error,
 * 75 busy, 78 configuration.
 */
#ifndef SPOOL_CLI_CLI_H
#define SPOOL_CLI_CLI_H

#include "base/config.h"
#include "error.h"
#include "spool/operator.h"

#include <stdbool.h>
#include <stddef.h>

#define EXIT_FOUND 1
#define EXIT_WRONG_USAGE 2

/* Whom the history names for what is done here. */
#define CLI_WHO "cli"

struct cli {
	const char *dir; /* --spool; NULL: SPOOL_DIR */
	bool json;
	const struct verb *verb;
	struct config *config; /* from cli_configure() on */
	struct spool *spool;   /* from cli_open() on */
};

struct verb {
	const char *name;
	const char *arguments; /* "ID... | --all" */
	const char *what;      /* one line */
	const char *more;      /* about its options, for --help; or NULL */
	int (*run)(struct cli *cli, int argc, char **argv);
};

/* Ended by one without a name. */
extern const struct verb cli_verbs[];

/* Reads the settings; exits 78 if they are wrong. */
void cli_configure(struct cli *cli);
/* Opens the spool, as the account that owns it if we are root: what is made
 * in it must stay the programs'. False: told on standard error, *code is the
 * exit code. */
MUST_CHECK bool cli_open(
    struct cli *cli, enum spool_access access, bool verify, int *code);

/* Says the one sentence on standard error; the exit code for it. */
int cli_fail(const struct error *err);
/* For a file that the command line names: that it is not there, or closed to
 * us, is an I/O error. 1 says what a verb found, and 78 is for settings.
 * Returns false, as the function that failed does. */
bool cli_input_failed(struct error *err);
/* Says what is wrong with the command line, and how it is used; 2. */
int cli_usage(const struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
