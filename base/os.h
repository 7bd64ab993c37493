/*
 * The file system, as far as durability depends on it. Nobody else calls
 * rename, link, unlink, fsync and their like, so that tests can count the
 * syncs and make any call fail (os_break_for_test).
 *
 * All functions return false and fill err as error_errno() does. All paths
 * are relative to a directory descriptor, or to the working directory with
 * AT_FDCWD. Thread-safe.
 */
#ifndef BASE_OS_H
#define BASE_OS_H

#include "base/buf.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct iovec;

/* Opens with O_CLOEXEC and O_NOFOLLOW added; *fd is -1 on failure. */
MUST_CHECK bool os_open(
    int dir, const char *path, int flags, mode_t mode, int *fd, struct error *);
/* Closes and sets -1; closing -1 is fine. Errors of close are meaningless
 * after a sync and ignored before one. */
void os_close(int *fd);

MUST_CHECK bool os_mkdir(
    int dir, const char *path, mode_t mode, struct error *);
/* Makes the folder and all above it that are missing. */
MUST_CHECK bool os_make_path(const char *path, mode_t mode, struct error *);
/* Writes all of it, from the file's position. */
MUST_CHECK bool os_write(int fd, const void *data, size_t len, struct error *);
/* Writes all of both, from the file's position, in one call when possible.
 * The vector is used up. */
MUST_CHECK bool os_writev(
    int fd, struct iovec *vector, int count, struct error *);
MUST_CHECK bool os_pwrite(
    int fd, const void *data, size_t len, off_t offset, struct error *);
/* Appends all of a text file that an operator names, through links too.
 * ERROR_LIMIT if it passes the limit of `out`, ERROR_PERMANENT if it holds a
 * NUL. A pipe is refused: what was read is gone for those who read again. */
MUST_CHECK bool os_read_file(
    const char *path, struct buf *out, struct error *err);
/* Reads up to len bytes at offset; *got is less only at the end of file. */
MUST_CHECK bool os_pread(
    int fd, void *data, size_t len, off_t offset, size_t *got, struct error *);

/* Tells the disk to begin writing these bytes, and does not wait. A hint: says
 * nothing about what reached it. */
void os_start_writing(int fd, off_t offset, off_t len);
/* Takes what is on disk of this file out of memory. A hint. */
void os_drop_cached(int fd);

/* After one of these failed, what was written is lost: never call it again
 * and hope (the kernel drops the dirty pages). */
MUST_CHECK bool os_fdatasync(int fd, struct error *);
MUST_CHECK bool os_fsync(int fd, struct error *);
MUST_CHECK bool os_syncfs(int fd, struct error *);

MUST_CHECK bool os_link(
    int from_dir, const char *from, int to_dir, const char *to, struct error *);
MUST_CHECK bool os_rename(
    int from_dir, const char *from, int to_dir, const char *to, struct error *);
/* Each gets the other's name, at once. */
MUST_CHECK bool os_exchange(
    int a_dir, const char *a, int b_dir, const char *b, struct error *);
bool os_unlink(int dir, const char *path, struct error *);
bool os_rmdir(int dir, const char *path, struct error *);
MUST_CHECK bool os_ftruncate(int fd, off_t size, struct error *);
/* Really allocates the blocks (posix_fallocate). */
MUST_CHECK bool os_allocate(int fd, off_t size, struct error *);

/* Bytes that an unprivileged user may still write on that file system, and
 * its size. */
MUST_CHECK bool os_free_space(
    int fd, uint64_t *free_bytes, uint64_t *total_bytes, struct error *);

/* Takes a whole-file lock (flock) without waiting; *taken tells. */
MUST_CHECK bool os_try_lock(
    int fd, bool exclusive, bool *taken, struct error *);

/* --- for tests -------------------------------------------------------- */

enum os_call {
	OS_OPEN,
	OS_WRITE,
	OS_FDATASYNC,
	OS_FSYNC,
	OS_SYNCFS,
	OS_LINK,
	OS_RENAME,
	OS_UNLINK,
	OS_CALLS
};

/* The nth next call of this kind (1 = the next) fails with this errno, and
 * all later ones too if `sticky`. 0 as nth mends it. */
void os_break_for_test(enum os_call call, unsigned nth, int code, bool sticky);
/* How many calls of this kind were made so far by this process. */
uint64_t os_count_for_test(enum os_call call);

#endif
