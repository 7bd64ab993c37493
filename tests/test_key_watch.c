#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "smtpd/key_watch.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* How often it was told since the last time. */
static unsigned told(int log)
{
	char text[4096];
	ssize_t len = pread(log, text, sizeof(text) - 1, 0);
	unsigned times = 0;

	assert_true(len >= 0);
	text[len] = '\0';
	for (const char *at = text;
	     (at = strstr(at, "\"phoenix_key_refused\"")) != NULL; at++)
		times++;
	assert_int_equal(ftruncate(log, 0), 0);
	assert_int_equal(lseek(log, 0, SEEK_SET), 0);
	return times;
}

static void a_refused_key_is_told_once_a_minute(void **state)
{
	static const struct {
		int64_t at_ms;
		int status;
		unsigned told;
	} rows[] = {
	    {0, 500, 0},
	    {0, 401, 1},
	    {59999, 401, 0},
	    /* Of several that answer, one may have another key. */
	    {59999, 200, 0},
	    {59999, 401, 0},
	    {60000, 401, 1},
	    {119999, 401, 0},
	    {119999, 0, 0},
	    {999999, 403, 0},
	    {999999, 401, 1},
	};
	struct key_watch watch = {0};
	int log = memfd_create("log", MFD_CLOEXEC);

	(void)state;
	assert_true(log >= 0);
	log_to_fd(log);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct phoenix_answer answer = {.status = rows[i].status};

		clock_set_for_test(-1, rows[i].at_ms);
		assert_int_equal(key_watch_refused(&watch, "verify", &answer),
		    rows[i].status == 401);
		assert_int_equal(told(log), rows[i].told);
	}
	clock_set_for_test(-1, -1);
	log_to_fd(1);
	(void)close(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_refused_key_is_told_once_a_minute),
	};

	log_open("test", LOG_INFO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
