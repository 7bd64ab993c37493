#include "spool/rebuild.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/os.h"
#include "spool/events.h"
#include "spool/id.h"
#include "spool/message.h"
#include "spool/rebuild_old.h"
#include "spool/rebuild_states.h"
#include "spool/unlinker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW "index.new"
#define WRITERS "queue/tmp"
/* Messages in one transaction. */
#define BATCH 500

struct rebuild {
	struct spool *spool;
	const struct rebuild_options *options;
	struct rebuild_report *report;
	struct old_index old;
	struct index *index; /* the new one */
	struct index_txn *txn;
	struct counters counters;
	struct history *history;
	struct arena *arena; /* of one message */
	int64_t now_ms;
	/* The batch: its messages, and names to drop once others are safe. */
	unsigned count;
	struct tasks leave;
	bool failed;
	struct error *err;
};

static void found(struct rebuild *rebuild, enum finding_kind kind,
    const struct id *id, const char *format, ...) PRINTF_LIKE(4, 5);

static void found(struct rebuild *rebuild, enum finding_kind kind,
    const struct id *id, const char *format, ...)
{
	struct finding finding = {.kind = kind, .recipient = -1};
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	finding.text = text;
	finding.repaired = kind != FINDING_FOREIGN && kind != FINDING_LOST;
	if (id != NULL)
		id_format(id, finding.id);
	rebuild->report->found[kind]++;
	rebuild->options->found(rebuild->options->arg, &finding);
}

/* --- batches ---------------------------------------------------------- */

static bool begin_batch(struct rebuild *rebuild, struct error *err)
{
	rebuild->count = 0;
	tasks_clear(&rebuild->leave);
	return index_write_begin(rebuild->index, &rebuild->txn, err);
}

static bool commit_batch(struct rebuild *rebuild, struct error *err)
{
	const struct maildirs *dirs = &rebuild->spool->maildirs;

	counters_put(rebuild->txn, &rebuild->counters);
	if (!history_flush(rebuild->history, err) ||
	    (rebuild->leave.count > 0 &&
		(!maildir_sync(dirs, BOX_QUEUE, err) ||
		    !maildir_sync(dirs, BOX_DEAD, err)))) {
		index_abort(&rebuild->txn);
		return false;
	}
	unlink_files(dirs, rebuild->leave.items, rebuild->leave.count);
	return index_commit(&rebuild->txn, err);
}

/* --- one message ------------------------------------------------------ */

/* The file is no message that could be delivered. Its other name, if it has
 * one, is met later. */
static bool set_aside(
    struct rebuild *rebuild, int folder, const char *name, struct error *err)
{
	rebuild->report->set_aside++;
	return maildir_set_aside(&rebuild->spool->maildirs, folder, name, err);
}

/* The file lies where its deliveries say that it should. */
static bool place(struct rebuild *rebuild, const struct message_rows *rows,
    const struct rebuild_evidence *evidence, const char *id, struct error *err)
{
	const struct maildirs *dirs = &rebuild->spool->maildirs;
	bool live = rows->message.live > 0, dead = rows->message.dead > 0;
	unsigned unneeded =
	    (evidence->in_queue && !live ? BOX_BIT(BOX_QUEUE) : 0U) |
	    (evidence->in_dead && !dead ? BOX_BIT(BOX_DEAD) : 0U);

	if ((live && !maildir_link(dirs, BOX_DEAD, BOX_QUEUE, id, err)) ||
	    (dead && !maildir_link(dirs, BOX_QUEUE, BOX_DEAD, id, err)))
		return false;
	if (unneeded != 0)
		tasks_add(&rebuild->leave, &rows->id, unneeded, 0);
	if (unneeded != 0 || (live && !evidence->in_queue) ||
	    (dead && !evidence->in_dead))
		found(rebuild, FINDING_NAME, &rows->id,
		    "its file was not where it should be");
	return true;
}

static void copy_story(struct rebuild *rebuild, const struct id *id)
{
	struct key prefix = message_key(id);

	old_index_copy(
	    &rebuild->old, TABLE_EVENT, key_bytes(&prefix), rebuild->txn);
}

static void put(struct rebuild *rebuild, const struct message_rows *rows)
{
	message_rows_put(rebuild->txn, rows, &rebuild->counters);
	for (unsigned i = 0; i < rows->message.recipients; i++)
		rebuild->report->deliveries[rows->deliveries[i].state]++;
	rebuild->report->messages++;
	rebuild->report->bytes += rows->message.size;
	rebuild->count++;
}

/* Queued, deferred and claimed are one to those who compare. */
static enum delivery_state kind_of(enum delivery_state state)
{
	return state == STATE_DEFERRED || state == STATE_CLAIMED ? STATE_QUEUED
								 : state;
}

static void compare(struct rebuild *rebuild, const struct message_rows *rows,
    const struct message_rows *old)
{
	if (old == NULL) {
		if (rebuild->old.sound[TABLE_MESSAGE] &&
		    rebuild->old.sound[TABLE_DELIVERY])
			found(rebuild, FINDING_ROWS, &rows->id,
			    "the old index did not know it");
		return;
	}
	for (unsigned i = 0; i < rows->message.recipients; i++) {
		enum delivery_state now = rows->deliveries[i].state, was;

		if (i >= old->message.recipients ||
		    old->deliveries[i].address == NULL) {
			found(rebuild, FINDING_ROWS, &rows->id,
			    "the old index did not know its recipient %u", i);
			continue;
		}
		was = old->deliveries[i].state;
		if (kind_of(was) != kind_of(now))
			found(rebuild, FINDING_ROWS, &rows->id,
			    "recipient %u was %s, and is %s", i,
			    delivery_state_name(was), delivery_state_name(now));
	}
}

static bool add_message(struct rebuild *rebuild, struct message *message,
    int folder, const char *name, struct error *err)
{
	const struct envelope *envelope = spool_message_envelope(message);
	struct rebuild_evidence evidence = {.status = message_status(message)};
	struct message_rows rows, old;
	char id[ID_TEXT + 1];
	unsigned names, unclear;

	id_format(&envelope->id, id);
	names = maildir_names(&rebuild->spool->maildirs, id);
	evidence.in_queue = (names & BOX_BIT(BOX_QUEUE)) != 0;
	evidence.in_dead = (names & BOX_BIT(BOX_DEAD)) != 0;
	if (old_index_message(
		&rebuild->old, &envelope->id, rebuild->arena, &old))
		evidence.old = &old;
	message_rows_make(
	    &rows, envelope, message_file_size(message), rebuild->arena);
	rebuild->report->carried +=
	    rebuild_decide(&rows, &evidence, rebuild->now_ms, &unclear);
	if (unclear > 0)
		found(rebuild, FINDING_STATUS, &envelope->id,
		    "%u of its status bytes are damaged: its recipients count "
		    "as queued",
		    unclear);
	if (rows.message.live == 0 && rows.message.dead == 0) {
		found(rebuild, FINDING_ORPHAN, &envelope->id,
		    "it was finished, and its file still there");
		return set_aside(rebuild, folder, name, err);
	}
	compare(rebuild, &rows, evidence.old);
	if (!place(rebuild, &rows, &evidence, id, err))
		return false;
	copy_story(rebuild, &rows.id);
	put(rebuild, &rows);
	return true;
}

/* --- one file --------------------------------------------------------- */

static bool is_known(struct rebuild *rebuild, const struct id *id)
{
	struct message_row row;

	return message_get(rebuild->txn, id, &row);
}

/* A dead writer's folder still has this name. */
static bool was_in_flight(const struct spool *spool, const char *name)
{
	int fd =
	    openat(spool->root, WRITERS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool found_name = false;
	char path[256];

	if (dir == NULL) {
		os_close(&fd);
		return false;
	}
	while (!found_name && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), WRITERS "/%.40s/%.26s",
		    entry->d_name, name);
		found_name = faccessat(spool->root, path, F_OK,
				 AT_SYMLINK_NOFOLLOW) == 0;
	}
	(void)closedir(dir);
	return found_name;
}

/* Its writer was about to get it committed, and the old index, which would
 * have it otherwise, has not. */
static bool was_never_acknowledged(
    struct rebuild *rebuild, const struct id *id, const char *name)
{
	struct message_row row;

	return rebuild->old.sound[TABLE_MESSAGE] &&
	       !message_get(rebuild->old.txn, id, &row) &&
	       was_in_flight(rebuild->spool, name);
}

/* The file as a message of ours, whole and right. */
static struct message *open_message(
    struct rebuild *rebuild, int folder, const char *name, struct error *err)
{
	struct message *message;
	int fd;

	if (!os_open(folder, name, O_RDONLY, 0, &fd, err) ||
	    !message_open_fd(fd, &message, err))
		return NULL;
	if (!message_verify(message, rebuild->spool->key, err))
		spool_message_close(&message);
	return message;
}

/* Under a name that is no id: left alone, unless it is ours and has lost its
 * own. */
static bool take_foreign(struct rebuild *rebuild, enum box box, int folder,
    const char *name, struct error *err)
{
	const struct maildirs *dirs = &rebuild->spool->maildirs;
	struct message *message = open_message(rebuild, folder, name, err);
	const struct envelope *envelope;
	char id[ID_TEXT + 1];
	bool done = true;

	if (message == NULL) {
		found(rebuild, FINDING_FOREIGN, NULL,
		    "the file %s in %s is not of this spool", name,
		    box_name(box));
		return true;
	}
	envelope = spool_message_envelope(message);
	id_format(&envelope->id, id);
	if (is_known(rebuild, &envelope->id) || maildir_names(dirs, id) != 0) {
		found(rebuild, FINDING_FOREIGN, &envelope->id,
		    "the file %s in %s is a copy of it", name, box_name(box));
	} else {
		found(rebuild, FINDING_MISNAMED, &envelope->id,
		    "its file in %s was called %s", box_name(box), name);
		done = os_rename(folder, name, dirs->fresh[box], id, err) &&
		       add_message(rebuild, message, dirs->fresh[box], id, err);
	}
	spool_message_close(&message);
	return done;
}

static bool take_file(struct rebuild *rebuild, enum box box, int folder,
    const char *name, struct error *err)
{
	struct message *message;
	struct error why = {0};
	struct id id;
	bool done;

	arena_reset(rebuild->arena);
	if (!maildir_name_id(name, &id))
		return take_foreign(rebuild, box, folder, name, err);
	if (is_known(rebuild, &id) || old_index_is_doomed(&rebuild->old, &id) ||
	    was_never_acknowledged(rebuild, &id, name))
		return true; /* recovery knows what to do with the others */
	message = open_message(rebuild, folder, name, &why);
	if (message != NULL && memcmp(&spool_message_envelope(message)->id, &id,
				   sizeof(id)) != 0) {
		(void)error_set(
		    &why, ERROR_CORRUPT, "its file is that of another message");
		spool_message_close(&message);
	}
	if (message != NULL) {
		done = add_message(rebuild, message, folder, name, err);
		spool_message_close(&message);
		return done;
	}
	if (why.kind == ERROR_NOT_FOUND)
		return true; /* a name that was just dropped */
	if (why.kind != ERROR_CORRUPT)
		return error_set(err, why.kind, "%.390s", why.text);
	found(rebuild, FINDING_DAMAGED, &id, "%s: set aside", why.text);
	return set_aside(rebuild, folder, name, err);
}

static bool on_file(void *arg, enum box box, int folder, const char *name)
{
	struct rebuild *rebuild = arg;
	const struct rebuild_options *options = rebuild->options;
	bool done = take_file(rebuild, box, folder, name, rebuild->err);

	rebuild->report->files++;
	if (done && rebuild->count == BATCH) {
		done = commit_batch(rebuild, rebuild->err) &&
		       begin_batch(rebuild, rebuild->err);
		if (options->progress != NULL)
			options->progress(options->arg, rebuild->report->files,
			    old_index_count(&rebuild->old));
	}
	rebuild->failed = !done;
	return done;
}

static bool take_files(struct rebuild *rebuild, struct error *err)
{
	static const enum box boxes[] = {BOX_QUEUE, BOX_DEAD};

	rebuild->err = err;
	for (size_t i = 0; i < sizeof(boxes) / sizeof(boxes[0]); i++) {
		if (!maildir_each(&rebuild->spool->maildirs, boxes[i], on_file,
			rebuild, err) ||
		    rebuild->failed)
			return false;
	}
	return true;
}

/* --- what has no file ------------------------------------------------- */

/* A dead letter of which only the record is left. */
static void bury(
    struct rebuild *rebuild, struct message_rows *rows, const char *reason)
{
	rows->message.live = rows->message.dead = 0;
	copy_story(rebuild, &rows->id);
	for (unsigned i = 0; i < rows->message.recipients; i++) {
		struct delivery_row *row = &rows->deliveries[i];

		if (delivery_is_final(row->state))
			continue;
		rows->message.dead++;
		if (row->state == STATE_DEAD)
			continue;
		row->state = STATE_DEAD;
		row->due_ms = rebuild->now_ms;
		row->reason = reason;
		row->answer = "";
		event_put(
		    rebuild->txn, &(struct event){.at_ms = rebuild->now_ms,
				      .id = &rows->id,
				      .name = "dead",
				      .recipient_number = i,
				      .recipient = row->address,
				      .reason = reason,
				      .who = "rebuild"});
	}
	put(rebuild, rows);
}

/* Its story moves to the history. */
static void discard(struct rebuild *rebuild, const struct message_rows *rows)
{
	copy_story(rebuild, &rows->id);
	event_put(rebuild->txn, &(struct event){.at_ms = rebuild->now_ms,
				    .id = &rows->id,
				    .name = "dropped",
				    .reason = "removed_by_hand",
				    .message = &rows->message,
				    .who = "rebuild"});
	events_finish(rebuild->txn, &rows->id, rebuild->history);
}

static bool is_whole(const struct message_rows *rows)
{
	for (unsigned i = 0; i < rows->message.recipients; i++) {
		if (rows->deliveries[i].address == NULL)
			return false;
	}
	return true;
}

/* The old index has it, and there is no sound file. */
static void take_fileless(struct rebuild *rebuild, struct message_rows *rows)
{
	const struct message_row *message = &rows->message;
	char id[ID_TEXT + 1];

	if (!is_whole(rows)) {
		found(rebuild, FINDING_LOST, &rows->id,
		    "its file is gone, and its rows are not whole; it was "
		    "from <%s>",
		    message->sender);
		return;
	}
	id_format(&rows->id, id);
	if (maildir_has(&rebuild->spool->maildirs, BOX_ORPHAN, id)) {
		bury(rebuild, rows, REASON_DAMAGED);
	} else if (message->live > 0 || message_rows_is_lost(rows)) {
		found(rebuild, FINDING_LOST, &rows->id,
		    "its file is gone; it was from <%s> for %u recipients",
		    message->sender, message->recipients);
		bury(rebuild, rows, REASON_LOST);
	} else {
		found(rebuild, FINDING_REMOVED, &rows->id,
		    "this dead letter was removed by hand");
		discard(rebuild, rows);
	}
}

static bool find_lost(struct rebuild *rebuild, struct error *err)
{
	const struct bytes all = {0};
	struct message_rows rows;
	struct index_walk *walk;
	struct bytes key, value;
	bool found_row, done = true;

	if (!rebuild->old.sound[TABLE_MESSAGE] ||
	    !rebuild->old.sound[TABLE_DELIVERY])
		return true;
	walk = index_walk_new(rebuild->old.txn, TABLE_MESSAGE);
	found_row = index_seek(walk, all, all, &key, &value);
	for (; done && found_row; found_row = index_next(walk, &key, &value)) {
		struct id id = key_id(key);

		arena_reset(rebuild->arena);
		if (!is_known(rebuild, &id) &&
		    !old_index_in_flight(&rebuild->old, &id) &&
		    old_index_message(
			&rebuild->old, &id, rebuild->arena, &rows))
			take_fileless(rebuild, &rows);
		if (rebuild->count >= BATCH)
			done = commit_batch(rebuild, err) &&
			       begin_batch(rebuild, err);
	}
	index_walk_free(&walk);
	return done;
}

/* --- the new index ---------------------------------------------------- */

static void remove_new(struct spool *spool)
{
	struct error ignored;

	(void)os_unlink(spool->root, NEW "/data.mdb", &ignored);
	(void)os_unlink(spool->root, NEW "/lock.mdb", &ignored);
	(void)os_rmdir(spool->root, NEW, &ignored);
}

static bool make_new(struct rebuild *rebuild, struct error *err)
{
	struct spool *spool = rebuild->spool;
	char path[4096];
	bool created;

	remove_new(spool);
	(void)snprintf(path, sizeof(path), "%s/" NEW, spool->dir);
	return os_mkdir(spool->root, NEW, 0770, err) &&
	       index_open(path, true, false, spool->options.map_size,
		   &rebuild->index, &created, err);
}

/* What no file tells and no message is needed for. */
static void carry_over(struct rebuild *rebuild)
{
	const struct old_index *old = &rebuild->old;
	const struct bytes all = {0};
	struct counters before;

	meta_put(rebuild->txn, "uuid", rebuild->spool->uuid, SPOOL_UUID_TEXT);
	old_index_copy(old, TABLE_META, all, rebuild->txn);
	old_index_copy(old, TABLE_IDEMPOTENCY, all, rebuild->txn);
	old_index_copy(old, TABLE_DOOMED, all, rebuild->txn);
	old_index_copy_destinations(old, rebuild->txn);
	if (!old->sound[TABLE_META])
		return;
	counters_get(old->txn, &before);
	rebuild->counters.accepted = before.accepted;
	rebuild->counters.delivered = before.delivered;
	rebuild->counters.died = before.died;
	rebuild->counters.cancelled = before.cancelled;
}

static bool fill_new(struct rebuild *rebuild, struct error *err)
{
	if (!begin_batch(rebuild, err))
		return false;
	carry_over(rebuild);
	if (take_files(rebuild, err) && find_lost(rebuild, err))
		return commit_batch(rebuild, err);
	index_abort(&rebuild->txn);
	return false;
}

/* All files and their names are safe (those of a last group may never have been
 * synced), then the new index takes its place. */
static bool switch_over(struct rebuild *rebuild, struct error *err)
{
	struct spool *spool = rebuild->spool;
	bool done;
	int fd;

	index_close(&rebuild->index);
	old_index_close(&rebuild->old);
	if (mkdirat(spool->root, "index", 0770) != 0 && errno != EEXIST)
		return error_errno(err, "cannot make the folder index");
	if (!os_syncfs(spool->root, err) ||
	    !os_open(spool->root, "index", O_RDONLY | O_DIRECTORY, 0, &fd, err))
		return false;
	done = os_rename(spool->root, NEW "/data.mdb", fd, "data.mdb", err) &&
	       os_fsync(fd, err) && os_fsync(spool->root, err);
	os_close(&fd);
	return done;
}

/* --- all of it -------------------------------------------------------- */

static void open_old(struct rebuild *rebuild)
{
	struct error why;

	old_index_open(&rebuild->old, rebuild->spool, &why);
	rebuild->report->old_read = rebuild->old.index != NULL;
	if (why.kind != ERROR_NONE)
		found(rebuild, FINDING_INDEX, NULL, "%s", why.text);
}

static bool try_rebuild(struct spool *spool,
    const struct rebuild_options *options, struct rebuild_report *report,
    struct error *err)
{
	struct rebuild rebuild = {.spool = spool,
	    .options = options,
	    .report = report,
	    .history = history_new(spool->root),
	    .arena = arena_new(),
	    .now_ms = clock_wall_ms()};
	bool done;

	memset(report, 0, sizeof(*report));
	open_old(&rebuild);
	done = make_new(&rebuild, err) && fill_new(&rebuild, err) &&
	       switch_over(&rebuild, err);
	index_close(&rebuild.index);
	old_index_close(&rebuild.old);
	remove_new(spool);
	history_free(&rebuild.history);
	arena_free(&rebuild.arena);
	tasks_free(&rebuild.leave);
	return done;
}

bool spool_rebuild(struct spool *spool, const struct rebuild_options *options,
    struct rebuild_report *report, struct error *err)
{
	return try_rebuild(spool, options, report, err) ||
	       (err->kind == ERROR_FULL && ballast_release(&spool->room) &&
		   try_rebuild(spool, options, report, err));
}
