#include "spool/cli/arguments.h"
#include "spool/cli/output.h"
#include "spool/cli/verbs.h"

#include "base/errors.h"
#include "mail/trace_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 65536

struct showing {
	bool raw, headers, envelope;
};

static const char *const spam_names[] = {
    [SPAM_UNKNOWN] = "unknown", [SPAM_HAM] = "ham", [SPAM_SPAM] = "spam"};

/* --- its bytes -------------------------------------------------------- */

/* How many of the bytes are header, the empty line included; len if the header
 * goes on. `state` counts the line ends just seen, over chunks. */
static size_t header_len(const char *bytes, size_t len, unsigned *state)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n' && ++*state == 2)
			return i + 1;
		if (bytes[i] != '\n' && bytes[i] != '\r')
			*state = 0;
	}
	return len;
}

static bool print_bytes(
    struct message *message, bool only_header, struct error *err)
{
	struct source source = spool_message_source(message);
	static char chunk[CHUNK];
	unsigned state = 1; /* an empty first line ends a header, too */
	uint64_t at = 0;
	size_t got, len;

	do {
		if (!source_read(&source, at, chunk, sizeof(chunk), &got, err))
			return false;
		len = only_header ? header_len(chunk, got, &state) : got;
		if (fwrite(chunk, 1, len, stdout) != len)
			return error_errno(err, "cannot write");
		at += got;
	} while (got > 0 && len == got && (!only_header || state < 2));
	return true;
}

/* --- its envelope ----------------------------------------------------- */

static json_t *checks_json(const struct check_results *checks)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:f, s:f, s:o, s:o}",
	    "spf", auth_result_name(checks->spf), "dkim",
	    auth_result_name(checks->dkim), "dmarc",
	    auth_result_name(checks->dmarc), "arc",
	    auth_result_name(checks->arc), "aligned", (int)checks->aligned,
	    "spam_status", spam_names[checks->spam], "spam_score",
	    checks->spam_score, "spam_threshold", checks->spam_threshold,
	    "spam_status_header", output_json_text(checks->spam_status_header),
	    "spam_report", output_json_text(checks->spam_report));
}

static json_t *envelope_json(const struct envelope *envelope)
{
	json_t *recipients = json_array();

	for (size_t i = 0; i < envelope->recipient_count; i++) {
		const struct recipient *to = &envelope->recipients[i];

		(void)json_array_append_new(
		    recipients, json_pack("{s:o, s:s, s:o, s:o, s:i}",
				    "address", output_json_text(to->address),
				    "lane", lane_name(to->lane), "destination",
				    output_json_text(to->destination), "orcpt",
				    output_json_text(to->orcpt), "notify",
				    (int)to->notify));
	}
	return json_pack(
	    "{s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:b, s:b, s:o, s:o, s:o, "
	    "s:o, s:o, s:o}",
	    "sender", output_json_text(envelope->sender), "client_ip",
	    output_json_text(envelope->client_ip), "client_name",
	    output_json_text(envelope->client_name), "helo",
	    output_json_text(envelope->helo), "protocol",
	    output_json_text(envelope->protocol), "tls",
	    output_json_text(envelope->tls), "authenticated",
	    (int)envelope->authenticated, "auth_user",
	    output_json_text(envelope->auth_user), "smtputf8",
	    (int)envelope->smtputf8, "eight_bit", (int)envelope->eight_bit,
	    "envid", output_json_text(envelope->envid), "ret",
	    output_json_text(envelope->ret), "message_id",
	    output_json_text(envelope->message_id), "imported_id",
	    output_json_text(envelope->imported_id), "checks",
	    checks_json(&envelope->checks), "recipients", recipients);
}

static void print_field(const char *name, const char *value)
{
	if (value != NULL && value[0] != '\0')
		(void)printf("%-12s  %s\n", name, output_safe(value));
}

static void print_envelope(const struct envelope *envelope)
{
	const struct check_results *checks = &envelope->checks;

	print_field("client name", envelope->client_name);
	print_field("protocol", envelope->protocol);
	print_field("tls", envelope->tls);
	print_field("envid", envelope->envid);
	print_field("ret", envelope->ret);
	print_field("was", envelope->imported_id);
	(void)printf("%-12s  spf=%s dkim=%s dmarc=%s arc=%s aligned=%s\n",
	    "checks", auth_result_name(checks->spf),
	    auth_result_name(checks->dkim), auth_result_name(checks->dmarc),
	    auth_result_name(checks->arc), checks->aligned ? "yes" : "no");
	(void)printf("%-12s  %s, %.1f of %.1f\n", "spam",
	    spam_names[checks->spam], checks->spam_score,
	    checks->spam_threshold);
	for (size_t i = 0; i < envelope->recipient_count; i++)
		print_field("orcpt", envelope->recipients[i].orcpt);
}

/* --- its rows --------------------------------------------------------- */

static void print_message(const struct operator_entry *entry)
{
	(void)printf("%-12s  %s\n", "id", entry->id_text);
	(void)printf(
	    "%-12s  %s UTC\n", "received", output_time(entry->received_ms));
	(void)printf("%-12s  <%s>\n", "from", output_safe(entry->sender));
	(void)printf("%-12s  %s\n", "size", output_size(entry->size));
	print_field("message-id", entry->message_id);
	print_field("client", entry->client_ip);
	print_field("helo", entry->helo);
	print_field("user", entry->user);
}

static void print_delivery(const struct operator_entry *entry)
{
	bool waits =
	    entry->state == STATE_QUEUED || entry->state == STATE_DEFERRED;

	(void)printf("%-12s  %u <%s>  %s", "delivery", entry->recipient_number,
	    output_safe(entry->recipient), delivery_state_name(entry->state));
	if (waits)
		(void)printf(", next try %s", output_until(entry->due_ms));
	if (entry->state == STATE_DEAD)
		(void)printf(" since %s", output_time(entry->due_ms));
	if (entry->tries > 0)
		(void)printf(", tried %u times", (unsigned)entry->tries);
	if (entry->reason[0] != '\0')
		(void)printf("; %s", output_safe(entry->reason));
	if (entry->status != 0)
		(void)printf(" (%d)", entry->status);
	if (entry->answer[0] != '\0')
		(void)printf(": %s", output_safe(entry->answer));
	(void)putchar('\n');
}

static json_t *message_json(const struct operator_entry *entry)
{
	return json_pack("{s:s, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:[]}", "id",
	    entry->id_text, "received", output_json_time(entry->received_ms),
	    "from", output_json_text(entry->sender), "size",
	    (json_int_t)entry->size, "message_id",
	    output_json_known(entry->message_id), "client_ip",
	    output_json_known(entry->client_ip), "helo",
	    output_json_known(entry->helo), "user",
	    output_json_known(entry->user), "deliveries");
}

/* Prints them, or gathers them in *object. *found: whether there are any. */
static bool tell_rows(struct cli *cli, const struct id *id, bool *found,
    json_t **object, struct error *err)
{
	struct operator_filter filter = {.id = id};
	struct operator_list *list =
	    operator_list_new(cli->spool, &filter, OPERATOR_OLDEST_FIRST);
	const struct operator_entry *entry;
	bool done;

	*found = false;
	while (
	    (done = operator_list_next(list, &entry, err)) && entry != NULL) {
		if (cli->json) {
			if (!*found)
				*object = message_json(entry);
			(void)json_array_append_new(
			    json_object_get(*object, "deliveries"),
			    output_entry_json(entry));
		} else {
			if (!*found)
				print_message(entry);
			print_delivery(entry);
		}
		*found = true;
	}
	operator_list_free(&list);
	return done;
}

/* ---------------------------------------------------------------------- */

static int not_found(const char *id)
{
	(void)fprintf(stderr, "elektrine-spool: there is no message %s\n", id);
	return EXIT_FOUND;
}

/* What the index says, then what the file says. */
static int show_rows(
    struct cli *cli, const char *name, const struct id *id, bool with_envelope)
{
	struct message *message = NULL;
	json_t *object = NULL;
	struct error err = {0};
	bool found, readable;

	if (!tell_rows(cli, id, &found, &object, &err))
		return cli_fail(&err);
	if (!found)
		return not_found(name);
	readable = spool_message_open(cli->spool, id, &message, &err);
	if (readable && with_envelope) {
		const struct envelope *envelope =
		    spool_message_envelope(message);

		if (cli->json)
			(void)json_object_set_new(
			    object, "envelope", envelope_json(envelope));
		else
			print_envelope(envelope);
	}
	spool_message_close(&message);
	if (cli->json) {
		(void)json_object_set_new(
		    object, "readable", json_boolean(readable));
		output_json(&object);
	}
	if (readable)
		return EXIT_SUCCESS;
	if (err.kind == ERROR_NOT_FOUND)
		(void)error_set(
		    &err, ERROR_CORRUPT, "the file of %s is gone", name);
	return cli_fail(&err);
}

static int show_bytes(struct cli *cli, const struct id *id, bool only_header)
{
	struct message *message;
	struct error err = {0};
	bool done;

	if (!spool_message_open(cli->spool, id, &message, &err))
		return cli_fail(&err);
	done = print_bytes(message, only_header, &err);
	spool_message_close(&message);
	return done ? EXIT_SUCCESS : cli_fail(&err);
}

int verb_show(struct cli *cli, int argc, char **argv)
{
	struct showing showing = {0};
	const struct option options[] = {{"--raw", OPTION_FLAG, &showing.raw},
	    {"--headers", OPTION_FLAG, &showing.headers},
	    {"--envelope", OPTION_FLAG, &showing.envelope}};
	struct id *id;
	int count, code;

	if (!arguments_read(cli, argc, argv, options, 3, &count, &code))
		return code;
	if (count != 1 || showing.raw + showing.headers + showing.envelope > 1)
		return cli_usage(cli, "show takes one id and one option");
	id = arguments_ids(cli, argv, count, &code);
	if (id == NULL)
		return code;
	if (cli_open(cli, SPOOL_READ, false, &code))
		code = showing.raw || showing.headers
			   ? show_bytes(cli, id, showing.headers)
			   : show_rows(cli, argv[0], id, showing.envelope);
	free(id);
	return code;
}
