/* A cache of answers: what it keeps, what it drops, and who hears of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ask_cache.h"
#include "base/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void answer(struct ask_cache *cache, const char *key, const char *text)
{
	struct ask_entry *entry = ask_cache_begin(cache, key);

	assert_true(entry->asking);
	ask_entry_set(entry, text, strlen(text));
	ask_cache_end(cache, entry);
}

/* Keys "0" to "9" that it has, in this order. */
static const char *kept(struct ask_cache *cache)
{
	static char found[11];
	size_t len = 0;

	for (char key[] = "0"; key[0] <= '9'; key[0]++)
		if (ask_cache_find(cache, key) != NULL)
			found[len++] = key[0];
	found[len] = '\0';
	return found;
}

static void the_longest_answered_go_first(void **state)
{
	struct ask_cache *cache = ask_cache_new(3, 1000000);

	(void)state;
	answer(cache, "1", "a");
	answer(cache, "2", "b");
	answer(cache, "3", "c");
	/* Answered again is answered late. */
	answer(cache, "1", "d");
	assert_string_equal(kept(cache), "123");
	answer(cache, "4", "e");
	assert_string_equal(kept(cache), "134");
	assert_memory_equal(ask_cache_find(cache, "1")->bytes, "d", 1);
	ask_cache_free(&cache);
	assert_null(cache);
}

static void bytes_are_bounded_too(void **state)
{
	const size_t entry = sizeof(struct ask_entry) + 1;
	struct ask_cache *cache = ask_cache_new(100, 3 * entry + 100);
	char large[101];

	(void)state;
	memset(large, 'x', sizeof(large));
	large[100] = '\0';
	answer(cache, "1", "");
	answer(cache, "2", "");
	answer(cache, "3", large);
	assert_string_equal(kept(cache), "123");
	/* One byte too many. */
	answer(cache, "1", "y");
	assert_string_equal(kept(cache), "13");
	/* More than all of it: it is answered, and gone. */
	for (int i = 0; i < 2; i++) {
		char huge[2000];

		memset(huge, 'x', sizeof(huge) - 1);
		huge[sizeof(huge) - 1] = '\0';
		answer(cache, "9", huge);
	}
	assert_string_equal(kept(cache), "");
	ask_cache_free(&cache);
}

static void what_is_asked_is_not_dropped(void **state)
{
	struct ask_cache *cache = ask_cache_new(1, 1000000);
	struct ask_entry *asked = ask_cache_begin(cache, "1");

	(void)state;
	answer(cache, "2", "b");
	answer(cache, "3", "c");
	assert_string_equal(kept(cache), "13");
	ask_cache_end(cache, asked);
	assert_string_equal(kept(cache), "1");
	ask_cache_free(&cache);
}

struct waiter {
	struct ask_cache *cache;
	struct ask_entry *entry;
	pthread_mutex_t lock;
	bool end, waits, woken;
	char heard;
};

static void *wait_for_it(void *arg)
{
	struct waiter *waiter = arg;

	(void)pthread_mutex_lock(&waiter->lock);
	waiter->waits = true;
	ask_entry_wait(waiter->entry, &waiter->lock, 60000, &waiter->end);
	if (!waiter->entry->asking)
		waiter->heard = (char)waiter->entry->bytes[0];
	waiter->woken = true;
	(void)pthread_mutex_unlock(&waiter->lock);
	return NULL;
}

/* Once this returns, and the lock is free, the thread waits. */
static void start(struct waiter *waiter, pthread_t *thread)
{
	bool waits = false;

	waiter->entry = ask_cache_begin(waiter->cache, "1");
	assert_int_equal(pthread_create(thread, NULL, wait_for_it, waiter), 0);
	while (!waits) {
		(void)usleep(1000);
		(void)pthread_mutex_lock(&waiter->lock);
		waits = waiter->waits;
		(void)pthread_mutex_unlock(&waiter->lock);
	}
}

static void who_waits_hears_the_answer_also_when_room_is_short(void **state)
{
	struct waiter waiter = {.cache = ask_cache_new(1, 1000000),
	    .lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t thread;

	(void)state;
	start(&waiter, &thread);
	(void)pthread_mutex_lock(&waiter.lock);
	ask_entry_set(waiter.entry, "a", 1);
	ask_cache_end(waiter.cache, waiter.entry);
	/* Before the waiter comes to read it. */
	answer(waiter.cache, "2", "b");
	answer(waiter.cache, "3", "c");
	assert_string_equal(kept(waiter.cache), "1");
	(void)pthread_mutex_unlock(&waiter.lock);
	(void)pthread_join(thread, NULL);
	assert_int_equal(waiter.heard, 'a');
	answer(waiter.cache, "2", "b");
	assert_string_equal(kept(waiter.cache), "2");
	ask_cache_free(&waiter.cache);
}

static void all_who_wait_can_be_sent_away(void **state)
{
	struct waiter waiter = {.cache = ask_cache_new(1, 1000000),
	    .lock = PTHREAD_MUTEX_INITIALIZER};
	bool never = false;
	pthread_t thread;
	int64_t began;

	(void)state;
	start(&waiter, &thread);
	(void)pthread_mutex_lock(&waiter.lock);
	waiter.end = true;
	ask_cache_wake_all(waiter.cache);
	(void)pthread_mutex_unlock(&waiter.lock);
	(void)pthread_join(thread, NULL);
	assert_true(waiter.woken);
	assert_int_equal(waiter.heard, '\0');
	/* And one whose time is over goes by himself. */
	(void)pthread_mutex_lock(&waiter.lock);
	began = clock_mono_ms();
	ask_entry_wait(waiter.entry, &waiter.lock, 20, &never);
	assert_true(clock_mono_ms() - began >= 19);
	(void)pthread_mutex_unlock(&waiter.lock);
	ask_cache_end(waiter.cache, waiter.entry);
	ask_cache_free(&waiter.cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_longest_answered_go_first),
	    cmocka_unit_test(bytes_are_bounded_too),
	    cmocka_unit_test(what_is_asked_is_not_dropped),
	    cmocka_unit_test(
		who_waits_hears_the_answer_also_when_room_is_short),
	    cmocka_unit_test(all_who_wait_can_be_sent_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
