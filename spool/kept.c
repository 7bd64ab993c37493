#include "spool/kept.h"

#include "base/alloc.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/os.h"
#include "spool/id.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HOUR_MS (60 * 60 * INT64_C(1000))
/* "kept/2026-01-31T12" */
#define PATH_SIZE 32

/* --- hours ------------------------------------------------------------ */

static void hour_path(int64_t hour, char path[PATH_SIZE])
{
	time_t seconds = (time_t)(hour * (HOUR_MS / 1000));
	struct tm tm;

	(void)gmtime_r(&seconds, &tm);
	(void)strftime(path, PATH_SIZE, KEPT_FOLDER "/%Y-%m-%dT%H", &tm);
}

/* -1 if it is no hour. */
static int64_t name_hour(const char *name)
{
	struct tm tm = {0};
	const char *end = strptime(name, "%Y-%m-%dT%H", &tm);

	if (end == NULL || *end != '\0')
		return -1;
	return (int64_t)timegm(&tm) / (HOUR_MS / 1000);
}

static int compare_hours(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* The hours that there are, oldest first; the caller frees them. A spool that
 * never kept anything has none. */
static int64_t *list_hours(const struct spool *spool, size_t *count)
{
	int fd = openat(
	    spool->root, KEPT_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int64_t *hours = NULL;
	struct dirent *entry;
	size_t size = 0;

	*count = 0;
	if (dir == NULL) {
		os_close(&fd);
		return NULL;
	}
	while ((entry = readdir(dir)) != NULL) {
		int64_t hour = name_hour(entry->d_name);

		if (hour < 0)
			continue;
		if (*count == size) {
			size = size == 0 ? 64 : size * 2;
			hours = xrealloc(hours, size * sizeof(*hours));
		}
		hours[(*count)++] = hour;
	}
	(void)closedir(dir);
	if (*count > 0)
		qsort(hours, *count, sizeof(*hours), compare_hours);
	return hours;
}

static bool open_hour(
    const struct spool *spool, int64_t hour, int *fd, struct error *err)
{
	char path[PATH_SIZE];

	hour_path(hour, path);
	return os_open(spool->root, path, O_RDONLY | O_DIRECTORY, 0, fd, err);
}

/* Makes it if it is the first message of the hour. */
static bool make_hour(
    const struct spool *spool, int64_t hour, int *fd, struct error *err)
{
	struct error ignored;
	char path[PATH_SIZE];
	int above;
	bool done;

	if (open_hour(spool, hour, fd, &ignored))
		return true;
	hour_path(hour, path);
	/* Somebody else may just have made it. */
	if (!os_mkdir(spool->root, path, 0770, &ignored) &&
	    open_hour(spool, hour, fd, &ignored))
		return true;
	if (!os_open(spool->root, KEPT_FOLDER, O_RDONLY | O_DIRECTORY, 0,
		&above, err))
		return false;
	done = os_fsync(above, err) && open_hour(spool, hour, fd, err);
	os_close(&above);
	return done;
}

/* --- adding ----------------------------------------------------------- */

static bool keep(
    const struct spool *spool, int hour, const struct id *id, struct error *err)
{
	static const enum box places[] = {BOX_QUEUE, BOX_DEAD};
	char name[ID_TEXT + 1];

	id_format(id, name);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (maildir_link_to(
			&spool->maildirs, places[i], name, hour, err))
			return true;
		if (err->kind != ERROR_NOT_FOUND)
			return false;
	}
	return true;
}

bool kept_add(struct spool *spool, const struct tasks *messages, int64_t now_ms,
    struct error *err)
{
	bool done = true;
	int hour;

	if (messages->count == 0)
		return true;
	if (!make_hour(spool, now_ms / HOUR_MS, &hour, err))
		return false;
	for (size_t i = 0; done && i < messages->count; i++)
		done = keep(spool, hour, &messages->items[i].id, err);
	done = done && os_fsync(hour, err);
	os_close(&hour);
	return done;
}

/* --- reading ---------------------------------------------------------- */

bool kept_open(struct spool *spool, const struct id *id, int *hour, int *fd,
    struct error *err)
{
	char name[ID_TEXT + 1];
	size_t count;
	int64_t *hours = list_hours(spool, &count);
	struct error ignored;
	bool found = false;

	id_format(id, name);
	/* The latest: it may have been delivered more than once. */
	while (!found && count-- > 0) {
		if (!open_hour(spool, hours[count], hour, &ignored))
			continue;
		found = os_open(*hour, name, O_RDONLY, 0, fd, &ignored);
		if (!found)
			os_close(hour);
	}
	free(hours);
	return found ||
	       error_set(err, ERROR_NOT_FOUND, "no message %s is kept", name);
}

static bool each_of_hour(const struct spool *spool, int64_t hour,
    kept_each_fn *each, void *arg, bool *more, struct error *err)
{
	struct dirent *entry;
	DIR *dir;
	int fd;

	if (!open_hour(spool, hour, &fd, err))
		return err->kind == ERROR_NOT_FOUND; /* it just expired */
	dir = fdopendir(fd);
	if (dir == NULL) {
		os_close(&fd);
		return error_set(err, ERROR_IO, "cannot list what is kept");
	}
	while (*more && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			*more = each(arg, dirfd(dir), entry->d_name);
	}
	(void)closedir(dir);
	return true;
}

bool kept_each(struct spool *spool, int64_t since_ms, int64_t until_ms,
    kept_each_fn *each, void *arg, struct error *err)
{
	size_t count;
	int64_t *hours = list_hours(spool, &count);
	bool done = true, more = true;

	for (size_t i = 0; done && more && i < count; i++) {
		if ((hours[i] + 1) * HOUR_MS > since_ms &&
		    (until_ms == 0 || hours[i] * HOUR_MS < until_ms))
			done = each_of_hour(
			    spool, hours[i], each, arg, &more, err);
	}
	free(hours);
	return done;
}

/* --- expiring --------------------------------------------------------- */

/* Removes files of the hour, and the hour with its last; *left counts down. */
static void remove_some(const struct spool *spool, int64_t hour, unsigned *left)
{
	char path[PATH_SIZE];
	struct dirent *entry;
	struct error ignored;
	DIR *dir;
	int fd;

	if (!open_hour(spool, hour, &fd, &ignored))
		return;
	dir = fdopendir(fd);
	if (dir == NULL) {
		os_close(&fd);
		return;
	}
	while (*left > 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)os_unlink(dirfd(dir), entry->d_name, &ignored);
		(*left)--;
	}
	(void)closedir(dir);
	hour_path(hour, path);
	if (*left > 0)
		(void)os_rmdir(spool->root, path, &ignored);
}

static bool is_short_of_room(struct spool *spool)
{
	uint64_t free_bytes, floor_bytes;

	room_look(&spool->room, &free_bytes, &floor_bytes);
	return free_bytes < floor_bytes;
}

bool kept_expire(struct spool *spool, int64_t now_ms, unsigned most)
{
	int64_t keep_ms = spool->options.keep_delivered_ms;
	bool is_short = is_short_of_room(spool);
	unsigned left = most;
	size_t count;
	int64_t *hours = list_hours(spool, &count);

	for (size_t i = 0; i < count && left > 0; i++) {
		if ((hours[i] + 1) * HOUR_MS + keep_ms > now_ms &&
		    !(is_short && i == 0))
			break;
		remove_some(spool, hours[i], &left);
	}
	free(hours);
	return left == 0;
}
