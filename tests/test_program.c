#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/privilege.h"
#include "base/program.h"
#include "base/service.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void check_domain_more(
    const struct config *config, struct config_report *report)
{
	struct error err = {.text = "HARAKA_DOMAIN: we are not x"};

	if (strcmp(config->haraka_domain, "x") == 0)
		config_report_fault(report, &err);
}

static const struct program_about about = {.program = PROGRAM_SMTPD,
    .name = "elektrine-smtpd",
    .scope = "smtpd",
    .what = "takes mail",
    .check = check_domain_more};

static int fresh_environment(void **state)
{
	(void)state;
	clearenv();
	setenv("HARAKA_DOMAIN", "mail.example.net", 1);
	return 0;
}

struct run {
	int code;
	char out[16384], err[2048];
};

static void slurp(int fd, char *into, size_t size)
{
	size_t used = 0;
	ssize_t got;

	while ((got = read(fd, into + used, size - 1 - used)) > 0)
		used += (size_t)got;
	into[used] = '\0';
	(void)close(fd);
}

/* Runs body() in a child and keeps what it says. */
static struct run run_child(int (*body)(void *), void *arg)
{
	struct run run;
	int out[2], err[2], status;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	assert_int_equal(pipe(err), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(out[1], STDOUT_FILENO);
		(void)dup2(err[1], STDERR_FILENO);
		for (int fd = 3; fd < 20; fd++)
			(void)close(fd);
		int code = body(arg);
		(void)fflush(NULL);
		_exit(code);
	}
	(void)close(out[1]);
	(void)close(err[1]);
	slurp(out[0], run.out, sizeof(run.out));
	slurp(err[0], run.err, sizeof(run.err));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	run.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return run;
}

static int start_with(void *option)
{
	char name[] = "elektrine-smtpd";
	char *argv[] = {name, option, NULL};
	struct config *config =
	    program_start(&about, option == NULL ? 1 : 2, argv);

	log_event(LOG_INFO, "started", LOG_TEXT("name", config->haraka_domain));
	config_free(&config);
	exit(0);
}

static void command_line_is_the_same_for_all(void **state)
{
	static const struct {
		const char *option, *setting;
		int code;
		const char *out, *err;
	} rows[] = {
	    {"--version", NULL, 0, "elektrine-smtpd " ELEKTRINE_VERSION "\n",
		""},
	    {"--help", NULL, 0, "usage: elektrine-smtpd [--check-config", ""},
	    {"--check-config", NULL, 0, "\nSPOOL_DIR=/var/spool/elektrine", ""},
	    {"--check-config", "SPOOL_DIR", EX_CONFIG, "",
		"SPOOL_DIR: \"x\" is not an absolute path (environment)\n"},
	    {"--check-config", "HARAKA_DOMAIN", EX_CONFIG, "",
		"HARAKA_DOMAIN: we are not x\n"},
	    {"--nonsense", NULL, 2, "", "usage: "},
	    {"", NULL, 2, "", "usage: "},
	    {NULL, NULL, 0,
		"\"scope\":\"smtpd\",\"event\":\"started\","
		"\"name\":\"mail.example.net\"",
		""},
	    {NULL, "SPOOL_DIR", EX_CONFIG, "", "SPOOL_DIR: \"x\" is not"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct run run;
		char *option =
		    rows[i].option == NULL ? NULL : strdup(rows[i].option);

		fresh_environment(state);
		if (rows[i].setting != NULL)
			setenv(rows[i].setting, "x", 1);
		run = run_child(start_with, option);
		assert_int_equal(run.code, rows[i].code);
		assert_non_null(strstr(run.out, rows[i].out));
		assert_non_null(strstr(run.err, rows[i].err));
		if (rows[i].err[0] == '\0')
			assert_string_equal(run.err, "");
		free(option);
	}
}

static int look_at_new_file(void *path)
{
	struct stat made;
	int fd;

	(void)close(STDIN_FILENO);
	program_prepare();
	fd = open(path, O_CREAT | O_EXCL | O_RDWR, 0666);
	(void)unlink(path);
	if (fd <= STDERR_FILENO || fstat(fd, &made) != 0)
		return 1;
	return (made.st_mode & 0777) == 0660 ? 0 : 2;
}

static void files_are_for_us_and_our_group(void **state)
{
	char path[] = "/tmp/test_program.umask";

	(void)state;
	assert_int_equal(run_child(look_at_new_file, path).code, 0);
}

static int reload_twice(void *arg)
{
	struct config *config = program_config(&about), *old;

	(void)arg;
	setenv("SMTP_MAX_ERRORS", "x", 1);
	if (program_reload(&about, &config) != NULL)
		return 1;
	setenv("SMTP_MAX_ERRORS", "4", 1);
	setenv("LOG_LEVEL", "warn", 1);
	setenv("SPOOL_DIR", "/new", 1);
	old = program_reload(&about, &config);
	if (old == NULL || config->smtp_max_errors != 4 ||
	    log_would_write(LOG_INFO))
		return 2;
	config_free(&old);
	config_free(&config);
	return 0;
}

static void reload_says_what_it_did(void **state)
{
	struct run run;

	(void)state;
	run = run_child(reload_twice, NULL);
	assert_int_equal(run.code, 0);
	assert_non_null(strstr(run.out,
	    "\"event\":\"config_refused\",\"setting\":\"SMTP_MAX_ERRORS: "));
	assert_non_null(strstr(run.out,
	    "\"event\":\"config_needs_restart\",\"setting\":\"SPOOL_DIR\"}"));
}

static int fail_busy(void *arg)
{
	struct error err = {.kind = ERROR_BUSY, .text = "someone has it"};

	(void)arg;
	program_fail(&err);
}

static void a_failed_start_exits_with_its_kind(void **state)
{
	struct run run = run_child(fail_busy, NULL);

	(void)state;
	assert_int_equal(run.code, EX_TEMPFAIL);
	assert_string_equal(run.err, "someone has it\n");
	assert_non_null(strstr(run.out, "\"event\":\"start_failed\""));
}

/* --- privilege -------------------------------------------------------- */

static int raise_descriptors(void *arg)
{
	struct rlimit low = {.rlim_cur = 64, .rlim_max = 128}, now;
	struct error err = {0};

	(void)arg;
	if (setrlimit(RLIMIT_NOFILE, &low) != 0)
		return 1;
	if (!privilege_raise_descriptors(128, &err) ||
	    getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur != 128)
		return 2;
	if (!privilege_raise_descriptors(10, &err) ||
	    getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur != 128)
		return 3;
	/* Even root cannot pass the kernel's own limit. */
	if (privilege_raise_descriptors(UINT64_C(1) << 40, &err) ||
	    err.kind != ERROR_CONFIG ||
	    strstr(err.text, "1099511627776") == NULL)
		return 4;
	return 0;
}

static int raise_all_descriptors(void *arg)
{
	struct rlimit low = {.rlim_cur = 64, .rlim_max = 128}, now;
	struct error err = {0};

	(void)arg;
	if (setrlimit(RLIMIT_NOFILE, &low) != 0)
		return 1;
	if (!privilege_raise_descriptors(0, &err) ||
	    getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur != 128 ||
	    now.rlim_max != 128)
		return 2;
	return 0;
}

static void descriptors_are_raised_or_refused(void **state)
{
	(void)state;
	assert_int_equal(run_child(raise_descriptors, NULL).code, 0);
	assert_int_equal(run_child(raise_all_descriptors, NULL).code, 0);
}

static int drop_to_nobody(void *dir)
{
	struct error err = {0};

	if (!privilege_drop("nobody", dir, &err)) {
		(void)fputs(err.text, stderr);
		return 1;
	}
	return setuid(0) == 0 || getuid() == 0 || getgid() == 0 ? 2 : 0;
}

static void root_becomes_the_user_and_gives_it_the_spool(void **state)
{
	char base[] = "/tmp/test_program.XXXXXX", dir[64];
	struct stat made;
	struct run run;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_non_null(mkdtemp(base));
	assert_int_equal(chmod(base, 0755), 0);
	(void)snprintf(dir, sizeof(dir), "%s/spool", base);
	run = run_child(drop_to_nobody, dir);
	assert_string_equal(run.err, "");
	assert_int_equal(run.code, 0);
	assert_int_equal(stat(dir, &made), 0);
	assert_int_equal(made.st_uid, getpwnam("nobody")->pw_uid);
	/* A folder that is someone else's is not taken over. */
	assert_int_equal(chown(dir, 0, 0), 0);
	run = run_child(drop_to_nobody, dir);
	assert_int_equal(run.code, 1);
	assert_non_null(strstr(run.err, "chown -R nobody:"));
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(rmdir(base), 0);
}

static int drop_twice(void *arg)
{
	struct error err = {0};

	(void)arg;
	if (geteuid() == 0 && setuid(getpwnam("nobody")->pw_uid) != 0)
		return 1;
	if (!privilege_drop(NULL, "/", &err))
		return 2;
	if (privilege_drop("root", "/", &err) || err.kind != ERROR_CONFIG)
		return 3;
	return privilege_drop("no-such-user", "/", &err) ? 4 : 0;
}

static void others_stay_who_they_are(void **state)
{
	(void)state;
	assert_int_equal(run_child(drop_twice, NULL).code, 0);
}

/* --- the service manager ---------------------------------------------- */

static void ready_reaches_the_manager(void **state)
{
	static const char *const names[] = {
	    "/tmp/test_program.notify", "@test_program.notify"};

	(void)state;
	service_ready(); /* nobody there */
	for (size_t i = 0; i < COUNT(names); i++) {
		struct sockaddr_un at = {.sun_family = AF_UNIX};
		char got[32] = "";
		int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

		(void)unlink(names[i]);
		memcpy(at.sun_path, names[i], strlen(names[i]));
		if (names[i][0] == '@')
			at.sun_path[0] = '\0';
		assert_int_equal(
		    bind(fd, (struct sockaddr *)&at,
			(socklen_t)(sizeof(at.sun_family) + strlen(names[i]))),
		    0);
		setenv("NOTIFY_SOCKET", names[i], 1);
		service_ready();
		assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), 7);
		assert_memory_equal(got, "READY=1", 7);
		service_stopping();
		assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), 10);
		(void)close(fd);
		(void)unlink(names[i]);
	}
}

static int take_sockets(void *pid)
{
	char mine[32];
	int first, sockets[2];

	(void)snprintf(mine, sizeof(mine), "%d", (int)getpid());
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0 ||
	    sockets[0] != 3)
		return 1;
	setenv("LISTEN_PID", pid == NULL ? mine : pid, 1);
	setenv("LISTEN_FDS", "2", 1);
	size_t count = service_inherited_sockets(&first);
	if (getenv("LISTEN_FDS") != NULL || first != 3)
		return 2;
	if (count == 2 && fcntl(4, F_GETFD) != FD_CLOEXEC)
		return 3;
	return 10 + (int)count;
}

static void sockets_are_inherited_only_by_whom_they_are_for(void **state)
{
	char other[] = "1", nonsense[] = "2x";

	(void)state;
	assert_int_equal(run_child(take_sockets, NULL).code, 12);
	assert_int_equal(run_child(take_sockets, other).code, 10);
	assert_int_equal(run_child(take_sockets, nonsense).code, 10);
}

#define CASE(name) cmocka_unit_test_setup(name, fresh_environment)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(command_line_is_the_same_for_all),
	    CASE(files_are_for_us_and_our_group),
	    CASE(reload_says_what_it_did),
	    CASE(a_failed_start_exits_with_its_kind),
	    CASE(descriptors_are_raised_or_refused),
	    CASE(root_becomes_the_user_and_gives_it_the_spool),
	    CASE(others_stay_who_they_are),
	    CASE(ready_reaches_the_manager),
	    CASE(sockets_are_inherited_only_by_whom_they_are_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
