#include "spool/recover.h"

#include "base/clock.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/os.h"
#include "spool/agent.h"
#include "spool/flight.h"
#include "spool/guard.h"
#include "spool/id.h"
#include "spool/internal.h"
#include "spool/tasks.h"
#include "spool/unlinker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITERS "queue/tmp"
#define PATH_SIZE 128
/* Doomed files that are handled by one transaction. */
#define DOOMED_BATCH 1000

static DIR *list(int root, const char *path, struct error *err)
{
	DIR *dir = NULL;
	int fd;

	if (!os_open(root, path, O_RDONLY | O_DIRECTORY, 0, &fd, err))
		return NULL;
	dir = fdopendir(fd);
	if (dir == NULL) {
		(void)error_errno(err, "cannot list %s", path);
		os_close(&fd);
	}
	return dir;
}

/* --- one file of a dead writer ---------------------------------------- */

/* A finished file begins with a whole envelope header and is as long as that
 * says. No other was ever synced or acknowledged. */
static bool is_finished(int folder, const char *name)
{
	char first[ENVELOPE_FIRST_LINE];
	struct envelope_lengths lengths;
	struct error ignored;
	struct stat st;
	size_t got = 0;
	bool done;
	int fd;

	if (!os_open(folder, name, O_RDONLY, 0, &fd, &ignored))
		return false;
	done = fstat(fd, &st) == 0 &&
	       os_pread(fd, first, sizeof(first), 0, &got, &ignored) &&
	       envelope_header_lengths(first, got, &lengths, &ignored) &&
	       (uint64_t)st.st_size ==
		   lengths.header + lengths.trace + lengths.body;
	os_close(&fd);
	return done;
}

enum record { RECORD_NONE, RECORD_LIVE, RECORD_DOOMED };

static enum record find_record(struct index_txn *txn, const struct id *id)
{
	struct message_row row;
	struct key key = doomed_key(id);
	struct bytes value;

	if (message_get(txn, id, &row))
		return RECORD_LIVE;
	return index_get(txn, TABLE_DOOMED, key_bytes(&key), &value)
		   ? RECORD_DOOMED
		   : RECORD_NONE;
}

/* Acknowledged: it needs its name in the maildir, and not ours. */
static bool keep(struct spool *spool, int folder, const char *name,
    struct recovery *report, struct error *err)
{
	bool there = maildir_has(&spool->maildirs, BOX_QUEUE, name) ||
		     maildir_has(&spool->maildirs, BOX_DEAD, name);

	if (!there && (!os_link(folder, name, spool->maildirs.fresh[BOX_QUEUE],
			   name, err) ||
			  !maildir_sync(&spool->maildirs, BOX_QUEUE, err)))
		return false;
	report->kept++;
	return os_unlink(folder, name, err);
}

/* Never acknowledged, or delivered already: set aside, under this name only. */
static bool set_aside(struct spool *spool, int folder, const char *name,
    struct recovery *report, struct error *err)
{
	struct error ignored;

	if (!is_finished(folder, name)) {
		report->unfinished++;
		(void)os_unlink(
		    spool->maildirs.fresh[BOX_QUEUE], name, &ignored);
		return os_unlink(folder, name, err);
	}
	if (!maildir_set_aside(&spool->maildirs, folder, name, err))
		return false;
	report->orphaned++;
	return maildir_unlink(&spool->maildirs, BOX_QUEUE, name, err);
}

static bool recover_file(struct spool *spool, struct index_txn *txn, int folder,
    const char *name, struct recovery *report, struct error *err)
{
	struct id id;

	if (!maildir_name_id(name, &id))
		return true;
	switch (find_record(txn, &id)) {
	case RECORD_LIVE:
		return keep(spool, folder, name, report, err);
	case RECORD_DOOMED:
		return os_unlink(folder, name, err);
	case RECORD_NONE:
		return set_aside(spool, folder, name, report, err);
	}
	return true;
}

static bool recover_folder(struct spool *spool, const char *path,
    struct recovery *report, struct error *err)
{
	struct index_txn *txn;
	struct dirent *entry;
	DIR *dir = list(spool->root, path, err);
	bool done = true;

	if (dir == NULL)
		return false;
	if (!spool_read_begin(spool, &txn, err)) {
		(void)closedir(dir);
		return false;
	}
	while (done && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			done = recover_file(
			    spool, txn, dirfd(dir), entry->d_name, report, err);
	}
	spool_txn_abort(spool, &txn);
	(void)closedir(dir);
	return done;
}

/* --- writers ---------------------------------------------------------- */

/* The folder of a writer, and the file in it whose lock it holds. */
static void writer_paths(
    const char *name, char path[PATH_SIZE], char lock[PATH_SIZE])
{
	(void)snprintf(path, PATH_SIZE, WRITERS "/%.40s", name);
	(void)snprintf(lock, PATH_SIZE, WRITERS "/%.40s/lock", name);
}

bool writer_is_live(struct spool *spool, const char *name)
{
	char path[PATH_SIZE], lock[PATH_SIZE];

	writer_paths(name, path, lock);
	return guard_is_live(spool->root, lock);
}

static bool recover_writer(struct spool *spool, const char *name,
    struct recovery *report, struct error *err)
{
	char path[PATH_SIZE], lock[PATH_SIZE];
	struct error ignored;

	writer_paths(name, path, lock);
	if (guard_is_live(spool->root, lock))
		return true;
	if (!recover_folder(spool, path, report, err))
		return false;
	report->writers++;
	(void)os_unlink(spool->root, lock, &ignored);
	if (!os_rmdir(spool->root, path, &ignored))
		log_event(LOG_WARN, "writer_folder_stays",
		    LOG_TEXT("error", ignored.text));
	return true;
}

/* The next files that completion still has to unlink, but for those that a
 * living agent will. One with a record is not finished, whatever its row
 * says. */
static bool collect_doomed(
    struct spool *spool, struct tasks *doomed, struct error *err)
{
	struct index_txn *txn;
	struct index_walk *walk;
	struct message_row row;
	struct bytes key, value;
	uint64_t owner, asked = 0;
	bool found, lives = false;
	unsigned names;

	if (!spool_read_begin(spool, &txn, err))
		return false;
	walk = index_walk_new(txn, TABLE_DOOMED);
	found = index_seek(
	    walk, (struct bytes){0}, (struct bytes){0}, &key, &value);
	for (; found && doomed->count < DOOMED_BATCH;
	     found = index_next(walk, &key, &value)) {
		struct id id = key_id(key);

		if (!doomed_read(value, &names, &owner))
			continue;
		if (owner != asked) {
			asked = owner;
			lives = agent_is_live(spool, owner);
		}
		if ((owner == 0 || !lives) && !message_get(txn, &id, &row))
			tasks_add(doomed, &id, names, 0);
	}
	index_walk_free(&walk);
	spool_txn_abort(spool, &txn);
	return true;
}

static bool forget_doomed(
    struct spool *spool, const struct tasks *doomed, struct error *err)
{
	struct index_txn *txn;

	if (!spool_write_begin(spool, &txn, err))
		return false;
	for (size_t i = 0; i < doomed->count; i++) {
		struct key key = doomed_key(&doomed->items[i].id);

		index_delete(txn, TABLE_DOOMED, key_bytes(&key));
	}
	return spool_txn_commit(spool, &txn, err);
}

/* Unlinks them, makes that durable, and only then forgets them. Under
 * run/recovery: an id that was doomed may come back (replay) once its row is
 * gone, so nobody else may still be about to unlink it then. */
static bool finish_doomed(
    struct spool *spool, uint64_t *unlinked, struct error *err)
{
	const struct maildirs *dirs = &spool->maildirs;
	struct tasks doomed = {0};
	bool done, more;

	*unlinked = 0;
	do {
		tasks_clear(&doomed);
		done = collect_doomed(spool, &doomed, err);
		more = done && doomed.count == DOOMED_BATCH;
		if (!done || doomed.count == 0)
			break;
		unlink_files(dirs, doomed.items, doomed.count);
		done = maildir_sync(dirs, BOX_QUEUE, err) &&
		       maildir_sync(dirs, BOX_DEAD, err) &&
		       forget_doomed(spool, &doomed, err);
		*unlinked += doomed.count;
	} while (done && more);
	tasks_free(&doomed);
	return done;
}

bool spool_finish_doomed(
    struct spool *spool, uint64_t *unlinked, struct error *err)
{
	bool done;
	int fd;

	*unlinked = 0;
	if (!guard_recovery(spool->root, &fd, err))
		return false;
	done = finish_doomed(spool, unlinked, err);
	os_close(&fd);
	return done;
}

bool spool_recover(
    struct spool *spool, struct recovery *report, struct error *err)
{
	struct dirent *entry;
	bool done = true;
	DIR *dir;
	int fd;

	memset(report, 0, sizeof(*report));
	if (!guard_recovery(spool->root, &fd, err))
		return false;
	/* First: the files are judged by the records that stay. */
	dir = flight_settle(spool, NULL, &report->retracted, err)
		  ? list(spool->root, WRITERS, err)
		  : NULL;
	done = dir != NULL;
	while (done && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.' && entry->d_type == DT_DIR)
			done =
			    recover_writer(spool, entry->d_name, report, err);
	}
	if (dir != NULL)
		(void)closedir(dir);
	/* On a full disk the rows stay for the next time. */
	done = done && (finish_doomed(spool, &report->unlinked, err) ||
			   err->kind == ERROR_FULL);
	os_close(&fd);
	return done;
}

bool spool_recover_own(struct spool *spool, const struct id *ids, size_t count,
    struct recovery *report, struct error *err)
{
	struct index_txn *txn;
	bool done = true;

	memset(report, 0, sizeof(*report));
	if (!spool_read_begin(spool, &txn, err))
		return false;
	for (size_t i = 0; done && i < count; i++) {
		char name[ID_TEXT + 1];

		id_format(&ids[i], name);
		/* A second try may find the first one's work done. */
		if (faccessat(spool->writer, name, F_OK, 0) == 0)
			done = recover_file(
			    spool, txn, spool->writer, name, report, err);
	}
	spool_txn_abort(spool, &txn);
	return done;
}

bool spool_become_writer(struct spool *spool, struct error *err)
{
	char path[PATH_SIZE], lock[PATH_SIZE];
	struct id id = id_new();
	bool done;
	int fd;

	id_format(&id, spool->writer_name);
	writer_paths(spool->writer_name, path, lock);
	/* Nobody may take the folder for a dead writer's before the lock is
	 * held. */
	if (!guard_recovery(spool->root, &fd, err))
		return false;
	done = os_mkdir(spool->root, path, 0770, err) &&
	       guard_live(spool->root, lock, &spool->writer_lock, err) &&
	       os_open(spool->root, path, O_RDONLY | O_DIRECTORY, 0,
		   &spool->writer, err);
	os_close(&fd);
	return done;
}

void spool_leave_writers(struct spool *spool)
{
	char path[PATH_SIZE], lock[PATH_SIZE];
	struct error ignored;

	if (spool->writer_lock < 0)
		return;
	writer_paths(spool->writer_name, path, lock);
	/* A folder that is not empty waits for recovery. */
	(void)os_unlink(spool->root, lock, &ignored);
	(void)os_rmdir(spool->root, path, &ignored);
	os_close(&spool->writer);
	os_close(&spool->writer_lock);
}

/* --- orphans ---------------------------------------------------------- */

static bool expire_orphan(void *arg, enum box box, int folder, const char *name)
{
	const struct spool *spool = arg;
	int64_t limit = clock_wall_ms() - spool->options.history_retention_ms;
	struct error ignored;
	struct stat st;

	(void)box;
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (int64_t)st.st_mtim.tv_sec * 1000 < limit)
		(void)os_unlink(folder, name, &ignored);
	return true;
}

void spool_expire_orphans(struct spool *spool)
{
	struct error ignored;

	if (!maildir_each(
		&spool->maildirs, BOX_ORPHAN, expire_orphan, spool, &ignored))
		log_event(
		    LOG_WARN, "orphans_stay", LOG_TEXT("error", ignored.text));
}
