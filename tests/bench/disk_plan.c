#include "disk_plan.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const pattern_names[] = {
    "link", "rename", "recycle", "tmpfile", NULL};
const char *const flush_names[] = {
    "each", "started", "beside", "syncfs", "none", NULL};

void die(const char *format, ...)
{
	int code = errno;
	va_list args;

	va_start(args, format);
	fputs("disk_pattern: ", stderr);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "%s%s\n", code ? ": " : "", code ? strerror(code) : "");
	exit(74);
}

void must(bool ok, const char *what)
{
	if (!ok)
		die("%s", what);
}

static int choose(const char *word, const char *const *names)
{
	int i;

	for (i = 0; names[i] != NULL; i++)
		if (strcmp(word, names[i]) == 0)
			return i;
	errno = 0;
	die("unknown word '%s'", word);
}

static void usage(void)
{
	fputs("usage: disk_pattern [options] FOLDER\n"
	      "  --pattern link|rename|recycle|tmpfile\n"
	      "  --sync each|started|beside|syncfs|none\n"
	      "  --names-first   move the names, then sync\n"
	      "  --size BYTES --group N --creators N (0 = committer)\n"
	      "  --backlog N     remove old messages, keep N\n"
	      "  --reapers N     threads that remove\n"
	      "  --rotate N      use another tmp/<n> every N messages\n"
	      "  --rotated N     how many tmp/<n>; --spread: far apart\n"
	      "  --names N       names in new/ at the start\n"
	      "  --ahead MIB     write the index file's blocks beforehand\n"
	      "  --no-index      leave LMDB out\n"
	      "  --warm SECONDS --seconds SECONDS\n",
	    stderr);
	exit(2);
}

static const struct option options[] = {
    {"pattern", required_argument, NULL, 'p'},
    {"sync", required_argument, NULL, 'y'},
    {"size", required_argument, NULL, 's'},
    {"group", required_argument, NULL, 'g'},
    {"creators", required_argument, NULL, 'c'},
    {"backlog", required_argument, NULL, 'b'},
    {"reapers", required_argument, NULL, 'd'},
    {"rotate", required_argument, NULL, 'r'},
    {"rotated", required_argument, NULL, 'R'},
    {"spread", no_argument, NULL, 'S'},
    {"names", required_argument, NULL, 'n'},
    {"names-first", no_argument, NULL, 'f'},
    {"ahead", required_argument, NULL, 'a'},
    {"no-index", no_argument, NULL, 'I'},
    {"warm", required_argument, NULL, 'w'},
    {"seconds", required_argument, NULL, 't'},
    {NULL, 0, NULL, 0},
};

static unsigned number(
    const char *word, unsigned long least, unsigned long most)
{
	char *end;
	unsigned long value = strtoul(word, &end, 10);

	errno = 0;
	if (*end != '\0' || value < least || value > most)
		die("'%s' is not between %lu and %lu", word, least, most);
	return (unsigned)value;
}

/* The options that are numbers. */
static const struct {
	int option;
	size_t field;
	unsigned long least, most;
} numbers[] = {
    {'s', offsetof(struct plan, size), 1, 1u << 30},
    {'g', offsetof(struct plan, group), 1, MAX_GROUP},
    {'c', offsetof(struct plan, creators), 0, MAX_THREADS},
    {'b', offsetof(struct plan, backlog), 0, 1u << 24},
    {'d', offsetof(struct plan, reapers), 1, MAX_THREADS},
    {'r', offsetof(struct plan, rotate), 0, 1u << 24},
    {'R', offsetof(struct plan, rotated), 1, MAX_ROTATED},
    {'a', offsetof(struct plan, ahead), 0, 4096},
    {'n', offsetof(struct plan, names), 0, 1u << 24},
};

static bool take_number(struct plan *plan, int option, const char *word)
{
	unsigned value;
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (numbers[i].option != option)
			continue;
		value = number(word, numbers[i].least, numbers[i].most);
		memcpy((char *)plan + numbers[i].field, &value, sizeof(value));
		return true;
	}
	return false;
}

void plan_parse(struct plan *plan, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (take_number(plan, option, optarg))
			continue;
		if (option == 'p')
			plan->pattern =
			    (enum pattern)choose(optarg, pattern_names);
		else if (option == 'y')
			plan->flush = (enum flush)choose(optarg, flush_names);
		else if (option == 'w')
			plan->warm = strtod(optarg, NULL);
		else if (option == 't')
			plan->seconds = strtod(optarg, NULL);
		else if (option == 'S')
			plan->spread = true;
		else if (option == 'f')
			plan->names_first = true;
		else if (option == 'I')
			plan->index = false;
		else
			usage();
	}
	if (optind + 1 != argc)
		usage();
	if (plan->flush == FLUSH_BESIDE)
		plan->names_first = true;
	if (plan->backlog == 0)
		plan->reapers = 0;
	plan->folder = argv[optind];
}
