#include "base/errors.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return false;
	err->kind = kind;
	va_start(args, format);
	(void)vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return false;
}

static enum error_kind kind_of_errno(int code)
{
	switch (code) {
	case ENOSPC:
	case EDQUOT:
		return ERROR_FULL;
	case ENOENT:
		return ERROR_NOT_FOUND;
	case EACCES:
	case EPERM:
	case EROFS:
	case ENOTDIR: /* a wrong path */
		return ERROR_CONFIG;
	default:
		return ERROR_IO;
	}
}

bool error_errno(struct error *err, const char *format, ...)
{
	int code = errno;
	va_list args;
	size_t used;

	if (err == NULL)
		return false;
	err->kind = kind_of_errno(code);
	va_start(args, format);
	(void)vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	used = strlen(err->text);
	(void)snprintf(err->text + used, sizeof(err->text) - used, ": %s",
	    strerrordesc_np(code));
	errno = code;
	return false;
}

int error_exit_code(enum error_kind kind)
{
	switch (kind) {
	case ERROR_NONE:
		return EX_OK;
	case ERROR_NOT_FOUND:
		return 1;
	case ERROR_PERMANENT:
	case ERROR_LIMIT:
		return 2;
	case ERROR_TEMPORARY:
	case ERROR_BUSY:
		return EX_TEMPFAIL;
	case ERROR_FULL:
	case ERROR_IO:
	case ERROR_CORRUPT:
		return EX_IOERR;
	case ERROR_CONFIG:
		return EX_CONFIG;
	}
	return EX_SOFTWARE;
}

void fatal(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)fputs("fatal: ", stderr);
	(void)vfprintf(stderr, format, args);
	(void)fputc('\n', stderr);
	va_end(args);
	abort();
}
