/*
 * What every main() begins with, so that each is the same page:
 *
 *   config = program_start(&about, argc, argv);
 *   privilege_raise_descriptors(...), open what needs privilege,
 *   privilege_drop(...), open the spool, serving_run() or the like.
 *
 * Called before any thread is made.
 */
#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H

#include "base/config.h"
#include "error.h"

struct program_about {
	enum program program;
	const char *name;  /* "elektrine-smtpd" */
	const char *scope; /* of its log lines: "smtpd" */
	const char *what;  /* one sentence for --help */
	/* For --check-config, with settings that the table accepts: adds the
	 * faults for which this program would not start all the same. May be
	 * NULL. */
	void (*check)(
	    const struct config *config, struct config_report *report);
};

/* The whole start of a daemon: program_prepare(), then --help, --version and
 * --check-config, which exit, as does anything else on the command line (2);
 * then program_config(). */
struct config *program_start(
    const struct program_about *about, int argc, char **argv);

/* Makes the process one of ours: descriptors 0 to 2 are open, SIGPIPE is
 * ignored, files are not for others but stay writable for the group (LMDB's
 * lock file must be, when several accounts share a spool). */
void program_prepare(void);

/* Loads the settings and opens the log with them; on faults prints one line
 * for each on standard error and exits 78. */
struct config *program_config(const struct program_about *about);

/* Prints the effective settings (standard output) or the faults, one a line
 * (standard error), and gives the exit code: 0 or 78. */
int program_check_config(const struct program_about *about);

/* "elektrine-smtpd 0.1.0" on standard output. */
void program_print_version(const struct program_about *about);

/* SIGHUP: replaces *config by what the settings are now and gives the old one
 * back, to be freed when nobody reads it any more; NULL, and the log says
 * why, if *config stays. Settings that need a restart are named in the log;
 * the log level changes at once. */
struct config *program_reload(
    const struct program_about *about, struct config **config);

/* The program cannot start: logs it, says it on standard error, and exits
 * with the code of its kind (74, 75 or 78, as in sysexits(3)). */
_Noreturn void program_fail(const struct error *err);

/* "SIGTERM" */
const char *program_signal_name(int number);

#endif
