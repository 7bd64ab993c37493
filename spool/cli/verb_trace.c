#include "spool/cli/arguments.h"
#include "spool/cli/output.h"
#include "spool/cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Messages whose stories are told unless more are wanted; and the most. */
#define LIMIT_STORIES 100
#define LIMIT_MOST_STORIES 10000

struct telling {
	const struct cli *cli;
	struct id last;
	bool begun;
};

static bool is_one_of(const char *key, const char *const *keys)
{
	for (; *keys != NULL; keys++) {
		if (strcmp(key, *keys) == 0)
			return true;
	}
	return false;
}

/* Fields that have a place of their own in a line, or none; and those that
 * the first line has told. */
static bool is_placed(const char *key, bool accepted)
{
	static const char *const placed[] = {"ts", "id", "event",
	    "recipient_number", "recipient", "received", NULL};
	static const char *const origin[] = {
	    "from", "ip", "helo", "user", "message_id", "size", NULL};

	return is_one_of(key, placed) || (!accepted && is_one_of(key, origin));
}

static const char *text_of(json_t *line, const char *key)
{
	const char *text = json_string_value(json_object_get(line, key));

	return text == NULL ? "" : output_safe(text);
}

static void print_rest(json_t *line, bool accepted)
{
	const char *key;
	json_t *value;

	json_object_foreach(line, key, value)
	{
		if (is_placed(key, accepted))
			continue;
		if (json_is_string(value))
			(void)printf("  %s=%s", key,
			    output_safe(json_string_value(value)));
		else if (json_is_integer(value))
			(void)printf("  %s=%" JSON_INTEGER_FORMAT, key,
			    json_integer_value(value));
	}
	(void)putchar('\n');
}

static void print_begin(json_t *line)
{
	const char *ts = text_of(line, "ts");

	if (strlen(ts) < strlen("2026-01-31T12:34:56"))
		ts = "0000-00-00T00:00:00";
	(void)printf("  %.10s %.8s  ", ts, ts + 11);
	(void)printf("%-10s", text_of(line, "event"));
}

/* What the checks said: a line for each. */
static void print_checks(json_t *line, json_t *checks)
{
	json_t *check;
	size_t i;

	json_array_foreach(checks, i, check)
	{
		print_begin(line);
		(void)printf("  %-13s", text_of(check, "check"));
		(void)printf("  %-9s", text_of(check, "result"));
		(void)printf("  %s", text_of(check, "saw"));
		(void)printf("  (%" JSON_INTEGER_FORMAT " ms)\n",
		    json_integer_value(json_object_get(check, "duration_ms")));
	}
}

static void print_line(const char *json, size_t len)
{
	json_t *line = json_loadb(json, len, 0, NULL);
	json_t *checks = json_object_get(line, "checks");
	const char *recipient;

	if (checks != NULL) {
		print_checks(line, checks);
		json_decref(line);
		return;
	}
	print_begin(line);
	recipient = text_of(line, "recipient");
	if (recipient[0] != '\0')
		(void)printf("  <%s>", recipient);
	print_rest(line, strcmp(text_of(line, "event"), "accepted") == 0);
	json_decref(line);
}

static void on_line(
    void *arg, const struct id *id, const char *json, size_t len)
{
	struct telling *telling = arg;

	if (telling->cli->json) {
		(void)printf("%.*s\n", (int)len, json);
		return;
	}
	if (!telling->begun || memcmp(&telling->last, id, sizeof(*id)) != 0) {
		json_t *line = json_loadb(json, len, 0, NULL);

		(void)printf(
		    "%s%s\n", telling->begun ? "\n" : "", text_of(line, "id"));
		json_decref(line);
	}
	telling->begun = true;
	telling->last = *id;
	print_line(json, len);
}

static int tell(struct cli *cli, const char *subject, uint64_t most)
{
	struct telling telling = {.cli = cli};
	struct operator_told told;
	struct error err = {0};

	if (!operator_trace(cli->spool, subject, (size_t)most, on_line,
		&telling, &told, &err))
		return cli_fail(&err);
	if (told.damaged > 0)
		(void)fprintf(stderr,
		    "elektrine-spool: %s lines of the history are damaged\n",
		    output_count(told.damaged));
	if (told.more)
		(void)fprintf(stderr,
		    "elektrine-spool: only the latest %s messages are shown: "
		    "--limit\n",
		    output_count(told.stories));
	if (told.stories > 0)
		return EXIT_SUCCESS;
	(void)fprintf(stderr, "elektrine-spool: nothing is known of %s\n",
	    output_safe(subject));
	return EXIT_FOUND;
}

int verb_trace(struct cli *cli, int argc, char **argv)
{
	uint64_t most = LIMIT_STORIES;
	const struct option options[] = {{"--limit", OPTION_NUMBER, &most}};
	int count, code;

	if (!arguments_read(cli, argc, argv, options, 1, &count, &code))
		return code;
	if (count != 1 || argv[0][0] == '\0')
		return cli_usage(cli, "trace takes one argument");
	if (most == 0 || most > LIMIT_MOST_STORIES)
		return cli_usage(cli, "--limit: 1 to %d", LIMIT_MOST_STORIES);
	if (!cli_open(cli, SPOOL_READ, false, &code))
		return code;
	return tell(cli, argv[0], most);
}
