/*
 * The spool as the programs that serve it have it: what the settings say, and
 * what is new or dead announced over Redis if they name one.
 */
#ifndef SPOOL_ANNOUNCED_H
#define SPOOL_ANNOUNCED_H

#include "base/announcer.h"
#include "base/config.h"
#include "spool/spool.h"

/* Opens both; fails as they do. The program's figures are kept under the name
 * `figures`, and must have been declared. */
MUST_CHECK bool announced_spool_open(const struct config *config,
    const char *figures, struct announcer **announcer, struct spool **spool,
    struct error *err);
/* Clears the pointers. */
void announced_spool_close(struct announcer **announcer, struct spool **spool);

#endif
