#include "base/clock.h"
#include "spool/cli/arguments.h"
#include "spool/cli/output.h"
#include "spool/cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>

static const enum lane lanes[] = {LANE_WEBHOOK, LANE_SMTP};
/* The states that a status counts. */
static const enum delivery_state states[] = {
    STATE_QUEUED, STATE_DEFERRED, STATE_CLAIMED, STATE_HELD, STATE_DEAD};

#define LANES (sizeof(lanes) / sizeof(lanes[0]))
#define STATES (sizeof(states) / sizeof(states[0]))

static bool takes_mail(const struct operator_status *status)
{
	return status->free_bytes >= status->floor_bytes;
}

/* --- for people ------------------------------------------------------- */

static void print_circuit(void *arg, const struct operator_circuit *circuit)
{
	(void)arg;
	(void)printf("circuit       %s %s is open since %s: %s; next probe "
		     "%s\n",
	    lane_name(circuit->lane), output_safe(circuit->destination),
	    output_time(circuit->opened_ms), output_safe(circuit->reason),
	    output_until(circuit->probe_ms));
}

static void print_counts(const struct operator_status *status)
{
	(void)printf("%-14s", "");
	for (size_t i = 0; i < LANES; i++)
		(void)printf("%14s", lane_name(lanes[i]));
	(void)putchar('\n');
	for (size_t s = 0; s < STATES; s++) {
		(void)printf("%-14s", delivery_state_name(states[s]));
		for (size_t i = 0; i < LANES; i++)
			(void)printf("%14s",
			    output_count(
				status->deliveries[lanes[i]][states[s]]));
		(void)putchar('\n');
	}
}

static void print_status(
    const struct cli *cli, const struct operator_status *status)
{
	(void)printf("spool         %s\n", output_safe(cli->dir));
	(void)printf("messages      %s, %s", output_count(status->messages),
	    output_size(status->bytes));
	if (status->oldest_ms != 0)
		(void)printf("; the oldest waits for %s",
		    output_span(clock_wall_ms() - status->oldest_ms));
	(void)printf("\nroom          %s free, %s are kept: mail is %s\n",
	    output_size(status->free_bytes), output_size(status->floor_bytes),
	    takes_mail(status) ? "taken" : "refused (452)");
	(void)printf("programs      %u take part, %u of them deliver\n",
	    status->writers, status->agents);
	(void)printf("since made    %s accepted, %s delivered, %s died, %s "
		     "cancelled\n",
	    output_count(status->accepted), output_count(status->delivered),
	    output_count(status->died), output_count(status->cancelled));
}

/* --- for programs ----------------------------------------------------- */

static void add_circuit(void *arg, const struct operator_circuit *circuit)
{
	(void)json_array_append_new(
	    arg, json_pack("{s:s, s:o, s:o, s:o, s:o}", "lane",
		     lane_name(circuit->lane), "destination",
		     output_json_text(circuit->destination), "reason",
		     output_json_text(circuit->reason), "since",
		     output_json_time(circuit->opened_ms), "probe",
		     output_json_time(circuit->probe_ms)));
}

static json_t *counts_json(const struct operator_status *status)
{
	json_t *counts = json_object(), *lane;

	for (size_t i = 0; i < LANES; i++) {
		lane = json_object();
		for (size_t s = 0; s < STATES; s++)
			(void)json_object_set_new(lane,
			    delivery_state_name(states[s]),
			    json_integer(
				(json_int_t)
				    status->deliveries[lanes[i]][states[s]]));
		(void)json_object_set_new(counts, lane_name(lanes[i]), lane);
	}
	return counts;
}

static json_t *status_json(
    const struct cli *cli, const struct operator_status *status)
{
	return json_pack("{s:o, s:I, s:I, s:o, s:I, s:I, s:b, s:i, s:i, s:I, "
			 "s:I, s:I, s:I, s:o}",
	    "spool", output_json_text(cli->dir), "messages",
	    (json_int_t)status->messages, "bytes", (json_int_t)status->bytes,
	    "oldest", output_json_time(status->oldest_ms), "free_bytes",
	    (json_int_t)status->free_bytes, "min_free_bytes",
	    (json_int_t)status->floor_bytes, "takes_mail", takes_mail(status),
	    "writers", (int)status->writers, "agents", (int)status->agents,
	    "accepted", (json_int_t)status->accepted, "delivered",
	    (json_int_t)status->delivered, "died", (json_int_t)status->died,
	    "cancelled", (json_int_t)status->cancelled, "lanes",
	    counts_json(status));
}

/* ---------------------------------------------------------------------- */

static bool tell(
    struct cli *cli, const struct operator_status *status, struct error *err)
{
	json_t *object, *circuits;

	if (!cli->json) {
		print_status(cli, status);
		if (!operator_circuits(cli->spool, print_circuit, NULL, err))
			return false;
		print_counts(status);
		return true;
	}
	object = status_json(cli, status);
	circuits = json_array();
	(void)json_object_set_new(object, "circuits", circuits);
	if (!operator_circuits(cli->spool, add_circuit, circuits, err)) {
		json_decref(object);
		return false;
	}
	output_json(&object);
	return true;
}

int verb_status(struct cli *cli, int argc, char **argv)
{
	struct operator_status status;
	struct error err = {0};
	int count, code;

	if (!arguments_read(cli, argc, argv, NULL, 0, &count, &code))
		return code;
	if (count > 0)
		return cli_usage(cli, "status takes no argument");
	if (!cli_open(cli, SPOOL_READ, false, &code))
		return code;
	if (!operator_status(cli->spool, &status, &err) ||
	    !tell(cli, &status, &err))
		return cli_fail(&err);
	return EXIT_SUCCESS;
}
