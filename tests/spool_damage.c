#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spool_damage.h"

#include "base/clock.h"
#include "spool_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void on_found(void *arg, const struct finding *finding)
{
	(void)arg;
	if (getenv("FSCK_SHOW") != NULL)
		(void)fprintf(stderr, "%s %s %d %s%s\n",
		    finding_name(finding->kind), finding->id,
		    finding->recipient, finding->text,
		    finding->repaired ? " (repaired)" : "");
}

struct fsck_report check(struct spool *spool, bool repair)
{
	struct fsck_options options = {.repair = repair, .found = on_found};
	struct fsck_report report;
	struct error err = {0};

	if (!fsck_run(spool, &options, &report, &err))
		fail_msg("%s", err.text);
	return report;
}

void expect_clean(struct spool *spool)
{
	assert_int_equal(check(spool, false).found_all, 0);
}

void expect_repair(struct spool *spool, enum finding_kind kind)
{
	struct fsck_report report = check(spool, false);

	assert_int_not_equal(report.found[kind], 0);
	assert_int_equal(report.repaired_all, 0);
	report = check(spool, true);
	assert_int_not_equal(report.repaired[kind], 0);
	expect_clean(spool);
}

void let_files_age(void)
{
	clock_set_for_test(-1, -1);
	clock_set_for_test(clock_wall_ms() + 120000, clock_mono_ms() + 120000);
}

void path_of(char path[600], const char *folder, const char *name)
{
	(void)snprintf(path, 600, "%s/%s/%s", dir, folder, name);
}

void flip(const char *path, long offset, char byte)
{
	int fd = open(path, O_WRONLY);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	if (offset < 0)
		offset += st.st_size;
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	(void)close(fd);
}
