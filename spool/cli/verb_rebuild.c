#include "spool/cli/arguments.h"
#include "spool/cli/findings.h"
#include "spool/cli/output.h"
#include "spool/cli/verbs.h"
#include "spool/rebuild.h"

#include <stdio.h>
#include <stdlib.h>

static void on_progress(void *arg, uint64_t files, uint64_t guess)
{
	(void)arg;
	output_progress("files", files, guess);
}

static void print_report(const struct rebuild_report *report)
{
	(void)printf("%s messages (%s) from %s files",
	    output_count(report->messages), output_size(report->bytes),
	    output_count(report->files));
	for (int state = 0; state < STATE_COUNT; state++) {
		if (report->deliveries[state] > 0)
			(void)printf(", %s %s",
			    output_count(report->deliveries[state]),
			    delivery_state_name((enum delivery_state)state));
	}
	(void)printf("; %s files set aside\n", output_count(report->set_aside));
	(void)printf("%s\n",
	    report->old_read
		? "what files cannot tell came from the old index"
		: "the old index could not be read: attempts begin again");
}

static void tell(const struct cli *cli, const struct rebuild_report *report)
{
	json_t *object, *states = json_object();

	for (int state = 0; state < STATE_COUNT; state++)
		(void)json_object_set_new(states,
		    delivery_state_name((enum delivery_state)state),
		    json_integer((json_int_t)report->deliveries[state]));
	object = json_pack("{s:I, s:I, s:I, s:o, s:I, s:I, s:b, s:o}",
	    "messages", (json_int_t)report->messages, "bytes",
	    (json_int_t)report->bytes, "files", (json_int_t)report->files,
	    "deliveries", states, "carried_over", (json_int_t)report->carried,
	    "set_aside", (json_int_t)report->set_aside, "old_index_read",
	    (int)report->old_read, "findings", findings_counts(report->found));
	if (cli->json)
		output_json(&object);
	else
		print_report(report);
	json_decref(object);
}

/* What an operator should look at before mail flows again. */
static bool has_losses(const struct rebuild_report *report)
{
	static const enum finding_kind kinds[] = {
	    FINDING_LOST, FINDING_DAMAGED, FINDING_STATUS};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (report->found[kinds[i]] > 0)
			return true;
	}
	return false;
}

int verb_rebuild(struct cli *cli, int argc, char **argv)
{
	const struct rebuild_options options = {
	    .found = findings_tell, .progress = on_progress, .arg = cli};
	struct rebuild_report report;
	struct error err = {0};
	int count, code;

	if (!arguments_read(cli, argc, argv, NULL, 0, &count, &code))
		return code;
	if (count > 0)
		return cli_usage(cli, "rebuild takes no argument");
	if (!cli_open(cli, SPOOL_EXCLUSIVE, false, &code))
		return code;
	if (!spool_rebuild(cli->spool, &options, &report, &err))
		return cli_fail(&err);
	output_progress_end();
	tell(cli, &report);
	return has_losses(&report) ? EXIT_FOUND : EXIT_SUCCESS;
}
