#include "base/errors.h"
#include "deliver/payload_file.h"
#include "deliver/payload_settings.h"
#include "spool/cli/arguments.h"
#include "spool/cli/output.h"
#include "spool/cli/verbs.h"
#include "spool/id.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define CHUNK 65536

/* What is asked for; the addresses may be NULL. */
struct wish {
	const char *recipient, *sender;
};

static bool print_payload(struct payload *payload, struct error *err)
{
	static char chunk[CHUNK];
	size_t got;

	do {
		if (!payload_read(payload, chunk, sizeof(chunk), &got, err))
			return false;
		if (fwrite(chunk, 1, got, stdout) != got)
			return error_errno(err, "cannot write");
	} while (got > 0);
	(void)putchar('\n');
	return true;
}

/* --- of a message in the spool ---------------------------------------- */

/* The recipient's number; one that the message has not is `other`. */
static unsigned choose_recipient(
    struct envelope *envelope, const char *wanted, struct recipient *other)
{
	if (wanted == NULL)
		return 0;
	for (unsigned i = 0; i < envelope->recipient_count; i++) {
		if (strcasecmp(envelope->recipients[i].address, wanted) == 0)
			return i;
	}
	*other = (struct recipient){.address = wanted, .lane = LANE_WEBHOOK};
	envelope->recipients = other;
	envelope->recipient_count = 1;
	return 0;
}

static bool of_message(struct cli *cli, const struct id *id,
    const struct wish *wish, const struct payload_settings *settings,
    struct error *err)
{
	struct payload_options options;
	struct payload *payload = NULL;
	struct recipient other;
	struct message *message;
	struct envelope envelope;
	struct source source;
	unsigned recipient;
	bool done;

	if (!spool_message_open(cli->spool, id, &message, err))
		return false;
	envelope = *spool_message_envelope(message);
	if (wish->sender != NULL)
		envelope.sender = wish->sender;
	recipient = choose_recipient(&envelope, wish->recipient, &other);
	source = spool_message_source(message);
	options = payload_settings_for(settings, &envelope);
	done = payload_new(
		   &source, &envelope, recipient, &options, &payload, err) &&
	       print_payload(payload, err);
	payload_free(&payload);
	spool_message_close(&message);
	return done;
}

/* --- of a file -------------------------------------------------------- */

static bool of_file(const char *path, const struct wish *wish,
    const struct payload_settings *settings, struct error *err)
{
	/* Of its client nothing is known. */
	const struct envelope unknown = {0};
	struct payload_options options =
	    payload_settings_for(settings, &unknown);
	struct payload *payload = NULL;
	struct payload_file *file;
	bool done;

	if (!payload_file_open(path, wish->sender, wish->recipient, &file, err))
		return cli_input_failed(err);
	done = payload_file_payload(file, &options, &payload, err) &&
	       print_payload(payload, err);
	payload_free(&payload);
	payload_file_close(&file);
	return done;
}

/* ---------------------------------------------------------------------- */

static int print(struct cli *cli, const char *subject, const struct wish *wish)
{
	struct payload_settings *settings;
	struct error err = {0};
	struct id id;
	bool of_id = id_parse(subject, &id), done;
	int code;

	if (of_id && !cli_open(cli, SPOOL_READ, false, &code))
		return code;
	settings = payload_settings_new(cli->config);
	done = of_id ? of_message(cli, &id, wish, settings, &err)
		     : of_file(subject, wish, settings, &err);
	payload_settings_free(&settings);
	return done ? EXIT_SUCCESS : cli_fail(&err);
}

int verb_payload(struct cli *cli, int argc, char **argv)
{
	struct wish wish = {0};
	const struct option options[] = {
	    {"--rcpt", OPTION_TEXT, &wish.recipient},
	    {"--from", OPTION_TEXT, &wish.sender}};
	int count, code;

	if (!arguments_read(cli, argc, argv, options, 2, &count, &code))
		return code;
	if (count != 1)
		return cli_usage(cli, "payload takes one id or file");
	cli_configure(cli);
	return print(cli, argv[0], &wish);
}
