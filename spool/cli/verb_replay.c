#include "spool/cli/arguments.h"
#include "spool/cli/output.h"
#include "spool/cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>

struct replay {
	const struct cli *cli;
	const struct operator_replay_order *order;
	uint64_t done, failed;
};

static const char *sentence(
    const struct replay *replay, enum operator_result result)
{
	switch (result) {
	case OPERATOR_DONE:
		return replay->order->dry_run ? "would be posted again"
					      : "is due again";
	case OPERATOR_UNSUITED:
		return "is in the spool already, or was not delivered to such "
		       "a recipient";
	case OPERATOR_NO_FILE:
		return "is damaged";
	case OPERATOR_ENDING:
		return "has just ended: try again in a moment";
	case OPERATOR_NOT_FOUND:
		break;
	}
	return "is not kept (KEEP_DELIVERED)";
}

static void tell_json(
    const struct operator_entry *entry, enum operator_result result)
{
	json_t *object = json_pack("{s:s, s:s, s:s}", "id", entry->id_text,
	    "verb", "replay", "result", operator_result_name(result));

	if (entry->recipients != 0) {
		(void)json_object_set_new(object, "recipient_number",
		    json_integer((json_int_t)entry->recipient_number));
		(void)json_object_set_new(
		    object, "recipient", output_json_text(entry->recipient));
	}
	output_json(&object);
}

static void on_replayed(
    void *arg, const struct operator_entry *entry, enum operator_result result)
{
	struct replay *replay = arg;
	bool named = replay->order->id_count > 0 || replay->order->dry_run;

	replay->done += result == OPERATOR_DONE;
	/* Of a time, what is in the queue already needs nothing. */
	replay->failed +=
	    result != OPERATOR_DONE && (named || result != OPERATOR_UNSUITED);
	if (replay->cli->json)
		tell_json(entry, result);
	else if (named ||
		 (result != OPERATOR_DONE && result != OPERATOR_UNSUITED))
		(void)printf("%s  <%s>  %s\n", entry->id_text,
		    output_safe(entry->recipient), sentence(replay, result));
	else
		output_progress("replayed", replay->done, 0);
}

static int run(struct cli *cli, const struct operator_replay_order *order)
{
	struct replay replay = {.cli = cli, .order = order};
	struct error err = {0};
	int code;

	if (!cli_open(
		cli, order->dry_run ? SPOOL_READ : SPOOL_OPERATE, false, &code))
		return code;
	if (!operator_replay(cli->spool, order, on_replayed, &replay, &err))
		return cli_fail(&err);
	output_progress_end();
	if (!cli->json && order->id_count == 0)
		(void)printf("%s: %s\n",
		    order->dry_run ? "would be replayed" : "replayed",
		    output_count(replay.done));
	return replay.failed > 0 ? EXIT_FOUND : EXIT_SUCCESS;
}

int verb_replay(struct cli *cli, int argc, char **argv)
{
	struct operator_replay_order order = {.who = CLI_WHO};
	struct operator_filter lane = {.lane = 0};
	int64_t since = -1;
	const struct option options[] = {{"--since", OPTION_TIME, &since},
	    {"--until", OPTION_TIME, &order.until_ms},
	    {"--rcpt", OPTION_TEXT, &order.recipient},
	    {"--lane", OPTION_LANE, &lane},
	    {"--dry-run", OPTION_FLAG, &order.dry_run}};
	struct id *ids;
	int count, code;

	if (!arguments_read(cli, argc, argv, options,
		sizeof(options) / sizeof(options[0]), &count, &code))
		return code;
	if ((since >= 0) == (count > 0))
		return cli_usage(cli, "name messages, or --since");
	ids = arguments_ids(cli, argv, count, &code);
	if (ids == NULL)
		return code;
	order.lane = lane.lane;
	order.since_ms = since;
	order.ids = ids;
	order.id_count = (size_t)count;
	code = run(cli, &order);
	free(ids);
	return code;
}
