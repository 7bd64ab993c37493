#include "spool/guard.h"

#include "base/errors.h"
#include "base/log.h"
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define IDENTITY_SIZE 128
/* How long to wait for a program that has the spool to itself, or for one
 * that is just changing its lock. */
#define PATIENCE_MS 2000
#define STEP_MS 20

/* "boot <uuid> pidns <inode>\n": the same for all who may share a spool. */
static bool own_identity(char text[IDENTITY_SIZE], struct error *err)
{
	char boot[64] = "";
	struct stat st;
	size_t got;
	int fd;

	if (!os_open(AT_FDCWD, "/proc/sys/kernel/random/boot_id", O_RDONLY, 0,
		&fd, err))
		return false;
	if (!os_pread(fd, boot, sizeof(boot) - 1, 0, &got, err)) {
		os_close(&fd);
		return false;
	}
	os_close(&fd);
	boot[strcspn(boot, "\n")] = '\0';
	if (stat("/proc/self/ns/pid", &st) != 0)
		return error_errno(err, "cannot see the PID namespace");
	(void)snprintf(text, IDENTITY_SIZE, "boot %s pidns %llu\n", boot,
	    (unsigned long long)st.st_ino);
	return true;
}

/* Held alone: the identity is ours to write. */
static bool write_identity(int fd, const char *own, struct error *err)
{
	return os_ftruncate(fd, 0, err) &&
	       os_pwrite(fd, own, strlen(own), 0, err);
}

static bool same_identity(int fd, const char *own, struct error *err)
{
	char seen[IDENTITY_SIZE] = "";
	size_t got;

	if (!os_pread(fd, seen, sizeof(seen) - 1, 0, &got, err))
		return false;
	if (strcmp(seen, own) == 0)
		return true;
	return error_set(err, ERROR_CONFIG,
	    "the spool is in use from another PID namespace (or kernel): all "
	    "programs on one spool must share one; with containers share the "
	    "PID namespace");
}

static void wait_a_step(void)
{
	struct timespec step = {.tv_nsec = STEP_MS * 1000000L};

	(void)nanosleep(&step, NULL);
}

static bool enter(int fd, bool alone, const char *own, struct error *err)
{
	bool taken = false;

	for (int waited = 0; waited <= PATIENCE_MS; waited += STEP_MS) {
		/* First alone: whoever comes first leaves its identity. */
		if (!os_try_lock(fd, true, &taken, err))
			return false;
		if (taken && !write_identity(fd, own, err))
			return false;
		if (taken && alone)
			return true;
		if (!os_try_lock(fd, false, &taken, err))
			return false;
		if (taken && !same_identity(fd, own, err))
			return false;
		if (taken && !alone)
			return true;
		(void)flock(fd, LOCK_UN);
		wait_a_step();
	}
	return error_set(err, ERROR_BUSY,
	    alone ? "the spool is in use by another program: stop it first"
		  : "another program has the spool to itself (rebuild?)");
}

bool guard_enter(int root, bool alone, int *fd, struct error *err)
{
	char own[IDENTITY_SIZE];

	if (!own_identity(own, err) ||
	    !os_open(root, "run/identity", O_RDWR | O_CREAT, 0660, fd, err))
		return false;
	if (enter(*fd, alone, own, err))
		return true;
	os_close(fd);
	return false;
}

/* Others hold these locks for a moment at most, to see whether they can. */
static bool wait_for_lock(int *fd, const char *path, struct error *err)
{
	while (flock(*fd, LOCK_EX) != 0) {
		if (errno == EINTR)
			continue;
		(void)error_errno(err, "cannot lock %s", path);
		os_close(fd);
		return false;
	}
	return true;
}

bool guard_recovery(int root, int *fd, struct error *err)
{
	static const char path[] = "run/recovery";

	return os_open(root, path, O_RDWR | O_CREAT, 0660, fd, err) &&
	       wait_for_lock(fd, path, err);
}

bool guard_live(int root, const char *path, int *fd, struct error *err)
{
	return os_open(root, path, O_RDWR | O_CREAT | O_EXCL, 0660, fd, err) &&
	       wait_for_lock(fd, path, err);
}

bool guard_is_live(int root, const char *path)
{
	struct error ignored;
	bool taken = true;
	int fd;

	if (!os_open(root, path, O_RDWR, 0, &fd, &ignored))
		return ignored.kind != ERROR_NOT_FOUND;
	/* When unsure it lives: nothing of a living one may be touched. */
	if (!os_try_lock(fd, false, &taken, &ignored))
		taken = false;
	os_close(&fd);
	return !taken;
}

void guard_check_file_system(int root, const char *dir)
{
	static const struct {
		unsigned long magic;
		const char *name;
	} risky[] = {
	    {NFS_SUPER_MAGIC, "nfs"},
	    {SMB_SUPER_MAGIC, "smb"},
	    {0xFF534D42, "cifs"},
	    {0xFE534D42, "smb2"},
	    {FUSE_SUPER_MAGIC, "fuse"},
	    {V9FS_MAGIC, "9p"},
	};
	struct statfs fs;

	if (fstatfs(root, &fs) != 0)
		return;
	for (size_t i = 0; i < sizeof(risky) / sizeof(risky[0]); i++) {
		if ((unsigned long)fs.f_type == risky[i].magic)
			log_event(LOG_WARN, "spool_file_system",
			    LOG_TEXT("dir", dir),
			    LOG_TEXT("file_system", risky[i].name),
			    LOG_TEXT("text",
				"locks and syncs of this file system are not "
				"to be trusted: put the spool on a local "
				"disk"));
	}
}
