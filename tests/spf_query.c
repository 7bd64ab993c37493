/*
 * Asks mail/spf about queries in a world of its own, for conformance suites
 * and tests/differential.
 *
 *	spf_query ZONE.json --ip A --helo H [--from F] [--receiver R]
 *		prints one line of JSON: result, explanation (what the domain
 *		says with a fail, or null), reason (what decided), domain.
 *	spf_query < LINES
 *		each line {"zone": {...}, "queries": [{"ip", "helo", "from",
 *		"receiver"}, ...]} is answered by one such line a query.
 *
 * zone.h has the form of a zone.
 */
#include "zone.h"

#include "mail/spf.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So that %{t} is the same each time. */
#define NOW_S 1767225600

static const char *const result_names[] = {
    "none", "pass", "fail", "softfail", "neutral", "temperror", "permerror"};

static void print_outcome(const struct spf_outcome *outcome)
{
	json_t *line = json_pack("{s:s, s:s?, s:s, s:s, s:b}", "result",
	    result_names[outcome->result], "explanation", outcome->explanation,
	    "reason", outcome->reason, "domain", outcome->domain, "helo",
	    outcome->helo);

	if (line == NULL || json_dumpf(line, stdout, 0) != 0)
		abort();
	(void)putchar('\n');
	json_decref(line);
}

static const char *text_of(const json_t *query, const char *key)
{
	const json_t *value = json_object_get(query, key);

	return json_is_string(value) ? json_string_value(value) : "";
}

static bool answer(struct zone *zone, const json_t *query)
{
	struct lookup lookup = zone_lookup(zone);
	const char *ip = text_of(query, "ip");
	struct spf_query question = {.helo = text_of(query, "helo"),
	    .sender = text_of(query, "from"),
	    .receiver = text_of(query, "receiver"),
	    .now_s = NOW_S};
	struct arena *arena = arena_new();
	struct spf_outcome outcome;
	bool good = ip_parse(ip, strlen(ip), &question.ip);

	if (*question.receiver == '\0')
		question.receiver = NULL;
	if (good) {
		spf_check(&question, &lookup, arena, &outcome);
		print_outcome(&outcome);
	} else {
		(void)fprintf(stderr, "not an address: %s\n", ip);
	}
	arena_free(&arena);
	return good;
}

static bool answer_all(const json_t *names, const json_t *queries)
{
	struct zone *zone = zone_new();
	bool good = zone_add_json(zone, names);
	const json_t *query;
	size_t i;

	if (!good)
		(void)fprintf(stderr, "the zone is malformed\n");
	json_array_foreach(queries, i, query) good =
	    good && answer(zone, query);
	zone_free(&zone);
	return good;
}

static int answer_lines(void)
{
	json_error_t error;
	json_t *line;
	bool good = true;

	while (good &&
	       (line = json_loadf(stdin,
		    JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &error)) != NULL) {
		good = answer_all(json_object_get(line, "zone"),
		    json_object_get(line, "queries"));
		json_decref(line);
	}
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int answer_one(const char *path, int argc, char **argv)
{
	static const struct option options[] = {
	    {"ip", required_argument, NULL, 0},
	    {"helo", required_argument, NULL, 0},
	    {"from", required_argument, NULL, 0},
	    {"receiver", required_argument, NULL, 0}, {NULL, 0, NULL, 0}};
	json_t *names = json_load_file(path, JSON_ALLOW_NUL, NULL);
	json_t *query = json_object(), *queries = json_array();
	bool good = names != NULL;
	int index, option;

	while ((option = getopt_long(argc, argv, "", options, &index)) != -1)
		good = good && option == 0 &&
		       json_object_set_new(query, options[index].name,
			   json_string(optarg)) == 0;
	good = good && json_array_append(queries, query) == 0 &&
	       answer_all(names, queries);
	json_decref(query);
	json_decref(queries);
	json_decref(names);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (argc == 1)
		return answer_lines();
	if (argv[1][0] != '-')
		return answer_one(argv[1], argc - 1, argv + 1);
	(void)fprintf(stderr, "usage: spf_query ZONE.json --ip A --helo H "
			      "[--from F] [--receiver R], or lines of JSON\n");
	return 2;
}
