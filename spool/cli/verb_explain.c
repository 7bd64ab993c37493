#include "base/buf.h"
#include "base/errors.h"
#include "base/os.h"
#include "smtpd/explain.h"
#include "spool/cli/arguments.h"
#include "spool/cli/output.h"
#include "spool/cli/verbs.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK ((size_t)64 * 1024)

/* What is asked for, as it was written. */
struct wish {
	const char *ip, *helo, *sender, *recipient, *path;
};

struct telling {
	const struct cli *cli;
	bool refused;
};

/* --- the answer ------------------------------------------------------- */

static void tell_json(const char *stage, const char *check, const char *result,
    const char *saw, int64_t duration_ms)
{
	json_t *object = json_pack("{s:s, s:s, s:o, s:o, s:I}", "stage", stage,
	    "check", check, "result", output_json_text(result), "saw",
	    output_json_known(saw), "duration_ms", (json_int_t)duration_ms);

	output_json(&object);
}

static const char *action_name(enum verdict_action action)
{
	switch (action) {
	case VERDICT_ACCEPT:
		return "accept";
	case VERDICT_DEFER:
		return "defer";
	case VERDICT_REJECT:
		return "reject";
	}
	return NULL;
}

static void tell_verdict(
    const struct cli *cli, const char *stage, const struct verdict *verdict)
{
	bool accepts = verdict->action == VERDICT_ACCEPT;
	json_t *object;

	if (!cli->json && accepts) {
		(void)printf("%-8s  => accepted\n", stage);
		return;
	}
	if (!cli->json) {
		(void)printf("%-8s  => %d %s %s\n", stage, verdict->code,
		    verdict->enhanced, output_safe(verdict->text));
		return;
	}
	object = json_pack("{s:s, s:s}", "stage", stage, "verdict",
	    action_name(verdict->action));
	if (!accepts)
		(void)json_object_update_new(
		    object, json_pack("{s:i, s:s, s:s, s:o}", "code",
				verdict->code, "enhanced", verdict->enhanced,
				"reason", verdict->reason, "text",
				output_json_text(verdict->text)));
	output_json(&object);
}

static void tell(void *arg, const struct explained *explained)
{
	struct telling *telling = arg;
	const struct cli *cli = telling->cli;

	for (size_t i = 0; i < explained->findings->count; i++) {
		const struct check_finding *found =
		    &explained->findings->items[i];

		if (cli->json)
			tell_json(explained->stage, found->check, found->result,
			    found->saw, found->duration_ms);
		else
			(void)printf("%-8s  %-13s  %-9s  %4" PRId64 " ms  %s\n",
			    explained->stage, found->check, found->result,
			    found->duration_ms,
			    output_safe(found->saw == NULL ? "" : found->saw));
	}
	if (explained->verdict->action != VERDICT_ACCEPT)
		telling->refused = true;
	tell_verdict(cli, explained->stage, explained->verdict);
}

/* --- the question ----------------------------------------------------- */

/* With CRLF as SMTP would have it, also if the file has LF. */
static bool append_lines(struct buf *message, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool bare = data[i] == '\n' &&
			    (message->len == 0 ||
				message->data[message->len - 1] != '\r');

		if ((bare && !buf_append_char(message, '\r')) ||
		    !buf_append_char(message, data[i]))
			return false;
	}
	return true;
}

/* As much as is needed to see that it is too large. */
static bool read_file(const char *path, struct buf *message, struct error *err)
{
	char chunk[CHUNK];
	off_t at = 0;
	size_t got = 1;
	bool done = true, fits = true;
	int fd;

	if (!os_open(AT_FDCWD, path, O_RDONLY, 0, &fd, err))
		return cli_input_failed(err);
	for (; got > 0 && done && fits; at += (off_t)got) {
		done = os_pread(fd, chunk, sizeof(chunk), at, &got, err);
		fits = done && append_lines(message, chunk, got);
	}
	os_close(&fd);
	return done;
}

/* "local@domain", or as MAIL and RCPT have it, in angle brackets. */
static bool read_path(const char *text, struct address *address)
{
	size_t len = strlen(text), used;

	if (text[0] != '<')
		return address_parse_recipient(text, len, address);
	return address_parse_path(text, len, address, &used) && used == len;
}

/* As a session spells it. "" is the null sender, as "<>" is. */
static bool read_sender(const char *text, char out[ADDRESS_SIZE])
{
	struct address address = {.local_len = 0};

	if (text[0] != '\0' &&
	    (!read_path(text, &address) ||
		(address.domain_len == 0 && !address_is_null(&address))))
		return false;
	(void)address_format(&address, out);
	return true;
}

static bool read_query(const struct wish *wish, char sender[ADDRESS_SIZE],
    struct explain_query *query, struct error *err)
{
	*query = (struct explain_query){.helo = wish->helo, .sender = sender};
	if (!ip_parse(wish->ip, strlen(wish->ip), &query->ip))
		return error_set(
		    err, ERROR_PERMANENT, "--ip %s is no address", wish->ip);
	if (!read_sender(wish->sender, sender))
		return error_set(err, ERROR_PERMANENT,
		    "--from %s is no address", wish->sender);
	if (!read_path(wish->recipient, &query->recipient) ||
	    !address_is_recipient(&query->recipient))
		return error_set(err, ERROR_PERMANENT,
		    "--rcpt %s is no address", wish->recipient);
	return true;
}

/* --- the verb --------------------------------------------------------- */

static bool ask(struct cli *cli, struct settings *settings,
    const struct wish *wish, struct telling *telling, struct error *err)
{
	struct buf message =
	    buf_new(2 * cli->config->elektrine_queue_max_raw_bytes);
	struct services *services = NULL;
	char sender[ADDRESS_SIZE];
	struct explain_query query;
	struct source source;
	bool done =
	    read_query(wish, sender, &query, err) &&
	    (wish->path == NULL || read_file(wish->path, &message, err));

	if (done && wish->path != NULL) {
		source = source_memory(buf_text(&message), message.len);
		query.message = &source;
	}
	done = done && services_new(cli->spool, settings, &services, err) &&
	       explain(settings, services, &query, tell, telling, err);
	services_free(&services);
	buf_free(&message);
	return done;
}

static int run(struct cli *cli, const struct wish *wish)
{
	struct telling telling = {.cli = cli};
	struct settings *settings;
	struct error err;
	bool done;
	int code;

	/* There the list of our domains is kept. */
	if (cli->config->phoenix_domains_url != NULL &&
	    !cli_open(cli, SPOOL_READ, false, &code))
		return code;
	if (!settings_new(cli->config, &settings, &err))
		return cli_fail(&err);
	done = ask(cli, settings, wish, &telling, &err);
	cli->config = NULL;
	settings_release(&settings);
	if (!done)
		return cli_fail(&err);
	return telling.refused ? EXIT_FOUND : EXIT_SUCCESS;
}

int verb_explain(struct cli *cli, int argc, char **argv)
{
	struct wish wish = {.sender = NULL};
	const struct option options[] = {{"--ip", OPTION_TEXT, &wish.ip},
	    {"--helo", OPTION_TEXT, &wish.helo},
	    {"--from", OPTION_TEXT, &wish.sender},
	    {"--rcpt", OPTION_TEXT, &wish.recipient}};
	int count, code;

	if (!arguments_read(cli, argc, argv, options, 4, &count, &code))
		return code;
	if (count > 1 || wish.ip == NULL || wish.helo == NULL ||
	    wish.sender == NULL || wish.recipient == NULL)
		return cli_usage(cli, "explain wants --ip, --helo, --from and "
				      "--rcpt, and takes one file");
	wish.path = count == 1 ? argv[0] : NULL;
	cli_configure(cli);
	return run(cli, &wish);
}
