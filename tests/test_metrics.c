/* Figures: recording, the text, the files that outlive their process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/metrics.h"
#include "bounds.h"
#include "scratch.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const known[] = {"first", "second", NULL};
static const struct metric_bounds bounds = {2, {1000, 2000000}};

static struct metric counter = {
    .name = "t_total", .help = "Things.", .kind = METRIC_COUNTER};
static struct metric labelled = {.name = "t_by_reason_total",
    .help = "Things by reason.",
    .kind = METRIC_COUNTER,
    .label = "reason",
    .known = known};
static struct metric gauge = {
    .name = "t_now", .help = "Things now.", .kind = METRIC_GAUGE};
static struct metric least = {.name = "t_up",
    .help = "Whether all are up.",
    .kind = METRIC_GAUGE,
    .merge = METRIC_LEAST};
static struct metric histogram = {.name = "t_seconds",
    .help = "How long.",
    .kind = METRIC_HISTOGRAM,
    .unit = METRIC_SECONDS,
    .bounds = &bounds};
static struct metric *const all[] = {
    &counter, &labelled, &gauge, &least, &histogram};

static struct buf text;

static int set_up(void **state)
{
	(void)state;
	metrics_reset_for_test();
	metrics_declare(all, sizeof(all) / sizeof(all[0]));
	text = buf_new(LIMIT_METRICS_TEXT);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	metrics_leave();
	buf_free(&text);
	return 0;
}

static void has(const char *line)
{
	const char *at = strstr(buf_text(&text), line);

	if (at == NULL || at[strlen(line)] != '\n' ||
	    (at != text.data && at[-1] != '\n'))
		fail_msg("no line '%s' in:\n%s", line, buf_text(&text));
}

static void text_is_what_prometheus_reads(void **state)
{
	(void)state;
	metric_add(&counter, NULL, 3);
	metric_add(&labelled, "second", 2);
	metric_add(&labelled, "a \"new\\one\"", 1);
	metric_set(&gauge, NULL, 7);
	metric_move(&gauge, NULL, -9);
	metric_observe(&histogram, NULL, 1000);
	metric_observe(&histogram, NULL, 1001);
	metric_observe(&histogram, NULL, 3000000);
	metrics_print(&text);
	has("# HELP t_total Things.");
	has("# TYPE t_total counter");
	has("t_total 3");
	has("t_by_reason_total{reason=\"first\"} 0");
	has("t_by_reason_total{reason=\"second\"} 2");
	has("t_by_reason_total{reason=\"a \\\"new\\\\one\\\"\"} 1");
	has("# TYPE t_now gauge");
	has("t_now -2");
	has("# TYPE t_seconds histogram");
	has("t_seconds_bucket{le=\"0.001\"} 1");
	has("t_seconds_bucket{le=\"2\"} 2");
	has("t_seconds_bucket{le=\"+Inf\"} 3");
	has("t_seconds_sum 3.002001");
	has("t_seconds_count 3");
}

static void what_was_not_declared_is_not_recorded(void **state)
{
	static struct metric stranger = {
	    .name = "t_stranger", .help = "x", .kind = METRIC_COUNTER};

	(void)state;
	metric_add(&stranger, NULL, 1);
	metrics_print(&text);
	assert_null(strstr(buf_text(&text), "stranger"));
}

static void too_many_values_are_other(void **state)
{
	char value[24];

	(void)state;
	for (int i = 0; i < LIMIT_METRIC_VALUES + 20; i++) {
		(void)snprintf(value, sizeof(value), "reason %d", i);
		metric_add(&labelled, value, 1);
	}
	metrics_print(&text);
	/* Two are known, and one place is for the others. */
	has("t_by_reason_total{reason=\"reason 60\"} 1");
	assert_null(strstr(buf_text(&text), "reason 61"));
	has("t_by_reason_total{reason=\"other\"} 23");
}

static void a_long_value_is_one_series(void **state)
{
	char value[200];

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	metric_add(&labelled, value, 1);
	metric_add(&labelled, value, 1);
	metrics_print(&text);
	assert_non_null(strstr(buf_text(&text), "xxx\"} 2\n"));
}

static void *count(void *arg)
{
	char value[8];

	(void)arg;
	for (int i = 0; i < 20000; i++) {
		(void)snprintf(value, sizeof(value), "v%d", i % 20);
		metric_add(&counter, NULL, 1);
		metric_add(&labelled, value, 1);
		metric_observe(&histogram, NULL, 5);
	}
	return NULL;
}

static void threads_lose_nothing(void **state)
{
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, count, NULL), 0);
	for (int i = 0; i < 4; i++)
		(void)pthread_join(threads[i], NULL);
	metrics_print(&text);
	has("t_total 80000");
	has("t_by_reason_total{reason=\"v7\"} 4000");
	has("t_seconds_count 80000");
	has("t_seconds_sum 0.400000");
}

/* --- files ------------------------------------------------------------ */

static int open_folder(char **path)
{
	int root;

	*path = scratch_make();
	root = open(*path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(root >= 0);
	assert_int_equal(mkdirat(root, "m", 0770), 0);
	return root;
}

/* A process that counts, says so, and lives until it is told. */
static pid_t start(int root, int counted, int *hold)
{
	int said[2], held[2];
	struct error err;
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe2(said, O_CLOEXEC), 0);
	assert_int_equal(pipe2(held, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		(void)close(held[1]);
		(void)close(said[0]);
		if (!metrics_keep(root, "m", "prog", &err))
			_exit(3);
		metric_add(&counter, NULL, (uint64_t)counted);
		metric_add(&labelled, "dynamic", (uint64_t)counted);
		metric_observe(&histogram, NULL, 10);
		metric_set(&gauge, NULL, 5);
		metric_set(&least, NULL, counted == 4 ? 0 : 1);
		metrics_flush();
		(void)!write(said[1], "x", 1);
		(void)!read(held[0], &byte, 1);
		_exit(0);
	}
	(void)close(said[1]);
	(void)close(held[0]);
	assert_int_equal(read(said[0], &byte, 1), 1);
	(void)close(said[0]);
	*hold = held[1];
	return pid;
}

static void end(pid_t pid, int hold)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)close(hold);
}

static void look(int root)
{
	struct error err;

	buf_clear(&text);
	assert_true(metrics_print_all(root, "m", &text, &err));
}

static void processes_add_up_and_the_killed_count_on(void **state)
{
	char *path;
	int root = open_folder(&path), holds[2];
	pid_t pids[2];

	(void)state;
	pids[0] = start(root, 3, &holds[0]);
	pids[1] = start(root, 4, &holds[1]);
	look(root);
	has("t_total 7");
	has("t_by_reason_total{reason=\"dynamic\"} 7");
	has("t_seconds_count 2");
	has("t_now 10");
	has("t_up 0");
	end(pids[1], holds[1]);
	look(root);
	has("t_total 7");
	has("t_now 5");
	has("t_up 1");
	/* A new one goes on where the dead one was. */
	pids[1] = start(root, 10, &holds[1]);
	look(root);
	has("t_total 17");
	has("t_by_reason_total{reason=\"dynamic\"} 17");
	has("t_seconds_count 3");
	has("t_now 10");
	assert_int_equal(faccessat(root, "m/prog.2", F_OK, 0), -1);
	end(pids[0], holds[0]);
	end(pids[1], holds[1]);
	look(root);
	has("t_total 17");
	assert_null(strstr(buf_text(&text), "t_now"));
	(void)close(root);
	scratch_remove(&path);
}

static void inherited_values_are_there_before_they_are_recorded(void **state)
{
	char *path;
	int root = open_folder(&path), hold;
	struct error err;
	pid_t pid = start(root, 3, &hold);

	(void)state;
	end(pid, hold);
	assert_true(metrics_keep(root, "m", "prog", &err));
	metric_add(&counter, NULL, 1);
	metrics_print(&text);
	has("t_total 4");
	has("t_by_reason_total{reason=\"dynamic\"} 3");
	has("t_now 0");
	metrics_leave();
	(void)close(root);
	scratch_remove(&path);
}

static void damaged_files_are_passed_over(void **state)
{
	static const char junk[9000] = "elektrine-metrics 1";
	char *path;
	int root = open_folder(&path), fd;
	struct error err;

	(void)state;
	fd = openat(root, "m/other.0", O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, junk, sizeof(junk)), sizeof(junk));
	(void)close(fd);
	fd = openat(root, "m/prog.0", O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "x", 1), 1);
	(void)close(fd);
	assert_true(metrics_keep(root, "m", "prog", &err));
	metric_add(&counter, NULL, 1);
	look(root);
	has("t_total 1");
	metrics_leave();
	(void)close(root);
	scratch_remove(&path);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest cases[] = {
	    CASE(text_is_what_prometheus_reads),
	    CASE(what_was_not_declared_is_not_recorded),
	    CASE(too_many_values_are_other),
	    CASE(a_long_value_is_one_series),
	    CASE(threads_lose_nothing),
	    CASE(processes_add_up_and_the_killed_count_on),
	    CASE(inherited_values_are_there_before_they_are_recorded),
	    CASE(damaged_files_are_passed_over),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
