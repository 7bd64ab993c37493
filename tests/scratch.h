/* A folder for one test case. */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

/* A new empty folder below TMPDIR or /tmp; the caller gives the path to
 * scratch_remove(), which removes all of it and clears the pointer. */
char *scratch_make(void);
void scratch_remove(char **path);

#endif
