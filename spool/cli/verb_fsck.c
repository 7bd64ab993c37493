#include "spool/cli/arguments.h"
#include "spool/cli/findings.h"
#include "spool/cli/output.h"
#include "spool/cli/verbs.h"
#include "spool/fsck.h"

#include <stdio.h>
#include <stdlib.h>

static void on_progress(
    void *arg, const char *what, uint64_t done, uint64_t total)
{
	(void)arg;
	output_progress(what, done, total);
}

static void tell(const struct cli *cli, const struct fsck_report *report)
{
	json_t *object;

	if (cli->json) {
		object = json_pack("{s:I, s:I, s:I, s:I, s:o, s:I, s:I}",
		    "messages", (json_int_t)report->messages, "bytes",
		    (json_int_t)report->bytes, "files",
		    (json_int_t)report->files, "kept", (json_int_t)report->kept,
		    "findings", findings_counts(report->found), "found",
		    (json_int_t)report->found_all, "repaired",
		    (json_int_t)report->repaired_all);
		output_json(&object);
		return;
	}
	(void)printf("%s messages (%s) and %s files checked: ",
	    output_count(report->messages), output_size(report->bytes),
	    output_count(report->files));
	if (report->found_all == 0)
		(void)printf("nothing is wrong\n");
	else
		(void)printf("%s found, %s repaired\n",
		    output_count(report->found_all),
		    output_count(report->repaired_all));
}

int verb_fsck(struct cli *cli, int argc, char **argv)
{
	struct fsck_options options = {
	    .found = findings_tell, .progress = on_progress, .arg = cli};
	const struct option known[] = {
	    {"--repair", OPTION_FLAG, &options.repair}};
	struct fsck_report report;
	struct error err = {0};
	int count, code;

	if (!arguments_read(cli, argc, argv, known, 1, &count, &code))
		return code;
	if (count > 0)
		return cli_usage(cli, "fsck takes options only");
	if (!cli_open(cli, SPOOL_OPERATE, true, &code))
		return code;
	if (!fsck_run(cli->spool, &options, &report, &err))
		return cli_fail(&err);
	output_progress_end();
	tell(cli, &report);
	return report.found_all > 0 ? EXIT_FOUND : EXIT_SUCCESS;
}
