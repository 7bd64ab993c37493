#include "query_lines.h"

#include "mail/trace_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int query_result(const char *name)
{
	for (int i = AUTH_NONE; i <= AUTH_PERMERROR; i++)
		if (strcmp(auth_result_name((enum auth_result)i), name) == 0)
			return i;
	return -1;
}

const char *query_text(const json_t *object, const char *key, const char *other)
{
	const json_t *value = json_object_get(object, key);

	return json_is_string(value) ? json_string_value(value) : other;
}

static bool answer_one(
    struct zone *zone, const json_t *query, answer_fn *answer)
{
	struct lookup lookup = zone_lookup(zone);
	struct arena *arena = arena_new();
	json_t *line = answer(&lookup, query, arena);
	bool good = line != NULL && json_dumpf(line, stdout, 0) == 0;

	(void)putchar('\n');
	json_decref(line);
	arena_free(&arena);
	if (!good)
		(void)fprintf(stderr, "a query is malformed\n");
	return good;
}

static bool answer_all(
    const json_t *names, const json_t *queries, answer_fn *answer)
{
	struct zone *zone = zone_new();
	bool good = zone_add_json(zone, names);
	const json_t *query;
	size_t i;

	if (!good)
		(void)fprintf(stderr, "the zone is malformed\n");
	json_array_foreach(queries, i, query) good =
	    good && answer_one(zone, query, answer);
	zone_free(&zone);
	return good;
}

static bool answer_lines(answer_fn *answer)
{
	json_t *line;
	bool good = true;

	while (good &&
	       (line = json_loadf(stdin,
		    JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL)) != NULL) {
		good = answer_all(json_object_get(line, "zone"),
		    json_object_get(line, "queries"), answer);
		json_decref(line);
	}
	return good;
}

static bool answer_argument(
    const char *path, const char *text, answer_fn *answer)
{
	json_t *names = json_load_file(path, JSON_ALLOW_NUL, NULL);
	json_t *query = json_loads(text, JSON_ALLOW_NUL, NULL);
	json_t *queries = json_array();
	bool good = json_array_append(queries, query) == 0 &&
		    answer_all(names, queries, answer);

	json_decref(queries);
	json_decref(query);
	json_decref(names);
	return good;
}

int query_lines(int argc, char **argv, answer_fn *answer)
{
	bool good = argc == 3 ? answer_argument(argv[1], argv[2], answer)
			      : argc == 1 && answer_lines(answer);

	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
