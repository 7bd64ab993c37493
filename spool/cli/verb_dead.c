/* Dead letters: list, show, requeue, drop, export. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/os.h"
#include "spool/cli/arguments.h"
#include "spool/cli/output.h"
#include "spool/cli/verbs.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 65536

/* What the verbs of `dead` have in common. */
struct choice {
	struct operator_filter filter;
	int64_t older;
	bool all;
	uint64_t limit;
	const char *to; /* export: a folder */
	struct id *ids;
	size_t id_count;
};

/* --- list ------------------------------------------------------------- */

static void tell(
    struct cli *cli, const struct operator_entry *entry, bool first)
{
	bool there = operator_has_file(cli->spool, &entry->id);
	json_t *object;

	if (cli->json) {
		object = output_entry_json(entry);
		(void)json_object_set_new(object, "file", json_boolean(there));
		output_json(&object);
		return;
	}
	if (first)
		(void)printf("%-26s  %-19s  %8s  %5s  %-18s  %s\n", "ID",
		    "DIED (UTC)", "SIZE", "TRIES", "REASON", "FROM -> TO");
	(void)printf("%s  %s  %8s  %5" PRIu32 "  %-18s  <%s> -> <%s>%s\n",
	    entry->id_text, output_time(entry->due_ms),
	    output_size(entry->size), entry->tries, output_safe(entry->reason),
	    output_safe(entry->sender), output_safe(entry->recipient),
	    there ? "" : "  (file removed by hand)");
}

static int list(struct cli *cli, const struct choice *choice)
{
	struct operator_list *list =
	    operator_list_new(cli->spool, &choice->filter, OPERATOR_BY_DEATH);
	const struct operator_entry *entry = NULL;
	struct error err = {0};
	uint64_t shown = 0;
	bool done = true;

	while (shown < choice->limit &&
	       (done = operator_list_next(list, &entry, &err)) && entry != NULL)
		tell(cli, entry, shown++ == 0);
	operator_list_free(&list);
	return done ? EXIT_SUCCESS : cli_fail(&err);
}

static int verb_dead_list(struct cli *cli, const struct choice *choice)
{
	int code;

	if (choice->all || choice->id_count > 0 || choice->to != NULL)
		return cli_usage(cli, "dead list takes options only");
	if (!cli_open(cli, SPOOL_READ, false, &code))
		return code;
	return list(cli, choice);
}

/* --- requeue, drop ---------------------------------------------------- */

static int act(
    struct cli *cli, const struct choice *choice, enum operator_verb verb)
{
	const struct operator_order order = {.verb = verb,
	    .who = CLI_WHO,
	    .ids = choice->ids,
	    .id_count = choice->id_count,
	    .filter = choice->filter};

	if (choice->to != NULL || choice->limit != UINT64_MAX)
		return cli_usage(cli, "--to and --limit have no place here");
	if (choice->all == (choice->id_count > 0))
		return cli_usage(cli, "name messages, or --all");
	return act_and_tell(cli, &order);
}

static int verb_dead_requeue(struct cli *cli, const struct choice *choice)
{
	return act(cli, choice, OPERATOR_REQUEUE);
}

static int verb_dead_drop(struct cli *cli, const struct choice *choice)
{
	return act(cli, choice, OPERATOR_DROP);
}

/* --- export ----------------------------------------------------------- */

static bool copy(struct message *message, int fd, struct error *err)
{
	struct source source = spool_message_source(message);
	static char chunk[CHUNK];
	size_t got;

	for (uint64_t at = 0; at < source.size; at += got) {
		if (!source_read(
			&source, at, chunk, sizeof(chunk), &got, err) ||
		    !os_write(fd, chunk, got, err))
			return false;
	}
	return true;
}

/* To folder/ID.eml, whole or not at all; to standard output without one. */
static bool export_message(struct cli *cli, const struct id *id,
    const char *name, int folder, struct error *err)
{
	struct message *message;
	struct error ignored;
	char path[64];
	bool done;
	int fd = -1;

	if (!spool_message_open(cli->spool, id, &message, err))
		return false;
	(void)snprintf(path, sizeof(path), "%.26s.eml", name);
	done = folder < 0 || os_open(folder, path, O_WRONLY | O_CREAT | O_EXCL,
				 0600, &fd, err);
	done = done && copy(message, folder < 0 ? STDOUT_FILENO : fd, err);
	if (fd >= 0 && !done)
		(void)os_unlink(folder, path, &ignored);
	os_close(&fd);
	spool_message_close(&message);
	return done;
}

struct exporting {
	struct cli *cli;
	int folder; /* -1: standard output */
	uint64_t done;
	int code;
};

static void export_one(
    struct exporting *exporting, const struct id *id, const char *name)
{
	struct cli *cli = exporting->cli;
	struct error err = {0};
	json_t *object;
	int code;

	if (!export_message(cli, id, name, exporting->folder, &err)) {
		code = cli_fail(&err);
		if (exporting->code < code)
			exporting->code = code;
		return;
	}
	exporting->done++;
	if (exporting->folder < 0)
		return;
	if (cli->json) {
		object = json_pack("{s:s, s:o}", "id", name, "file",
		    json_sprintf("%s.eml", name));
		output_json(&object);
	} else {
		output_progress("exported", exporting->done, 0);
	}
}

/* Each message once, however many of its recipients are dead: they follow
 * each other unless they died apart, and then its file is there already. */
static bool export_all(struct exporting *exporting,
    const struct operator_filter *filter, struct error *err)
{
	struct operator_list *list =
	    operator_list_new(exporting->cli->spool, filter, OPERATOR_BY_DEATH);
	const struct operator_entry *entry;
	bool done;

	while (
	    (done = operator_list_next(list, &entry, err)) && entry != NULL) {
		char path[64];

		(void)snprintf(path, sizeof(path), "%s.eml", entry->id_text);
		if (faccessat(exporting->folder, path, F_OK, 0) != 0)
			export_one(exporting, &entry->id, entry->id_text);
	}
	operator_list_free(&list);
	return done;
}

static int export(
    struct cli *cli, struct choice *choice, char **names, int folder)
{
	struct exporting exporting = {.cli = cli, .folder = folder};
	struct error err = {0};

	if (choice->all && !export_all(&exporting, &choice->filter, &err))
		return cli_fail(&err);
	for (size_t i = 0; i < choice->id_count; i++)
		export_one(&exporting, &choice->ids[i], names[i]);
	output_progress_end();
	if (folder >= 0 && !cli->json)
		(void)printf("exported: %s\n", output_count(exporting.done));
	return exporting.code;
}

static int verb_dead_export(
    struct cli *cli, struct choice *choice, char **names)
{
	struct error err = {0};
	int folder = -1, code;

	if (choice->to == NULL ? choice->id_count != 1 || choice->all
			       : choice->all == (choice->id_count > 0))
		return cli_usage(
		    cli, "name one message, or --to DIR and messages or --all");
	/* While we are still who was asked. */
	if (choice->to != NULL &&
	    !os_open(AT_FDCWD, choice->to, O_RDONLY | O_DIRECTORY, 0, &folder,
		&err)) {
		if (err.kind == ERROR_NOT_FOUND)
			err.kind = ERROR_CONFIG;
		return cli_fail(&err);
	}
	if (cli_open(cli, SPOOL_READ, false, &code))
		code = export(cli, choice, names, folder);
	os_close(&folder);
	return code;
}

/* ---------------------------------------------------------------------- */

static int dispatch(
    struct cli *cli, const char *what, struct choice *choice, char **names)
{
	if (strcmp(what, "list") == 0)
		return verb_dead_list(cli, choice);
	if (strcmp(what, "requeue") == 0)
		return verb_dead_requeue(cli, choice);
	if (strcmp(what, "drop") == 0)
		return verb_dead_drop(cli, choice);
	if (strcmp(what, "export") == 0)
		return verb_dead_export(cli, choice, names);
	return cli_usage(cli, "there is no `dead %s`", output_safe(what));
}

static int with_arguments(struct cli *cli, int argc, char **argv)
{
	struct choice choice = {.limit = UINT64_MAX};
	const struct option options[] = {
	    FILTER_OPTIONS(&choice.filter, &choice.older),
	    {"--reason", OPTION_TEXT, &choice.filter.reason},
	    {"--all", OPTION_FLAG, &choice.all},
	    {"--limit", OPTION_NUMBER, &choice.limit},
	    {"--to", OPTION_TEXT, &choice.to}};
	int count, code;

	if (!arguments_read(cli, argc, argv, options,
		sizeof(options) / sizeof(options[0]), &count, &code))
		return code;
	if (count == 0)
		return cli_usage(cli, "dead what?");
	if (choice.older > 0)
		choice.filter.received_before_ms =
		    clock_wall_ms() - choice.older;
	choice.ids = arguments_ids(cli, argv + 1, count - 1, &code);
	if (choice.ids == NULL)
		return code;
	choice.id_count = (size_t)count - 1;
	code = dispatch(cli, argv[0], &choice, argv + 1);
	free(choice.ids);
	return code;
}

int verb_dead(struct cli *cli, int argc, char **argv)
{
	if (argc > 0 && strcmp(argv[0], "show") == 0)
		return verb_show(cli, argc - 1, argv + 1);
	return with_arguments(cli, argc, argv);
}
