#include "scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char *scratch_make(void)
{
	const char *base = getenv("TMPDIR");
	char *path = NULL;

	if (asprintf(&path, "%s/elektrine-XXXXXX",
		base != NULL ? base : "/tmp") < 0 ||
	    mkdtemp(path) == NULL)
		abort();
	return path;
}

static int remove_one(
    const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

void scratch_remove(char **path)
{
	if (*path != NULL)
		(void)nftw(*path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(*path);
	*path = NULL;
}
