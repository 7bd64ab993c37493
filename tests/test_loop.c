#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/loop.h"
#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What happened, one letter each, and how many letters end the loop. */
struct trail {
	struct loop *loop;
	char letters[64];
	size_t enough;
	struct loop_task tasks[8];
	struct loop_watch *watch;
	struct loop_timer *timer;
	int fd;
};

static void note(struct trail *trail, char letter)
{
	size_t len = strlen(trail->letters);

	assert_true(len + 1 < sizeof(trail->letters));
	trail->letters[len] = letter;
	if (len + 1 == trail->enough)
		loop_stop(trail->loop);
}

static void note_d(void *arg)
{
	note(arg, 'd');
}

static void note_p(void *arg)
{
	note(arg, 'p');
}

static void note_s(void *arg)
{
	note(arg, 's');
}

static void note_t(void *arg)
{
	note(arg, 't');
}

static void defer_within(void *arg)
{
	struct trail *trail = arg;

	trail->tasks[1] = (struct loop_task){.call = note_d, .arg = trail};
	loop_defer(trail->loop, &trail->tasks[1]);
	note(trail, 'x');
}

static void loop_runs_deferred_calls_after_the_callback(void **state)
{
	struct trail trail = {.loop = loop_new(), .enough = 3};

	(void)state;
	trail.tasks[0] =
	    (struct loop_task){.call = defer_within, .arg = &trail};
	trail.tasks[2] = (struct loop_task){.call = note_p, .arg = &trail};
	loop_post(trail.loop, &trail.tasks[0]);
	loop_post(trail.loop, &trail.tasks[2]);
	loop_run(trail.loop);
	assert_string_equal(trail.letters, "xpd");
	loop_free(&trail.loop);
	assert_null(trail.loop);
}

static void on_pair_ready(void *arg, unsigned ready)
{
	struct trail *trail = arg;
	char c;

	if ((ready & LOOP_WRITE) != 0) {
		note(trail, 'w');
		loop_watch_want(trail->watch, LOOP_READ);
		return;
	}
	assert_int_equal(ready, LOOP_READ);
	assert_int_equal(read(trail->fd, &c, 1), 1);
	note(trail, c);
	if (c == 'c')
		loop_watch_close(&trail->watch);
}

static void loop_watches_what_is_wanted_and_no_more(void **state)
{
	struct trail trail = {.loop = loop_new(), .enough = 5};
	int pair[2];

	(void)state;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	trail.fd = pair[0];
	trail.watch = loop_watch_open(
	    trail.loop, pair[0], LOOP_WRITE, on_pair_ready, &trail);
	assert_int_equal(write(pair[1], "abcd", 4), 4);
	trail.timer = loop_timer_new(trail.loop, note_t, &trail);
	loop_timer_set(trail.timer, 30);
	loop_run(trail.loop);
	/* d is there, but the watch was closed. */
	assert_string_equal(trail.letters, "wabct");
	assert_null(trail.watch);
	loop_timer_free(&trail.timer);
	loop_free(&trail.loop);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void loop_timer_can_be_moved_and_freed(void **state)
{
	struct trail trail = {.loop = loop_new(), .enough = 2};
	struct loop_timer *never = loop_timer_new(trail.loop, note_d, &trail);
	struct loop_timer *later = loop_timer_new(trail.loop, note_p, &trail);

	(void)state;
	trail.timer = loop_timer_new(trail.loop, note_t, &trail);
	loop_timer_set(trail.timer, 3600000);
	loop_timer_set(trail.timer, 5);
	loop_timer_set(never, 1);
	loop_timer_free(&never);
	loop_timer_set(later, 20);
	loop_run(trail.loop);
	assert_string_equal(trail.letters, "tp");
	loop_timer_free(&later);
	loop_timer_free(&trail.timer);
	loop_free(&trail.loop);
}

static void loop_hears_signals(void **state)
{
	struct trail trail = {.loop = loop_new(), .enough = 1};
	struct loop_signal *handle =
	    loop_signal_open(trail.loop, SIGUSR1, note_s, &trail);

	(void)state;
	assert_int_equal(raise(SIGUSR1), 0);
	loop_run(trail.loop);
	assert_string_equal(trail.letters, "s");
	loop_signal_close(&handle);
	loop_free(&trail.loop);
}

#define POSTERS 4
#define POSTS 20000

struct poster {
	struct loop *loop;
	struct loop_task tasks[POSTS];
	unsigned number[POSTS];
	unsigned next; /* on the loop: what must come next */
	unsigned *left;
};

struct posted {
	struct poster *poster;
	unsigned number;
};

static struct posted posted[POSTERS][POSTS];
static struct poster posters[POSTERS];

static void on_posted(void *arg)
{
	struct posted *one = arg;
	struct poster *poster = one->poster;

	assert_int_equal(one->number, poster->next);
	poster->next++;
	if (--*poster->left == 0)
		loop_stop(poster->loop);
}

static void *post_all(void *arg)
{
	struct poster *poster = arg;

	for (unsigned i = 0; i < POSTS; i++) {
		struct posted *one = &posted[poster - posters][i];

		*one = (struct posted){.poster = poster, .number = i};
		poster->tasks[i] =
		    (struct loop_task){.call = on_posted, .arg = one};
		loop_post(poster->loop, &poster->tasks[i]);
	}
	return NULL;
}

static void loop_post_keeps_each_threads_order(void **state)
{
	struct loop *loop = loop_new();
	unsigned left = POSTERS * POSTS;
	pthread_t threads[POSTERS];

	(void)state;
	for (unsigned i = 0; i < POSTERS; i++) {
		posters[i].loop = loop;
		posters[i].left = &left;
		assert_int_equal(
		    pthread_create(&threads[i], NULL, post_all, &posters[i]),
		    0);
	}
	loop_run(loop);
	for (unsigned i = 0; i < POSTERS; i++)
		(void)pthread_join(threads[i], NULL);
	assert_int_equal(left, 0);
	loop_free(&loop);
}

/* --- pool ------------------------------------------------------------- */

struct work {
	struct trail *trail;
	atomic_int go; /* work waits for it */
	atomic_int worked;
	atomic_int released;
	bool done;
};

static void do_work(void *arg)
{
	struct work *work = arg;

	while (atomic_load(&work->go) == 0)
		(void)usleep(1000);
	atomic_fetch_add(&work->worked, 1);
}

static void on_work_done(void *arg)
{
	struct work *work = arg;

	assert_int_equal(atomic_load(&work->worked), 1);
	work->done = true;
	note(work->trail, 'w');
}

static void on_work_released(void *arg)
{
	struct work *work = arg;

	atomic_fetch_add(&work->released, 1);
}

static void pool_answers_on_the_loop_and_refuses_what_is_too_much(void **state)
{
	struct trail trail = {.loop = loop_new(), .enough = 3};
	struct pool *pool = pool_new(2, 1);
	struct work works[4] = {0};
	struct pool_job *jobs[4];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		works[i].trail = &trail;
		jobs[i] = pool_start(
		    pool, trail.loop, do_work, on_work_done, &works[i]);
	}
	assert_non_null(jobs[2]);
	assert_null(jobs[3]); /* two at work, one waits */
	for (size_t i = 0; i < 3; i++)
		atomic_store(&works[i].go, 1);
	loop_run(trail.loop);
	assert_true(works[0].done && works[1].done && works[2].done);
	assert_false(works[3].done);
	pool_free(&pool);
	loop_free(&trail.loop);
}

static void pool_forgets_waiting_and_working_jobs(void **state)
{
	struct trail trail = {.loop = loop_new(), .enough = 1};
	struct pool *pool = pool_new(1, 2);
	struct work works[3] = {0};
	struct pool_job *jobs[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		works[i].trail = &trail;
		jobs[i] = pool_start(
		    pool, trail.loop, do_work, on_work_done, &works[i]);
	}
	(void)usleep(20000); /* so that the first one is at work */
	pool_forget(&jobs[0], on_work_released);
	pool_forget(&jobs[1], on_work_released);
	assert_null(jobs[1]);
	assert_int_equal(atomic_load(&works[1].released), 1);
	for (size_t i = 0; i < 3; i++)
		atomic_store(&works[i].go, 1);
	loop_run(trail.loop); /* until the third is done */
	pool_free(&pool);
	assert_int_equal(atomic_load(&works[0].released), 1);
	assert_int_equal(atomic_load(&works[1].worked), 0);
	assert_false(works[0].done || works[1].done);
	assert_true(works[2].done);
	loop_free(&trail.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(loop_runs_deferred_calls_after_the_callback),
	    cmocka_unit_test(loop_watches_what_is_wanted_and_no_more),
	    cmocka_unit_test(loop_timer_can_be_moved_and_freed),
	    cmocka_unit_test(loop_hears_signals),
	    cmocka_unit_test(loop_post_keeps_each_threads_order),
	    cmocka_unit_test(
		pool_answers_on_the_loop_and_refuses_what_is_too_much),
	    cmocka_unit_test(pool_forgets_waiting_and_working_jobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
