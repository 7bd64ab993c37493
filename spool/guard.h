/*
 * Who may use the spool: all of one kernel and one PID namespace (LMDB knows
 * its users by process id), or one program alone. And who lives: writers and
 * agents hold a lock for their life, so that others see when they died.
 */
#ifndef SPOOL_GUARD_H
#define SPOOL_GUARD_H

#include "error.h"

#include <stdbool.h>

/* Takes the spool's lock, shared or alone, in run/identity. ERROR_CONFIG: it
 * is in use from another PID namespace or boot. ERROR_BUSY: someone has it
 * alone, or (wanting it alone) someone has it at all. *fd holds the lock. */
MUST_CHECK bool guard_enter(int root, bool alone, int *fd, struct error *err);

/* Serialises those who make writers and those who clean up after dead ones.
 * Waits. */
MUST_CHECK bool guard_recovery(int root, int *fd, struct error *err);

/* Makes a file at `path` below root and holds its lock. */
MUST_CHECK bool guard_live(
    int root, const char *path, int *fd, struct error *err);
/* Whether the lock of such a file is held by anyone. A file that is not there
 * belongs to nobody alive. */
bool guard_is_live(int root, const char *path);

/* Warns in the log if the spool lies on a network or FUSE file system. */
void guard_check_file_system(int root, const char *dir);

#endif
