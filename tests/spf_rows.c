#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spf_rows.h"

#include "mail/spf.h"
#include "zone.h"

#include <string.h>

static const char *or_else(const char *text, const char *other)
{
	return text == NULL ? other : text;
}

static void check_row(const struct row *row, size_t number)
{
	const char *ip = or_else(row->ip, "192.0.2.1");
	struct spf_query query = {.helo = or_else(row->helo, "h.test"),
	    .sender = or_else(row->sender, "s@e.test"),
	    .receiver = "mx.our.test",
	    .now_s = 1234567890};
	struct arena *arena = arena_new();
	struct zone *zone = zone_new();
	struct lookup lookup = zone_lookup(zone);
	struct spf_outcome outcome;

	assert_true(ip_parse(ip, strlen(ip), &query.ip));
	assert_true(zone_add_text(zone, row->zone));
	spf_check(&query, &lookup, arena, &outcome);
	if (outcome.result != row->result ||
	    strcmp(or_else(outcome.explanation, "-"),
		or_else(row->explanation, "-")) != 0)
		fail_msg("row %zu: %s\nis %d, %s, by %s", number, row->zone,
		    (int)outcome.result, or_else(outcome.explanation, "-"),
		    outcome.reason);
	assert_true(outcome.result == AUTH_FAIL || !outcome.explanation);
	zone_free(&zone);
	arena_free(&arena);
}

void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_row(&rows[i], i);
}
