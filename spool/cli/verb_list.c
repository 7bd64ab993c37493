#include "base/clock.h"
#include "spool/cli/arguments.h"
#include "spool/cli/output.h"
#include "spool/cli/verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *next_try(const struct operator_entry *entry)
{
	return entry->state == STATE_QUEUED || entry->state == STATE_DEFERRED
		   ? output_until(entry->due_ms)
		   : "-";
}

static void print_entry(const struct operator_entry *entry)
{
	(void)printf("%s  %s  %8s  %-9s  %5" PRIu32
		     "  %-10s  <%s> -> <%s>%s%s\n",
	    entry->id_text, output_time(entry->received_ms),
	    output_size(entry->size), delivery_state_name(entry->state),
	    entry->tries, next_try(entry), output_safe(entry->sender),
	    output_safe(entry->recipient), entry->reason[0] != '\0' ? "  " : "",
	    output_safe(entry->reason));
}

static void tell(
    const struct cli *cli, const struct operator_entry *entry, bool first)
{
	json_t *object;

	if (cli->json) {
		object = output_entry_json(entry);
		output_json(&object);
		return;
	}
	if (first)
		(void)printf("%-26s  %-19s  %8s  %-9s  %5s  %-10s  %s\n", "ID",
		    "RECEIVED (UTC)", "SIZE", "STATE", "TRIES", "NEXT",
		    "FROM -> TO, LAST FAILURE");
	print_entry(entry);
}

static int list(
    struct cli *cli, const struct operator_filter *filter, uint64_t limit)
{
	struct operator_list *list =
	    operator_list_new(cli->spool, filter, OPERATOR_OLDEST_FIRST);
	const struct operator_entry *entry = NULL;
	struct error err = {0};
	uint64_t shown = 0;
	bool done = true;

	while (shown < limit &&
	       (done = operator_list_next(list, &entry, &err)) && entry != NULL)
		tell(cli, entry, shown++ == 0);
	operator_list_free(&list);
	return done ? EXIT_SUCCESS : cli_fail(&err);
}

int verb_list(struct cli *cli, int argc, char **argv)
{
	struct operator_filter filter = {0};
	uint64_t limit = UINT64_MAX;
	int64_t older = 0;
	const struct option options[] = {{"--state", OPTION_STATE, &filter},
	    {"--limit", OPTION_NUMBER, &limit},
	    FILTER_OPTIONS(&filter, &older)};
	int count, code;

	if (!arguments_read(cli, argc, argv, options,
		sizeof(options) / sizeof(options[0]), &count, &code))
		return code;
	if (count > 0)
		return cli_usage(cli, "list takes options only");
	if (older > 0)
		filter.received_before_ms = clock_wall_ms() - older;
	if (!cli_open(cli, SPOOL_READ, false, &code))
		return code;
	return list(cli, &filter, limit);
}
