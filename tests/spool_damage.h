/* Damaging the spool of spool_fixture.h, and having it checked. */
#ifndef TESTS_SPOOL_DAMAGE_H
#define TESTS_SPOOL_DAMAGE_H

#include "spool/fsck.h"

/* A file in a folder of the spool. */
void path_of(char path[600], const char *folder, const char *name);
/* Overwrites one byte at an offset; from the end if it is negative. */
void flip(const char *path, long offset, char byte);
/* Far enough ahead that no file is young. */
void let_files_age(void);

/* Shows it if the environment has FSCK_SHOW. */
void on_found(void *arg, const struct finding *finding);
struct fsck_report check(struct spool *spool, bool repair);
void expect_clean(struct spool *spool);
/* Found, left alone without repair, repaired, and clean afterwards. */
void expect_repair(struct spool *spool, enum finding_kind kind);

#endif
