/* Messages from their file's side: has each its record, is each ours? */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/os.h"
#include "spool/fsck_parts.h"
#include "spool/guard.h"
#include "spool/id.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITERS "queue/tmp"
/* Files that one read transaction looks up. */
#define SLICE 128
/* A younger file may be about to get its record. */
#define YOUNG_MS (60 * INT64_C(1000))

struct candidate {
	enum box box;
	int folder;
	char name[256];
	bool suspect;
};

struct files {
	struct fsck *fsck;
	struct candidate slice[SLICE];
	size_t count;
	bool failed;
	struct error *err;
};

/* --- who may still commit it ------------------------------------------ */

static bool is_young(const struct candidate *file)
{
	struct stat st;
	int64_t changed;

	/* Its name was given by link(), which changes ctime. */
	if (fstatat(file->folder, file->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return true; /* gone meanwhile */
	changed =
	    (int64_t)st.st_ctim.tv_sec * 1000 + st.st_ctim.tv_nsec / 1000000;
	return clock_wall_ms() - changed < YOUNG_MS;
}

static bool is_of_live_writer(const struct fsck *fsck, const char *name)
{
	int root = fsck->spool->root;
	int fd = openat(root, WRITERS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool found = false;

	if (dir == NULL) {
		os_close(&fd);
		return true;
	}
	while (!found && (entry = readdir(dir)) != NULL) {
		char path[256];

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), WRITERS "/%.40s/%.26s",
		    entry->d_name, name);
		if (faccessat(root, path, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		(void)snprintf(
		    path, sizeof(path), WRITERS "/%.40s/lock", entry->d_name);
		found = guard_is_live(root, path);
	}
	(void)closedir(dir);
	return found;
}

/* --- what it is ------------------------------------------------------- */

/* The file as a message of ours; NULL if it is none, or not whole. */
static struct message *open_ours(
    const struct fsck *fsck, const struct candidate *file)
{
	struct message *message;
	struct error ignored;
	int fd;

	if (!os_open(file->folder, file->name, O_RDONLY, 0, &fd, &ignored) ||
	    !message_open_fd(fd, &message, &ignored))
		return NULL;
	if (!message_verify(message, fsck->spool->key, &ignored))
		spool_message_close(&message);
	return message;
}

static bool has_record(const struct fsck *fsck, const struct id *id)
{
	struct message_row row;

	return message_get(fsck->txn, id, &row);
}

static bool is_doomed(const struct fsck *fsck, const struct id *id)
{
	struct key key = doomed_key(id);
	struct bytes value;

	return index_get(fsck->txn, TABLE_DOOMED, key_bytes(&key), &value);
}

static bool has_deliveries(const struct fsck *fsck, const struct id *id)
{
	struct index_walk *walk = index_walk_new(fsck->txn, TABLE_DELIVERY);
	struct key prefix = message_key(id);
	struct bytes key, value;
	bool found = index_seek(
	    walk, key_bytes(&prefix), key_bytes(&prefix), &key, &value);

	index_walk_free(&walk);
	return found;
}

/* --- one file --------------------------------------------------------- */

void fsck_set_aside(struct fsck *fsck, int folder, const char *name)
{
	struct error err;

	if (!maildir_set_aside(&fsck->spool->maildirs, folder, name, &err))
		(void)fsck_objects(
		    fsck, FINDING_UNREADABLE, false, NULL, -1, "%s", err.text);
}

/* Named by an id that the index does not know. */
static void check_unknown(
    struct fsck *fsck, const struct candidate *file, const struct id *id)
{
	struct message *message = NULL;

	if (has_deliveries(fsck, id) && fsck->turn != NULL)
		message = open_ours(fsck, file);
	if (message != NULL) {
		if (fsck_objects(fsck, FINDING_ROWS, true, id, -1,
			"its record is missing, and its deliveries are "
			"there"))
			fsck_restore(fsck, message);
		spool_message_close(&message);
		return;
	}
	if (!is_young(file) && !is_of_live_writer(fsck, file->name) &&
	    fsck_objects(fsck, FINDING_ORPHAN, true, id, -1,
		"its file in %s has no record", box_name(file->box)))
		fsck_set_aside(fsck, file->folder, file->name);
}

/* Gives a message of ours its own name back. */
static void rename_back(
    struct fsck *fsck, const struct candidate *file, const char *id)
{
	const struct maildirs *dirs = &fsck->spool->maildirs;
	struct error err;

	if (!os_rename(
		file->folder, file->name, dirs->fresh[file->box], id, &err) ||
	    !maildir_sync(dirs, file->box, &err))
		(void)fsck_objects(
		    fsck, FINDING_UNREADABLE, false, NULL, -1, "%s", err.text);
}

/* Its name is no id. */
static void check_foreign(struct fsck *fsck, const struct candidate *file)
{
	struct message *message = open_ours(fsck, file);
	const struct envelope *envelope;
	char id[ID_TEXT + 1];

	if (message == NULL) {
		(void)fsck_objects(fsck, FINDING_FOREIGN, false, NULL, -1,
		    "the file %s in %s is not of this spool", file->name,
		    box_name(file->box));
		return;
	}
	envelope = spool_message_envelope(message);
	id_format(&envelope->id, id);
	if (maildir_has(&fsck->spool->maildirs, file->box, id)) {
		(void)fsck_objects(fsck, FINDING_FOREIGN, false, &envelope->id,
		    -1, "the file %s in %s is a copy of it", file->name,
		    box_name(file->box));
	} else if (fsck_objects(fsck, FINDING_MISNAMED, true, &envelope->id, -1,
		       "its file in %s is called %s", box_name(file->box),
		       file->name)) {
		rename_back(fsck, file, id);
	}
	spool_message_close(&message);
}

static void check(struct fsck *fsck, const struct candidate *file)
{
	struct id id;

	if (!maildir_name_id(file->name, &id)) {
		/* Only under the lock is it worth reading. */
		if (fsck->turn == NULL)
			fsck->suspect = true;
		else
			check_foreign(fsck, file);
		return;
	}
	if (!has_record(fsck, &id) && !is_doomed(fsck, &id))
		check_unknown(fsck, file, &id);
}

/* --- slices ----------------------------------------------------------- */

static bool confirm_slice(struct files *files)
{
	struct fsck *fsck = files->fsck;
	struct turn turn;
	bool begun = false;

	for (size_t i = 0; i < files->count; i++) {
		const struct candidate *file = &files->slice[i];

		if (!file->suspect)
			continue;
		if (!begun && !fsck_turn_begin(fsck, &turn, files->err))
			return false;
		begun = true;
		if (faccessat(file->folder, file->name, F_OK,
			AT_SYMLINK_NOFOLLOW) == 0)
			check(fsck, file);
	}
	return !begun || fsck_turn_end(fsck, files->err);
}

static bool check_slice(struct files *files)
{
	struct fsck *fsck = files->fsck;

	if (files->count == 0)
		return true;
	if (!fsck_look_begin(fsck, files->err))
		return false;
	for (size_t i = 0; i < files->count; i++) {
		fsck->suspect = false;
		check(fsck, &files->slice[i]);
		files->slice[i].suspect = fsck->suspect;
	}
	fsck_look_end(fsck);
	return true;
}

static bool next_slice(struct files *files)
{
	bool done = check_slice(files) && confirm_slice(files);

	files->fsck->report->files += files->count;
	files->count = 0;
	fsck_progress(files->fsck, "files", files->fsck->report->files, 0);
	return done;
}

static bool on_file(void *arg, enum box box, int folder, const char *name)
{
	struct files *files = arg;
	struct candidate *file = &files->slice[files->count++];

	file->box = box;
	file->folder = folder;
	(void)snprintf(file->name, sizeof(file->name), "%s", name);
	if (files->count == SLICE)
		files->failed = !next_slice(files);
	return !files->failed;
}

bool fsck_files(struct fsck *fsck, struct error *err)
{
	static const enum box boxes[] = {BOX_QUEUE, BOX_DEAD};
	struct files *files = xcalloc(1, sizeof(*files));
	bool done = true;

	files->fsck = fsck;
	files->err = err;
	for (size_t i = 0; done && i < sizeof(boxes) / sizeof(boxes[0]); i++)
		done = maildir_each(&fsck->spool->maildirs, boxes[i], on_file,
			   files, err) &&
		       !files->failed;
	done = done && next_slice(files);
	free(files);
	return done;
}
