/* Filling and reading struct error (include/error.h). */
#ifndef BASE_ERRORS_H
#define BASE_ERRORS_H

#include "error.h"

#include <stdbool.h>

/* Fills err (which may be NULL) with one sentence and returns false, so that
 * a failing function ends with `return error_set(...)`. */
bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The same for a failed system call: appends ": " and the text of errno, and
 * chooses the kind from it (ENOSPC and EDQUOT are ERROR_FULL, ENOENT is
 * ERROR_NOT_FOUND, EACCES, EPERM and EROFS are ERROR_CONFIG, all else is
 * ERROR_IO). errno is read first and left as it was. */
bool error_errno(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* What a program exits with for a failure of this kind, a sysexits(3) code
 * where there is one. */
int error_exit_code(enum error_kind kind);

/* The host cannot run us (no memory, no entropy, a call that cannot fail
 * failed): says why on standard error and aborts. Never for what a peer, a
 * file or an operator did. */
_Noreturn void fatal(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
