#include "base/os.h"

#include "base/errors.h"
#include "base/unconst.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

static _Atomic uint64_t calls[OS_CALLS];
static _Atomic unsigned fuse[OS_CALLS]; /* 0: whole; n: the nth call fails */
static _Atomic int failure[OS_CALLS];
static _Atomic bool broken_for_good[OS_CALLS];

/* Counts the call, and says whether a test wants it to fail. */
static bool trips(enum os_call call)
{
	unsigned left;

	atomic_fetch_add_explicit(&calls[call], 1, memory_order_relaxed);
	left = atomic_load_explicit(&fuse[call], memory_order_relaxed);
	if (left == 0)
		return false;
	if (left > 1) {
		atomic_fetch_sub(&fuse[call], 1);
		return false;
	}
	if (!atomic_load(&broken_for_good[call]))
		atomic_store(&fuse[call], 0);
	errno = atomic_load(&failure[call]);
	return true;
}

void os_break_for_test(enum os_call call, unsigned nth, int code, bool sticky)
{
	atomic_store(&failure[call], code);
	atomic_store(&broken_for_good[call], sticky);
	atomic_store(&fuse[call], nth);
}

uint64_t os_count_for_test(enum os_call call)
{
	return atomic_load(&calls[call]);
}

bool os_open(int dir, const char *path, int flags, mode_t mode, int *fd,
    struct error *err)
{
	*fd = -1;
	if (trips(OS_OPEN))
		return error_errno(err, "cannot open %s", path);
	do
		*fd = openat(dir, path, flags | O_CLOEXEC | O_NOFOLLOW, mode);
	while (*fd < 0 && errno == EINTR);
	if (*fd < 0)
		return error_errno(err, "cannot open %s", path);
	return true;
}

void os_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

bool os_mkdir(int dir, const char *path, mode_t mode, struct error *err)
{
	if (mkdirat(dir, path, mode) != 0)
		return error_errno(err, "cannot make the folder %s", path);
	return true;
}

bool os_make_path(const char *path, mode_t mode, struct error *err)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return error_set(
		    err, ERROR_CONFIG, "the path of a folder is too long");
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, mode) == 0 || errno == EEXIST)
			continue;
		(void)error_errno(err, "cannot make the folder %s", part);
		/* As in /proc: one that nobody can make. */
		if (err != NULL && err->kind == ERROR_NOT_FOUND)
			err->kind = ERROR_CONFIG;
		return false;
	}
	return true;
}

bool os_write(int fd, const void *data, size_t len, struct error *err)
{
	struct iovec one = {.iov_base = unconst(data), .iov_len = len};

	return os_writev(fd, &one, 1, err);
}

bool os_writev(int fd, struct iovec *vector, int count, struct error *err)
{
	ssize_t written;

	while (count > 0) {
		if (trips(OS_WRITE))
			return error_errno(err, "cannot write");
		written = writev(fd, vector, count);
		if (written < 0) {
			if (errno == EINTR)
				continue;
			return error_errno(err, "cannot write");
		}
		while (count > 0 && (size_t)written >= vector->iov_len) {
			written -= (ssize_t)vector->iov_len;
			vector++;
			count--;
		}
		if (count > 0) {
			vector->iov_base = (char *)vector->iov_base + written;
			vector->iov_len -= (size_t)written;
		}
	}
	return true;
}

bool os_pwrite(
    int fd, const void *data, size_t len, off_t offset, struct error *err)
{
	const char *bytes = data;
	ssize_t written;

	while (len > 0) {
		if (trips(OS_WRITE))
			return error_errno(err, "cannot write");
		written = pwrite(fd, bytes, len, offset);
		if (written < 0) {
			if (errno == EINTR)
				continue;
			return error_errno(err, "cannot write");
		}
		bytes += written;
		offset += written;
		len -= (size_t)written;
	}
	return true;
}

bool os_pread(int fd, void *data, size_t len, off_t offset, size_t *got,
    struct error *err)
{
	char *bytes = data;
	ssize_t count;

	*got = 0;
	while (*got < len) {
		count =
		    pread(fd, bytes + *got, len - *got, offset + (off_t)*got);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_errno(err, "cannot read");
		if (count == 0)
			break;
		*got += (size_t)count;
	}
	return true;
}

bool os_read_file(const char *path, struct buf *out, struct error *err)
{
	static const size_t piece = (size_t)64 * 1024;
	size_t got = 1;
	off_t offset = 0;
	bool done = true;
	char *room;
	/* Through links: mounted settings are some. And no pipe is waited
	 * for. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return error_errno(err, "cannot open %s", path);
	while (done && got > 0) {
		room = buf_room(out, piece);
		if (room == NULL) {
			done = error_set(err, ERROR_LIMIT,
			    "the file passes %zu bytes", out->limit - piece);
			break;
		}
		done = os_pread(fd, room, piece, offset, &got, err);
		if (done && memchr(room, '\0', got) != NULL)
			done = error_set(
			    err, ERROR_PERMANENT, "the file holds a NUL byte");
		if (done)
			buf_added(out, got);
		offset += (off_t)got;
	}
	os_close(&fd);
	return done;
}

void os_start_writing(int fd, off_t offset, off_t len)
{
	(void)sync_file_range(fd, offset, len, SYNC_FILE_RANGE_WRITE);
}

void os_drop_cached(int fd)
{
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

bool os_fdatasync(int fd, struct error *err)
{
	if (trips(OS_FDATASYNC) || fdatasync(fd) != 0)
		return error_errno(err, "fdatasync failed");
	return true;
}

bool os_fsync(int fd, struct error *err)
{
	if (trips(OS_FSYNC) || fsync(fd) != 0)
		return error_errno(err, "fsync failed");
	return true;
}

bool os_syncfs(int fd, struct error *err)
{
	if (trips(OS_SYNCFS) || syncfs(fd) != 0)
		return error_errno(err, "syncfs failed");
	return true;
}

bool os_link(int from_dir, const char *from, int to_dir, const char *to,
    struct error *err)
{
	if (trips(OS_LINK) || linkat(from_dir, from, to_dir, to, 0) != 0)
		return error_errno(err, "cannot link %s to %s", from, to);
	return true;
}

bool os_rename(int from_dir, const char *from, int to_dir, const char *to,
    struct error *err)
{
	if (trips(OS_RENAME) || renameat(from_dir, from, to_dir, to) != 0)
		return error_errno(err, "cannot rename %s to %s", from, to);
	return true;
}

bool os_exchange(
    int a_dir, const char *a, int b_dir, const char *b, struct error *err)
{
	if (trips(OS_RENAME) ||
	    renameat2(a_dir, a, b_dir, b, RENAME_EXCHANGE) != 0)
		return error_errno(err, "cannot exchange %s and %s", a, b);
	return true;
}

bool os_unlink(int dir, const char *path, struct error *err)
{
	if (trips(OS_UNLINK) || unlinkat(dir, path, 0) != 0)
		return error_errno(err, "cannot unlink %s", path);
	return true;
}

bool os_rmdir(int dir, const char *path, struct error *err)
{
	if (unlinkat(dir, path, AT_REMOVEDIR) != 0)
		return error_errno(err, "cannot remove the folder %s", path);
	return true;
}

bool os_ftruncate(int fd, off_t size, struct error *err)
{
	if (ftruncate(fd, size) != 0)
		return error_errno(err, "cannot cut the file");
	return true;
}

bool os_allocate(int fd, off_t size, struct error *err)
{
	int code = posix_fallocate(fd, 0, size);

	if (code != 0) {
		errno = code;
		return error_errno(err, "cannot allocate the file");
	}
	return true;
}

bool os_free_space(
    int fd, uint64_t *free_bytes, uint64_t *total_bytes, struct error *err)
{
	struct statvfs fs;

	if (fstatvfs(fd, &fs) != 0)
		return error_errno(err, "cannot ask the file system for room");
	*free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	*total_bytes = (uint64_t)fs.f_blocks * fs.f_frsize;
	return true;
}

bool os_try_lock(int fd, bool exclusive, bool *taken, struct error *err)
{
	int result;

	do
		result = flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB);
	while (result != 0 && errno == EINTR);
	*taken = result == 0;
	if (result != 0 && errno != EWOULDBLOCK)
		return error_errno(err, "cannot lock");
	return true;
}
