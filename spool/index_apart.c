/* Reading an index that may be damaged, where a crash harms nobody. */
#include "base/errors.h"
#include "base/os.h"
#include "spool/index.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a child tells: written at once, and whole or not at all. */
struct verdict_of_child {
	bool sound;
	uint64_t rows;
	struct error err;
};

/* A crash is what we are here to see: no core, and no last words of LMDB. */
static void be_quiet(void)
{
	const struct rlimit none = {0, 0};
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)setrlimit(RLIMIT_CORE, &none);
	if (nowhere >= 0)
		(void)dup2(nowhere, STDERR_FILENO);
	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_DFL);
}

_Noreturn static void be_child(const char *dir, enum index_table table, int out)
{
	struct verdict_of_child verdict;
	struct index *index;
	bool created;

	be_quiet();
	memset(&verdict, 0, sizeof(verdict));
	if (index_open(dir, false, true, 0, &index, &created, &verdict.err)) {
		verdict.sound = index_verify_table(
		    index, table, &verdict.rows, &verdict.err);
		index_close(&index);
	}
	_exit(write(out, &verdict, sizeof(verdict)) == (ssize_t)sizeof(verdict)
		  ? 0
		  : 1);
}

static bool hear(int fd, struct verdict_of_child *verdict)
{
	ssize_t got;

	do
		got = read(fd, verdict, sizeof(*verdict));
	while (got < 0 && errno == EINTR);
	return got == (ssize_t)sizeof(*verdict);
}

static bool verify_table(
    const char *dir, enum index_table table, uint64_t *rows, struct error *err)
{
	struct verdict_of_child verdict;
	int ends[2], status;
	bool heard;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_errno(err, "cannot make a pipe");
	child = fork();
	if (child == 0)
		be_child(dir, table, ends[1]);
	os_close(&ends[1]);
	if (child < 0) {
		os_close(&ends[0]);
		return error_errno(err, "cannot start a process");
	}
	heard = hear(ends[0], &verdict);
	os_close(&ends[0]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (!heard)
		return error_set(err, ERROR_CORRUPT,
		    "index: table %s is damaged, reading it crashes",
		    index_table_name(table));
	*rows += verdict.rows;
	if (!verdict.sound)
		*err = verdict.err;
	return verdict.sound;
}

bool index_verify_apart(
    const char *dir, bool sound[TABLE_COUNT], uint64_t *rows, struct error *err)
{
	struct error later, *first = err;
	bool all = true;

	*rows = 0;
	for (int i = 0; i < TABLE_COUNT; i++) {
		sound[i] = verify_table(dir, (enum index_table)i, rows, first);
		all = all && sound[i];
		if (!all)
			first = &later;
	}
	return all;
}
