/* retry, hold, release, cancel; and what `dead` shares with them. */
#include "base/clock.h"
#include "spool/cli/arguments.h"
#include "spool/cli/output.h"
#include "spool/cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As a deed is called, once it is done and when it makes no sense. */
static const struct {
	const char *name, *done, *unsuited;
} words[] = {
    [OPERATOR_RETRY] = {"retry", "due now", "cannot be tried now"},
    [OPERATOR_HOLD] = {"hold", "held", "has nothing to hold"},
    [OPERATOR_RELEASE] = {"release", "released", "is not held"},
    [OPERATOR_CANCEL] = {"cancel", "cancelled", "cannot be cancelled"},
    [OPERATOR_REQUEUE] = {"requeue", "requeued", "is no dead letter"},
    [OPERATOR_DROP] = {"drop", "dropped", "is no dead letter"},
};

struct deed {
	const struct cli *cli;
	const struct operator_order *order;
	uint64_t done, failed, without_file;
};

static void tell_json(const struct deed *deed,
    const struct operator_entry *entry, enum operator_result result)
{
	json_t *object = json_pack("{s:s, s:s, s:s}", "id", entry->id_text,
	    "verb", words[deed->order->verb].name, "result",
	    operator_result_name(result));

	if (entry->recipients != 0) {
		(void)json_object_set_new(object, "recipient_number",
		    json_integer((json_int_t)entry->recipient_number));
		(void)json_object_set_new(
		    object, "recipient", output_json_text(entry->recipient));
		/* As it was before. */
		(void)json_object_set_new(object, "state",
		    json_string(delivery_state_name(entry->state)));
	}
	output_json(&object);
}

static void tell(const struct deed *deed, const struct operator_entry *entry,
    enum operator_result result)
{
	enum operator_verb verb = deed->order->verb;
	const char *to = output_safe(entry->recipient);

	switch (result) {
	case OPERATOR_DONE:
		(void)printf(
		    "%s  <%s>  %s\n", entry->id_text, to, words[verb].done);
		return;
	case OPERATOR_UNSUITED:
		(void)printf("%s  <%s>  %s: %s\n", entry->id_text, to,
		    words[verb].unsuited, delivery_state_name(entry->state));
		return;
	case OPERATOR_NO_FILE:
		(void)printf("%s  <%s>  its file was removed by hand\n",
		    entry->id_text, to);
		return;
	case OPERATOR_ENDING:
		(void)printf("%s  has just ended: try again in a moment\n",
		    entry->id_text);
		return;
	case OPERATOR_NOT_FOUND:
		(void)printf("%s  there is no such message\n", entry->id_text);
		return;
	}
}

static void on_acted(
    void *arg, const struct operator_entry *entry, enum operator_result result)
{
	struct deed *deed = arg;

	deed->done += result == OPERATOR_DONE;
	deed->failed += result != OPERATOR_DONE;
	deed->without_file += result == OPERATOR_NO_FILE;
	if (deed->cli->json)
		tell_json(deed, entry, result);
	else if (deed->order->id_count > 0 || result == OPERATOR_NO_FILE)
		tell(deed, entry, result);
	else
		output_progress(words[deed->order->verb].done, deed->done, 0);
}

int act_and_tell(struct cli *cli, const struct operator_order *order)
{
	struct deed deed = {.cli = cli, .order = order};
	struct error err = {0};
	int code;

	if (!cli_open(cli, SPOOL_OPERATE, false, &code))
		return code;
	if (!operator_act(cli->spool, order, on_acted, &deed, &err)) {
		if (deed.done > 0)
			(void)fprintf(stderr, "%s: %s, before it failed\n",
			    words[order->verb].done, output_count(deed.done));
		return cli_fail(&err);
	}
	output_progress_end();
	if (!cli->json && order->id_count == 0)
		(void)printf("%s: %s\n", words[order->verb].done,
		    output_count(deed.done));
	return deed.failed > 0 ? EXIT_FOUND : EXIT_SUCCESS;
}

/* The arguments that all of them take. Without `with_all` messages must be
 * named. */
static int act(struct cli *cli, int argc, char **argv, enum operator_verb verb,
    bool with_all)
{
	struct operator_order order = {.verb = verb, .who = CLI_WHO};
	bool all = false;
	int64_t older = 0;
	const struct option options[] = {FILTER_OPTIONS(&order.filter, &older),
	    {"--all", OPTION_FLAG, &all}};
	size_t option_count =
	    sizeof(options) / sizeof(options[0]) - (with_all ? 0 : 1);
	struct id *ids;
	int count, code;

	if (!arguments_read(
		cli, argc, argv, options, option_count, &count, &code))
		return code;
	if (all == (count > 0))
		return cli_usage(cli, "%s",
		    with_all ? "name messages, or --all" : "name messages");
	if (older > 0)
		order.filter.received_before_ms = clock_wall_ms() - older;
	ids = arguments_ids(cli, argv, count, &code);
	if (ids == NULL)
		return code;
	order.ids = ids;
	order.id_count = (size_t)count;
	code = act_and_tell(cli, &order);
	free(ids);
	return code;
}

int verb_retry(struct cli *cli, int argc, char **argv)
{
	return act(cli, argc, argv, OPERATOR_RETRY, true);
}

int verb_hold(struct cli *cli, int argc, char **argv)
{
	return act(cli, argc, argv, OPERATOR_HOLD, true);
}

int verb_release(struct cli *cli, int argc, char **argv)
{
	return act(cli, argc, argv, OPERATOR_RELEASE, true);
}

int verb_cancel(struct cli *cli, int argc, char **argv)
{
	return act(cli, argc, argv, OPERATOR_CANCEL, false);
}
