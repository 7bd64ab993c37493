/*
 * Programs that ask a check about queries in a world of its own, for
 * conformance suites and tests/differential:
 *
 *	PROGRAM < LINES
 *		each line {"zone": {...}, "queries": [...]} (zone.h) is
 *		answered by one line of JSON a query
 *	PROGRAM ZONE.json QUERY
 *		one query, as JSON
 */
#ifndef TESTS_QUERY_LINES_H
#define TESTS_QUERY_LINES_H

#include "zone.h"

#include <stdbool.h>

/* The answer, a new object; NULL if the query is malformed. */
typedef json_t *answer_fn(
    const struct lookup *lookup, const json_t *query, struct arena *arena);

/* main(). */
int query_lines(int argc, char **argv, answer_fn *answer);

/* A string of an object, or `other`. */
const char *query_text(
    const json_t *object, const char *key, const char *other);

/* An enum auth_result, from its name; -1 if it is none. */
int query_result(const char *name);

#endif
