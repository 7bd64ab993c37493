#include "spool/cli/arguments.h"
#include "spool/cli/output.h"
#include "spool/cli/verbs.h"

#include <inttypes.h>
#include <stdio.h>

enum verdict { VERDICT_OK, VERDICT_WARNING, VERDICT_CRITICAL, VERDICT_UNKNOWN };

static const char *const names[] = {"ok", "warning", "critical", "unknown"};

static enum verdict judge(
    const struct config *config, uint64_t waiting, uint64_t dead)
{
	if (dead >= config->dlq_crit_threshold)
		return VERDICT_CRITICAL;
	if (waiting >= config->queue_warn_threshold)
		return VERDICT_WARNING;
	return VERDICT_OK;
}

static void tell(const struct cli *cli, enum verdict verdict, uint64_t waiting,
    uint64_t dead)
{
	static const char *const words[] = {"OK", "WARNING", "CRITICAL"};
	json_t *object;

	if (!cli->json) {
		(void)printf("%s: %" PRIu64 " deliveries wait (warning at "
			     "%u), %" PRIu64 " dead letters (critical at %u)\n",
		    words[verdict], waiting, cli->config->queue_warn_threshold,
		    dead, cli->config->dlq_crit_threshold);
		return;
	}
	object = json_pack("{s:s, s:I, s:i, s:I, s:i}", "verdict",
	    names[verdict], "waiting", (json_int_t)waiting, "warn_at",
	    (int)cli->config->queue_warn_threshold, "dead", (json_int_t)dead,
	    "critical_at", (int)cli->config->dlq_crit_threshold);
	output_json(&object);
}

int verb_check_queues(struct cli *cli, int argc, char **argv)
{
	struct operator_status status;
	struct error err = {0};
	uint64_t waiting, dead;
	enum verdict verdict;
	int count, code;

	if (!arguments_read(cli, argc, argv, NULL, 0, &count, &code))
		return code;
	if (count > 0)
		return cli_usage(cli, "check-queues takes no argument");
	if (!cli_open(cli, SPOOL_READ, false, &code))
		return VERDICT_UNKNOWN;
	if (!operator_status(cli->spool, &status, &err)) {
		(void)cli_fail(&err);
		return VERDICT_UNKNOWN;
	}
	waiting = operator_waiting(&status);
	dead = operator_dead(&status);
	verdict = judge(cli->config, waiting, dead);
	tell(cli, verdict, waiting, dead);
	return (int)verdict;
}
