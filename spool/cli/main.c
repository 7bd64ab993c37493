/* elektrine-spool: looks into the spool and mends it. */
#include "base/errors.h"
#include "base/log.h"
#include "base/privilege.h"
#include "base/program.h"
#include "spool/cli/arguments.h"
#include "spool/cli/cli.h"
#include "spool/cli/output.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static const struct program_about about = {
    .program = PROGRAM_SPOOL,
    .name = "elektrine-spool",
    .scope = "spool",
    .what = "looks into the spool and mends it",
};

/* --- what is said ----------------------------------------------------- */

static void print_help(FILE *out)
{
	(void)fprintf(out,
	    "usage: elektrine-spool [--spool DIR] [--json] VERB ...\n"
	    "       elektrine-spool VERB --help\n"
	    "       elektrine-spool --check-config | --version\n"
	    "\n"
	    "Looks into the spool and mends it, beside the running programs or "
	    "without them.\n"
	    "\n");
	for (const struct verb *verb = cli_verbs; verb->name != NULL; verb++)
		(void)fprintf(out, "  %-13s %s\n", verb->name, verb->what);
	(void)fprintf(out,
	    "\n"
	    "  --spool DIR    another spool than SPOOL_DIR\n"
	    "  --json         one JSON object a line\n"
	    "\n"
	    "Exit codes: 0 done, 1 found something or nothing such, 2 wrong "
	    "usage, 74 I/O\n"
	    "error or damage, 75 busy, 78 configuration.\n");
}

int cli_fail(const struct error *err)
{
	output_progress_end();
	(void)fprintf(stderr, "elektrine-spool: %s\n", output_safe(err->text));
	return error_exit_code(err->kind);
}

bool cli_input_failed(struct error *err)
{
	if (err->kind == ERROR_NOT_FOUND || err->kind == ERROR_CONFIG)
		err->kind = ERROR_IO;
	return false;
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
	const struct verb *verb = cli->verb;
	va_list args;

	(void)fputs("elektrine-spool: ", stderr);
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fprintf(stderr, "\nusage: elektrine-spool %s%s%s\n", verb->name,
	    verb->arguments[0] != '\0' ? " " : "", verb->arguments);
	return EXIT_WRONG_USAGE;
}

/* --- settings and spool ----------------------------------------------- */

void cli_configure(struct cli *cli)
{
	cli->config = program_config(&about);
	/* Sentences say what is wrong; the log would only repeat them. */
	log_to_fd(STDERR_FILENO);
	log_open(about.scope, LOG_ERROR);
	if (cli->dir == NULL)
		cli->dir = cli->config->spool_dir;
}

/* Reading a damaged index can crash its library. */
static void on_crash(int number)
{
	static const char text[] =
	    "elektrine-spool: crashed while it read the spool, whose index may "
	    "be damaged: run `elektrine-spool fsck`\n";

	(void)number;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0) {
		/* Nobody is left to be told. */
	}
	_exit(EX_IOERR);
}

static void expect_crashes(void)
{
	static const int numbers[] = {SIGSEGV, SIGBUS, SIGABRT};
	struct sigaction action = {.sa_handler = on_crash};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)sigaction(numbers[i], &action, NULL);
}

/* A file that root left in the spool would stop the programs. */
static bool become_owner(const char *dir, struct error *err)
{
	const struct passwd *owner;
	struct stat st;

	if (geteuid() != 0)
		return true;
	if (stat(dir, &st) != 0) {
		if (errno == ENOENT)
			return error_set(
			    err, ERROR_CONFIG, "there is no spool at %s", dir);
		return error_errno(err, "cannot look at the spool %s", dir);
	}
	owner = getpwuid(st.st_uid);
	return st.st_uid == 0 || owner == NULL ||
	       privilege_drop(owner->pw_name, dir, err);
}

bool cli_open(struct cli *cli, enum spool_access access, bool verify, int *code)
{
	struct spool_options options;
	struct error err = {0};

	if (cli->config == NULL)
		cli_configure(cli);
	options = spool_options_of(cli->config);
	options.dir = cli->dir;
	options.access = access;
	options.create = false;
	options.verify_index = verify;
	expect_crashes();
	/* Who only looks stops when nobody reads on. */
	if (access == SPOOL_READ)
		(void)signal(SIGPIPE, SIG_DFL);
	if (become_owner(cli->dir, &err) &&
	    spool_open(&options, &cli->spool, &err))
		return true;
	*code = cli_fail(&err);
	return false;
}

/* --- the program ------------------------------------------------------ */

static const struct verb *find_verb(const char *name)
{
	for (const struct verb *verb = cli_verbs; verb->name != NULL; verb++) {
		if (strcmp(verb->name, name) == 0)
			return verb;
	}
	return NULL;
}

static int run_verb(struct cli *cli, int argc, char **argv)
{
	int code;

	cli->verb = find_verb(argv[0]);
	if (cli->verb == NULL) {
		(void)fprintf(stderr, "elektrine-spool: there is no verb %s\n",
		    output_safe(argv[0]));
		print_help(stderr);
		return EXIT_WRONG_USAGE;
	}
	code = cli->verb->run(cli, argc - 1, argv + 1);
	output_progress_end();
	spool_close(&cli->spool);
	config_free(&cli->config);
	/* What was printed is a part of what was asked for. */
	if (fflush(stdout) != 0 || ferror(stdout) != 0)
		return code == EXIT_SUCCESS ? EX_IOERR : code;
	return code;
}

int main(int argc, char **argv)
{
	struct cli cli = {0};
	int at = 1;

	program_prepare();
	for (; at < argc && argv[at][0] == '-'; at++) {
		if (strcmp(argv[at], "--json") == 0) {
			cli.json = true;
		} else if (strcmp(argv[at], "--spool") == 0 && at + 1 < argc) {
			cli.dir = argv[++at];
		} else if (strncmp(argv[at], "--spool=", 8) == 0) {
			cli.dir = argv[at] + 8;
		} else if (strcmp(argv[at], "--help") == 0 ||
			   strcmp(argv[at], "-h") == 0) {
			print_help(stdout);
			return EXIT_SUCCESS;
		} else if (strcmp(argv[at], "--version") == 0) {
			program_print_version(&about);
			return EXIT_SUCCESS;
		} else if (strcmp(argv[at], "--check-config") == 0) {
			return program_check_config(&about);
		} else {
			(void)fprintf(stderr,
			    "elektrine-spool: there is no option %s\n",
			    output_safe(argv[at]));
			print_help(stderr);
			return EXIT_WRONG_USAGE;
		}
	}
	if (at == argc) {
		print_help(stderr);
		return EXIT_WRONG_USAGE;
	}
	return run_verb(&cli, argc - at, argv + at);
}
