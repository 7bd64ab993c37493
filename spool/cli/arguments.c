#include "spool/cli/arguments.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/number.h"
#include "spool/cli/output.h"
#include "spool/id.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- values ----------------------------------------------------------- */

static bool read_age(const char *text, int64_t *age)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = {{'s', 1000}, {'m', 60 * 1000}, {'h', 60 * 60 * 1000},
	    {'d', 24 * 60 * 60 * INT64_C(1000)}};
	uint64_t number;

	if (!number_take(&text, INT_MAX, &number) || text[0] == '\0' ||
	    text[1] != '\0')
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].unit == text[0]) {
			*age = (int64_t)number * units[i].ms;
			return true;
		}
	}
	return false;
}

static bool read_time(const char *text, int64_t *wall_ms)
{
	int64_t age;

	if (!read_age(text, &age))
		return clock_parse_iso(text, wall_ms);
	*wall_ms = clock_wall_ms() - age;
	return true;
}

static bool read_value(const struct option *option, const char *text)
{
	struct operator_filter *filter = option->value;

	switch (option->kind) {
	case OPTION_FLAG:
		*(bool *)option->value = true;
		return true;
	case OPTION_TEXT:
		*(const char **)option->value = text;
		return true;
	case OPTION_NUMBER:
		return number_parse(text, INT64_MAX, option->value);
	case OPTION_AGE:
		return read_age(text, option->value);
	case OPTION_TIME:
		return read_time(text, option->value);
	case OPTION_STATE:
		filter->by_state = true;
		return delivery_state_parse(text, &filter->state);
	case OPTION_LANE:
		return lane_parse(text, &filter->lane);
	}
	return false;
}

/* --- options ---------------------------------------------------------- */

/* The value of "--name=value", or NULL. Whether the argument is this option. */
static bool is_option(
    const char *argument, const char *name, const char **value)
{
	size_t len = strlen(name);

	if (strncmp(argument, name, len) != 0)
		return false;
	*value = argument[len] == '=' ? argument + len + 1 : NULL;
	return argument[len] == '\0' || argument[len] == '=';
}

static const struct option *find_option(const struct option *options,
    size_t count, const char *argument, const char **value)
{
	for (size_t i = 0; i < count; i++) {
		if (is_option(argument, options[i].name, value))
			return &options[i];
	}
	return NULL;
}

static void print_help(const struct cli *cli)
{
	const struct verb *verb = cli->verb;

	(void)printf("usage: elektrine-spool [--spool DIR] [--json] %s%s%s\n"
		     "\n"
		     "%s.\n",
	    verb->name, verb->arguments[0] != '\0' ? " " : "", verb->arguments,
	    verb->what);
	if (verb->more != NULL)
		(void)printf("\n%s", verb->more);
}

struct reading {
	struct cli *cli;
	int argc, at;
	char **argv;
	const struct option *options;
	size_t option_count;
	int *code;
};

/* One option, and its value wherever that stands. */
static bool read_option(struct reading *reading)
{
	const struct option common[] = {
	    {"--spool", OPTION_TEXT, &reading->cli->dir},
	    {"--json", OPTION_FLAG, &reading->cli->json}};
	const char *argument = reading->argv[reading->at++], *value = NULL;
	const struct option *option = find_option(
	    reading->options, reading->option_count, argument, &value);

	if (option == NULL)
		option = find_option(common, 2, argument, &value);
	if (option == NULL) {
		*reading->code =
		    cli_usage(reading->cli, "there is no option %s", argument);
		return false;
	}
	if (option->kind != OPTION_FLAG && value == NULL &&
	    reading->at < reading->argc)
		value = reading->argv[reading->at++];
	if ((option->kind == OPTION_FLAG) == (value == NULL) &&
	    read_value(option, value))
		return true;
	*reading->code = cli_usage(reading->cli, "%s: %s%s", option->name,
	    value == NULL ? "a value is missing" : "not a right value: ",
	    value == NULL ? "" : value);
	return false;
}

bool arguments_read(struct cli *cli, int argc, char **argv,
    const struct option *options, size_t option_count, int *count, int *code)
{
	struct reading reading = {.cli = cli,
	    .argc = argc,
	    .argv = argv,
	    .options = options,
	    .option_count = option_count,
	    .code = code};
	bool options_end = false;

	*count = 0;
	while (reading.at < argc) {
		char *argument = argv[reading.at];

		if (options_end || argument[0] != '-' || argument[1] == '\0') {
			argv[(*count)++] = argument;
			reading.at++;
		} else if (strcmp(argument, "--") == 0) {
			options_end = true;
			reading.at++;
		} else if (strcmp(argument, "--help") == 0 ||
			   strcmp(argument, "-h") == 0) {
			print_help(cli);
			*code = EXIT_SUCCESS;
			return false;
		} else if (!read_option(&reading)) {
			return false;
		}
	}
	return true;
}

struct id *arguments_ids(
    const struct cli *cli, char **argv, int count, int *code)
{
	struct id *ids = xcalloc((size_t)count + 1, sizeof(*ids));

	for (int i = 0; i < count; i++) {
		if (id_parse(argv[i], &ids[i]))
			continue;
		*code = cli_usage(
		    cli, "%s is not the id of a message", output_safe(argv[i]));
		free(ids);
		return NULL;
	}
	return ids;
}
