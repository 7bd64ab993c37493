#include "spool/maildir.h"

#include "base/errors.h"
#include "base/log.h"
#include "base/os.h"
#include "spool/id.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const names[BOX_COUNT] = {
    [BOX_QUEUE] = "queue", [BOX_DEAD] = "dead", [BOX_ORPHAN] = "orphan"};

const char *box_name(enum box box)
{
	return names[box];
}

/* Opens a folder, making it first if that is wanted. */
static bool open_folder(
    int root, const char *path, bool create, int *fd, struct error *err)
{
	struct error why;

	if (create && mkdirat(root, path, 0770) != 0 && errno != EEXIST)
		return error_errno(err, "cannot make the folder %s", path);
	if (fd == NULL ||
	    os_open(root, path, O_RDONLY | O_DIRECTORY, 0, fd, &why))
		return true;
	if (why.kind == ERROR_NOT_FOUND)
		return error_set(err, ERROR_CONFIG,
		    "the folder %s of the spool is missing", path);
	return error_set(err, why.kind, "%.390s", why.text);
}

/* Asks ext4 to put each folder made in this one into another block group (as
 * `chattr +T`): after many files were deleted it searches their group for a
 * free inode for a minute. Others need no hint. */
static void spread_folders(int root, const char *path)
{
	int flags, fd = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
		flags |= FS_TOPDIR_FL;
		(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
	os_close(&fd);
}

static bool open_box(
    struct maildirs *dirs, enum box box, bool create, struct error *err)
{
	char path[32];
	int fd = -1;
	bool done;

	if (!open_folder(dirs->root, names[box], create, &fd, err))
		return false;
	(void)snprintf(path, sizeof(path), "%s/tmp", names[box]);
	done = open_folder(dirs->root, path, create, NULL, err);
	if (done && create && box == BOX_QUEUE)
		spread_folders(dirs->root, path);
	(void)snprintf(path, sizeof(path), "%s/new", names[box]);
	done = done &&
	       open_folder(dirs->root, path, create, &dirs->fresh[box], err);
	(void)snprintf(path, sizeof(path), "%s/cur", names[box]);
	done = done &&
	       open_folder(dirs->root, path, create, &dirs->seen[box], err);
	if (done && create)
		done = os_fsync(fd, err);
	os_close(&fd);
	return done;
}

bool maildirs_open(
    struct maildirs *dirs, int root, bool create, struct error *err)
{
	dirs->root = root;
	for (int i = 0; i < BOX_COUNT; i++)
		dirs->fresh[i] = dirs->seen[i] = -1;
	for (int i = 0; i < BOX_COUNT; i++) {
		if (!open_box(dirs, (enum box)i, create, err)) {
			maildirs_close(dirs);
			return false;
		}
	}
	return !create || os_fsync(root, err);
}

void maildirs_close(struct maildirs *dirs)
{
	for (int i = 0; i < BOX_COUNT; i++) {
		os_close(&dirs->fresh[i]);
		os_close(&dirs->seen[i]);
	}
}

bool maildir_name_id(const char *name, struct id *id)
{
	char text[ID_TEXT + 1];
	size_t len = strcspn(name, ":");

	if (len != ID_TEXT)
		return false;
	memcpy(text, name, ID_TEXT);
	text[ID_TEXT] = '\0';
	return id_parse(text, id);
}

static DIR *open_listing(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir == NULL && fd >= 0)
		(void)close(fd);
	return dir;
}

/* The name that a mail reader gave the message in cur: an id, ":2," and flags
 * in alphabetical order. Those of the Maildir specification are 64 names, and
 * asking for them is cheaper than reading a folder of thousands. */
static bool guess_in_cur(
    const struct maildirs *dirs, enum box box, const char *id, char name[256])
{
	static const char flags[] = "DFPRST";

	for (unsigned set = 0; set < 1U << (sizeof(flags) - 1); set++) {
		size_t len = (size_t)snprintf(name, 256, "%.26s:2,", id);

		for (size_t i = 0; i < sizeof(flags) - 1; i++) {
			if ((set >> i & 1U) != 0)
				name[len++] = flags[i];
		}
		name[len] = '\0';
		if (faccessat(
			dirs->seen[box], name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	}
	return false;
}

/* Whatever stands behind the id. */
static bool search_in_cur(
    const struct maildirs *dirs, enum box box, const char *id, char name[256])
{
	DIR *dir = open_listing(dirs->seen[box]);
	struct dirent *entry;
	bool found = false;

	if (dir == NULL)
		return false;
	while (!found && (entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, id, ID_TEXT) == 0 &&
		    (entry->d_name[ID_TEXT] == '\0' ||
			entry->d_name[ID_TEXT] == ':')) {
			(void)snprintf(name, 256, "%s", entry->d_name);
			found = true;
		}
	}
	(void)closedir(dir);
	return found;
}

static bool find_in_cur(
    const struct maildirs *dirs, enum box box, const char *id, char name[256])
{
	return guess_in_cur(dirs, box, id, name) ||
	       search_in_cur(dirs, box, id, name);
}

/* Where the message is: *folder and name. */
static bool locate(const struct maildirs *dirs, enum box box, const char *id,
    int *folder, char name[256])
{
	(void)snprintf(name, 256, "%s", id);
	*folder = dirs->fresh[box];
	if (faccessat(*folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	*folder = dirs->seen[box];
	return find_in_cur(dirs, box, id, name);
}

bool maildir_has(const struct maildirs *dirs, enum box box, const char *id)
{
	char name[256];
	int folder;

	return locate(dirs, box, id, &folder, name);
}

unsigned maildir_names(const struct maildirs *dirs, const char *id)
{
	char name[256];
	struct stat st;
	int folder;

	if (!locate(dirs, BOX_QUEUE, id, &folder, name))
		return maildir_has(dirs, BOX_DEAD, id) ? BOX_BIT(BOX_DEAD) : 0;
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_nlink == 1)
		return BOX_BIT(BOX_QUEUE);
	return BOX_BIT(BOX_QUEUE) |
	       (maildir_has(dirs, BOX_DEAD, id) ? BOX_BIT(BOX_DEAD) : 0);
}

bool maildir_open_file(const struct maildirs *dirs, enum box box,
    const char *id, int flags, int *fd, struct error *err)
{
	struct error first;
	char name[256];

	if (os_open(dirs->fresh[box], id, flags, 0, fd, &first))
		return true;
	if (first.kind == ERROR_NOT_FOUND && find_in_cur(dirs, box, id, name))
		return os_open(dirs->seen[box], name, flags, 0, fd, err);
	return error_set(
	    err, first.kind, "%s/new: %.300s", names[box], first.text);
}

bool maildir_link(const struct maildirs *dirs, enum box from, enum box to,
    const char *id, struct error *err)
{
	char name[256];
	int folder;

	if (maildir_has(dirs, to, id))
		return true;
	if (!locate(dirs, from, id, &folder, name))
		return error_set(err, ERROR_NOT_FOUND,
		    "the file of %s is not in %s", id, names[from]);
	return os_link(folder, name, dirs->fresh[to], id, err);
}

bool maildir_link_to(const struct maildirs *dirs, enum box from, const char *id,
    int folder, struct error *err)
{
	char name[256];
	int home;

	if (!locate(dirs, from, id, &home, name))
		return error_set(err, ERROR_NOT_FOUND,
		    "the file of %s is not in %s", id, names[from]);
	return faccessat(folder, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	       os_link(home, name, folder, id, err);
}

bool maildir_unlink(const struct maildirs *dirs, enum box box, const char *id,
    struct error *err)
{
	struct error first;
	char name[256];

	if (os_unlink(dirs->fresh[box], id, &first))
		return true;
	if (first.kind != ERROR_NOT_FOUND)
		return error_set(err, first.kind, "%.390s", first.text);
	if (!find_in_cur(dirs, box, id, name))
		return true;
	return os_unlink(dirs->seen[box], name, err);
}

/* A name in the orphans that no other file has; *same if this very file has
 * it. */
static bool free_name(const struct maildirs *dirs, const struct stat *file,
    const char *name, char free[256], bool *same, struct error *err)
{
	struct stat st;

	*same = false;
	for (int i = 1; i < 100; i++) {
		(void)snprintf(
		    free, 256, i == 1 ? "%.240s" : "%.240s,%d", name, i);
		if (fstatat(dirs->fresh[BOX_ORPHAN], free, &st,
			AT_SYMLINK_NOFOLLOW) != 0)
			return true;
		*same = st.st_ino == file->st_ino && st.st_dev == file->st_dev;
		if (*same)
			return true;
	}
	return error_set(err, ERROR_IO, "too many orphans are called %s", name);
}

bool maildir_set_aside(const struct maildirs *dirs, int folder,
    const char *name, struct error *err)
{
	char free[256];
	struct stat st;
	bool same;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return error_errno(err, "cannot set %s aside", name);
	if (!free_name(dirs, &st, name, free, &same, err))
		return false;
	if (same)
		return os_unlink(folder, name, err);
	if (!os_rename(folder, name, dirs->fresh[BOX_ORPHAN], free, err))
		return false;
	log_event(LOG_WARN, "orphan_set_aside", LOG_TEXT("id", free));
	/* rename() keeps the modification time; the orphan's age counts from
	 * now. */
	(void)utimensat(
	    dirs->fresh[BOX_ORPHAN], free, NULL, AT_SYMLINK_NOFOLLOW);
	return true;
}

bool maildir_sync(const struct maildirs *dirs, enum box box, struct error *err)
{
	return os_fsync(dirs->fresh[box], err);
}

static bool each_of(enum box box, int folder, maildir_each_fn *each, void *arg,
    bool *go_on, struct error *err)
{
	DIR *dir = open_listing(folder);
	struct dirent *entry;

	if (dir == NULL)
		return error_errno(err, "cannot list %s", names[box]);
	while (*go_on && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			*go_on = each(arg, box, folder, entry->d_name);
	}
	(void)closedir(dir);
	return true;
}

bool maildir_each(const struct maildirs *dirs, enum box box,
    maildir_each_fn *each, void *arg, struct error *err)
{
	bool go_on = true;

	return each_of(box, dirs->fresh[box], each, arg, &go_on, err) &&
	       (!go_on ||
		   each_of(box, dirs->seen[box], each, arg, &go_on, err));
}
