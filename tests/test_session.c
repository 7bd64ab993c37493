#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bounds.h"
#include "smtpd/data.h"
#include "smtpd/session.h"
#include "smtpd/worker.h"

static struct config config = {.smtp_data_timeout_ms = 180000};
static struct settings settings = {.config = &config};
static struct worker worker = {.settings = &settings};

static void content_without_progress_is_too_slow(void **state)
{
	struct session session = {.connection = {.worker = &worker},
	    .data_ms = 1000,
	    .since_ms = 500000,
	    .data_wire = UINT64_C(1) << 40};

	(void)state;
	assert_false(data_is_too_slow(&session, 500000 + 179999));
	assert_true(data_is_too_slow(&session, 500000 + 180000));
}

static void content_has_a_floor_of_speed_after_its_grace(void **state)
{
	struct session session = {
	    .connection = {.worker = &worker}, .data_ms = 1000};
	int64_t end_ms = session.data_ms + LIMIT_DATA_GRACE_MS;

	(void)state;
	session.since_ms = end_ms;
	session.data_wire = 0;
	assert_false(data_is_too_slow(&session, end_ms - 1));
	session.data_wire = 60 * LIMIT_DATA_SPEED - 1;
	assert_true(data_is_too_slow(&session, end_ms));
	session.data_wire = 60 * LIMIT_DATA_SPEED;
	assert_false(data_is_too_slow(&session, end_ms));
	assert_true(data_is_too_slow(&session, end_ms + 1000));
}

static void over_80_percent_is_crowded(void **state)
{
	struct limiter_rules rules = {.connections = 0};
	struct ip home = {{[15] = 1}};

	(void)state;
	worker.limiter = limiter_new();
	config.smtp_max_connections = 10;
	for (int i = 0; i < 8; i++)
		(void)limiter_admit(worker.limiter, &rules, &home, 0);
	assert_false(worker_is_crowded(&worker));
	(void)limiter_admit(worker.limiter, &rules, &home, 0);
	assert_true(worker_is_crowded(&worker));
	config.smtp_max_connections = 0;
	assert_false(worker_is_crowded(&worker));
	limiter_free(&worker.limiter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(over_80_percent_is_crowded),
	    cmocka_unit_test(content_without_progress_is_too_slow),
	    cmocka_unit_test(content_has_a_floor_of_speed_after_its_grace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
