#include "base/program.h"

#include "base/errors.h"
#include "base/log.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define EXIT_WRONG_USAGE 2

void program_print_version(const struct program_about *about)
{
	(void)printf("%s " ELEKTRINE_VERSION "\n", about->name);
}

static void print_help(const struct program_about *about, FILE *out)
{
	(void)fprintf(out,
	    "%s: %s.\n"
	    "\n"
	    "usage: %s [--check-config | --help | --version]\n"
	    "\n"
	    "  --check-config  show the effective settings and where each "
	    "came\n"
	    "                  from, or every fault (exit 78), and end\n"
	    "\n"
	    "Runs in the foreground and logs to standard output. Settings "
	    "come\n"
	    "from the environment and from the INI file that ELEKTRINE_CONFIG\n"
	    "names. SIGTERM ends it cleanly, SIGHUP reads the settings "
	    "again.\n",
	    about->name, about->what, about->name);
}

void program_prepare(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	int fd;

	/* A file that got one of these numbers would be written into. */
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		fatal("cannot open /dev/null");
	(void)close(fd);
	if (sigaction(SIGPIPE, &ignore, NULL) != 0)
		fatal("cannot ignore SIGPIPE");
	(void)umask(S_IRWXO);
}

/* Each line of text as one log line. */
static void log_lines(
    enum log_level level, const char *event, const struct buf *text)
{
	const char *line = buf_text(text);
	char one[1024];
	size_t len;

	for (; *line != '\0'; line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		(void)snprintf(one, sizeof(one), "%.*s", (int)len, line);
		log_event(level, event, LOG_TEXT("setting", one));
	}
}

struct config *program_config(const struct program_about *about)
{
	struct config_report report = config_report_new();
	struct config *config = config_load(about->program, &report);

	if (config == NULL) {
		(void)fputs(buf_text(&report.faults), stderr);
		exit(EX_CONFIG);
	}
	log_open(about->scope, config->log_level);
	log_lines(LOG_WARN, "config_warning", &report.warnings);
	config_report_free(&report);
	return config;
}

int program_check_config(const struct program_about *about)
{
	struct config_report report = config_report_new();
	struct config *config = config_load(about->program, &report);
	int code = EX_OK;

	if (config != NULL && about->check != NULL)
		about->check(config, &report);
	if (report.faults.len > 0)
		code = EX_CONFIG;
	else
		config_print(config, stdout);
	(void)fputs(buf_text(&report.faults), stderr);
	(void)fputs(buf_text(&report.warnings), stderr);
	config_free(&config);
	config_report_free(&report);
	return code;
}

struct config *program_reload(
    const struct program_about *about, struct config **config)
{
	struct config_report report = config_report_new();
	struct config *old = *config, *new = config_reload(old, &report);

	log_lines(LOG_ERROR, "config_refused", &report.faults);
	log_lines(LOG_WARN, "config_warning", &report.warnings);
	log_lines(LOG_WARN, "config_needs_restart", &report.restart);
	config_report_free(&report);
	if (new == NULL)
		return NULL;
	log_open(about->scope, new->log_level);
	log_event(LOG_INFO, "config_reloaded",
	    LOG_TEXT("file", new->elektrine_config));
	*config = new;
	return old;
}

struct config *program_start(
    const struct program_about *about, int argc, char **argv)
{
	program_prepare();
	if (argc == 1)
		return program_config(about);
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		print_help(about, stdout);
		exit(EX_OK);
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		program_print_version(about);
		exit(EX_OK);
	}
	if (argc == 2 && strcmp(argv[1], "--check-config") == 0)
		exit(program_check_config(about));
	print_help(about, stderr);
	exit(EXIT_WRONG_USAGE);
}

void program_fail(const struct error *err)
{
	log_event(LOG_ERROR, "start_failed", LOG_TEXT("error", err->text));
	(void)fprintf(stderr, "%s\n", err->text);
	exit(error_exit_code(err->kind));
}

const char *program_signal_name(int number)
{
	switch (number) {
	case SIGTERM:
		return "SIGTERM";
	case SIGINT:
		return "SIGINT";
	case SIGHUP:
		return "SIGHUP";
	default:
		return "another signal";
	}
}
