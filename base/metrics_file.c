/*
 * Figures in files, <program>.<number>, each locked by the process that writes
 * it. In place: a number is written whole or not at all, so a process killed
 * on its way leaves nothing torn, and a reader needs no lock.
 *
 *   0      head: version, boot, how many records and cells
 *   4096   cells
 *   ...    records, behind all cells that there can be
 *
 * New cells and records are written before the head that counts them.
 */
#include "base/alloc.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/metrics_record.h"
#include "base/os.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC "elektrine-metrics 1"
#define CELLS_OFFSET 4096
#define RECORDS_OFFSET (CELLS_OFFSET + LIMIT_METRIC_CELLS * 8)
#define PATH_SIZE 256
/* How often what changed is written. */
#define FLUSH_S 1

struct head {
	char magic[24];
	char boot[40];
	uint32_t record_count, cell_count;
};

static struct keeper {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	pthread_t thread;
	int fd; /* -1: nothing is kept */
	bool stopping, complained;
	struct metrics_image written, next;
} keeper = {.lock = PTHREAD_MUTEX_INITIALIZER,
    .ended = PTHREAD_COND_INITIALIZER,
    .fd = -1};

static bool read_boot(char boot[40], struct error *err)
{
	size_t got = 0;
	bool done;
	int fd;

	memset(boot, 0, 40);
	if (!os_open(AT_FDCWD, "/proc/sys/kernel/random/boot_id", O_RDONLY, 0,
		&fd, err))
		return false;
	done = os_pread(fd, boot, 36, 0, &got, err);
	os_close(&fd);
	return done;
}

/* --- reading ---------------------------------------------------------- */

static bool is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

/* A file may be damaged, or not one of ours. */
static bool is_sound(const struct metrics_image *image)
{
	for (uint32_t i = 0; i < image->record_count; i++) {
		const struct metric_record *record = &image->records[i];

		if (!is_text(record->name, sizeof(record->name)) ||
		    !is_text(record->label, sizeof(record->label)) ||
		    !is_text(record->value, sizeof(record->value)) ||
		    !is_text(record->help, sizeof(record->help)) ||
		    record->kind > METRIC_HISTOGRAM ||
		    record->unit > METRIC_SECONDS ||
		    record->merge > METRIC_GREATEST ||
		    record->bounds > METRIC_BOUNDS ||
		    record->cell > image->cell_count ||
		    metric_cells(record) > image->cell_count - record->cell)
			return false;
	}
	return true;
}

static bool read_part(int fd, void *data, size_t len, off_t offset)
{
	struct error ignored;
	size_t got = 0;

	return os_pread(fd, data, len, offset, &got, &ignored) && got == len;
}

/* False if it holds no figures of this boot. */
static bool read_image(int fd, struct metrics_image *image)
{
	struct error ignored;
	struct head head;
	char boot[40];

	if (!read_part(fd, &head, sizeof(head), 0) ||
	    !read_boot(boot, &ignored) ||
	    memcmp(head.magic, MAGIC, sizeof(MAGIC)) != 0 ||
	    memcmp(head.boot, boot, sizeof(boot)) != 0 ||
	    head.record_count > LIMIT_METRIC_SERIES ||
	    head.cell_count > LIMIT_METRIC_CELLS)
		return false;
	image->record_count = head.record_count;
	image->cell_count = head.cell_count;
	return read_part(fd, image->cells,
		   head.cell_count * sizeof(image->cells[0]), CELLS_OFFSET) &&
	       read_part(fd, image->records,
		   head.record_count * sizeof(image->records[0]),
		   RECORDS_OFFSET) &&
	       is_sound(image);
}

/* --- writing ---------------------------------------------------------- */

static bool write_cells(
    int fd, const struct metrics_image *image, struct error *err)
{
	return os_pwrite(fd, image->cells,
	    image->cell_count * sizeof(image->cells[0]), CELLS_OFFSET, err);
}

static bool write_image(
    int fd, const struct metrics_image *image, struct error *err)
{
	struct head head = {.magic = MAGIC,
	    .record_count = image->record_count,
	    .cell_count = image->cell_count};

	return read_boot(head.boot, err) && write_cells(fd, image, err) &&
	       os_pwrite(fd, image->records,
		   image->record_count * sizeof(image->records[0]),
		   RECORDS_OFFSET, err) &&
	       os_pwrite(fd, &head, sizeof(head), 0, err);
}

/* Under the lock. */
static bool flush(struct error *err)
{
	struct metrics_image *next = &keeper.next, *written = &keeper.written;
	bool done = true;

	metrics_take(next);
	if (next->record_count != written->record_count)
		done = write_image(keeper.fd, next, err);
	else if (memcmp(next->cells, written->cells,
		     next->cell_count * sizeof(next->cells[0])) != 0)
		done = write_cells(keeper.fd, next, err);
	if (done)
		*written = *next;
	return done;
}

void metrics_flush(void)
{
	struct error err;

	(void)pthread_mutex_lock(&keeper.lock);
	if (keeper.fd >= 0 && !flush(&err) && !keeper.complained) {
		keeper.complained = true;
		log_event(
		    LOG_WARN, "metrics_not_kept", LOG_TEXT("error", err.text));
	}
	(void)pthread_mutex_unlock(&keeper.lock);
}

static void *run(void *arg)
{
	struct timespec until;
	bool stopping = false;

	(void)arg;
	while (!stopping) {
		metrics_flush();
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += FLUSH_S;
		(void)pthread_mutex_lock(&keeper.lock);
		if (!keeper.stopping)
			(void)pthread_cond_timedwait(
			    &keeper.ended, &keeper.lock, &until);
		stopping = keeper.stopping;
		(void)pthread_mutex_unlock(&keeper.lock);
	}
	return NULL;
}

/* --- taking a file ---------------------------------------------------- */

/* Whether it still has that name: its owner may have replaced it. */
static bool is_named(int folder, const char *name, int fd)
{
	struct stat own, named;

	return fstat(fd, &own) == 0 &&
	       fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       own.st_dev == named.st_dev && own.st_ino == named.st_ino;
}

/* A file with our figures in place of the one that we have locked: whoever
 * reads meanwhile sees one or the other. */
static bool replace(int folder, const char *name, struct error *err)
{
	char fresh[PATH_SIZE + 8];
	bool taken = false;
	int fd;

	(void)snprintf(fresh, sizeof(fresh), "%s.new", name);
	if (!os_open(folder, fresh, O_RDWR | O_CREAT | O_TRUNC, 0660, &fd, err))
		return false;
	metrics_take(&keeper.written);
	if (os_try_lock(fd, true, &taken, err) && taken &&
	    write_image(fd, &keeper.written, err) &&
	    os_rename(folder, fresh, folder, name, err)) {
		keeper.fd = fd;
		return true;
	}
	os_close(&fd);
	return taken ? false
		     : error_set(err, ERROR_BUSY, "%s is in use", fresh);
}

/* *taken: whether the file was free. */
static bool take(int folder, const char *name, bool *taken, struct error *err)
{
	struct metrics_image *old;
	bool done;
	int fd;

	*taken = false;
	if (!os_open(folder, name, O_RDWR | O_CREAT, 0660, &fd, err) ||
	    !os_try_lock(fd, true, taken, err)) {
		os_close(&fd);
		return false;
	}
	*taken = *taken && is_named(folder, name, fd);
	if (!*taken) {
		os_close(&fd);
		return true;
	}
	old = xmalloc(sizeof(*old));
	if (read_image(fd, old))
		metrics_inherit(old);
	free(old);
	done = replace(folder, name, err);
	os_close(&fd);
	return done;
}

/* Signals are for the main thread. */
static void start_thread(void)
{
	sigset_t every, before;

	(void)sigfillset(&every);
	(void)pthread_sigmask(SIG_SETMASK, &every, &before);
	if (pthread_create(&keeper.thread, NULL, run, NULL) != 0)
		fatal("cannot start a thread");
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

bool metrics_keep(
    int root, const char *folder, const char *program, struct error *err)
{
	char name[PATH_SIZE];
	bool taken = false, done = true;
	int fd;

	if (!os_open(root, folder, O_RDONLY | O_DIRECTORY, 0, &fd, err))
		return false;
	for (unsigned i = 0; done && !taken && i < LIMIT_METRIC_FILES; i++) {
		(void)snprintf(name, sizeof(name), "%s.%u", program, i);
		done = take(fd, name, &taken, err);
	}
	os_close(&fd);
	if (done && !taken)
		return error_set(err, ERROR_BUSY,
		    "more than %d processes of %s", LIMIT_METRIC_FILES,
		    program);
	if (!done)
		return false;
	keeper.stopping = false;
	start_thread();
	return true;
}

void metrics_leave(void)
{
	if (keeper.fd < 0)
		return;
	(void)pthread_mutex_lock(&keeper.lock);
	keeper.stopping = true;
	(void)pthread_cond_signal(&keeper.ended);
	(void)pthread_mutex_unlock(&keeper.lock);
	(void)pthread_join(keeper.thread, NULL);
	metrics_flush();
	os_close(&keeper.fd);
}

/* --- all of them ------------------------------------------------------ */

/* When unsure it lives. */
static bool is_live(int fd)
{
	struct error ignored;
	bool taken = false;

	return !os_try_lock(fd, false, &taken, &ignored) || !taken;
}

static void add_file(struct metrics_sum *sum, int folder, const char *name,
    struct metrics_image *image)
{
	size_t len = strlen(name);
	struct error ignored;
	int fd;

	if (name[0] == '.' || (len > 4 && strcmp(name + len - 4, ".new") == 0))
		return;
	if (!os_open(folder, name, O_RDONLY, 0, &fd, &ignored))
		return;
	if (read_image(fd, image))
		metrics_sum_add(sum, image, is_live(fd));
	os_close(&fd);
}

/* The sum of all files; NULL if the folder cannot be read. */
static struct metrics_sum *sum_all(
    int root, const char *folder, struct error *err)
{
	struct metrics_image *image;
	struct metrics_sum *sum;
	struct dirent *entry;
	DIR *dir;
	int fd;

	metrics_flush();
	if (!os_open(root, folder, O_RDONLY | O_DIRECTORY, 0, &fd, err))
		return NULL;
	dir = fdopendir(fd);
	if (dir == NULL) {
		os_close(&fd);
		(void)error_set(err, ERROR_IO, "cannot list %s", folder);
		return NULL;
	}
	image = xmalloc(sizeof(*image));
	sum = metrics_sum_new();
	while ((entry = readdir(dir)) != NULL)
		add_file(sum, fd, entry->d_name, image);
	free(image);
	(void)closedir(dir);
	return sum;
}

bool metrics_print_all(
    int root, const char *folder, struct buf *out, struct error *err)
{
	struct metrics_sum *sum = sum_all(root, folder, err);

	if (sum == NULL)
		return false;
	metrics_sum_print(sum, out);
	metrics_sum_free(&sum);
	return true;
}

bool metrics_histograms_all(int root, const char *folder,
    const char *const *names, size_t count, struct metric_histogram *out,
    struct error *err)
{
	struct metrics_sum *sum = sum_all(root, folder, err);

	if (sum == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		out[i] = metrics_sum_histogram(sum, names[i]);
	metrics_sum_free(&sum);
	return true;
}
