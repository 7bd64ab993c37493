/* What a process may do on its host: descriptors and the account it runs as.
 * Called before any thread is made. */
#ifndef BASE_PRIVILEGE_H
#define BASE_PRIVILEGE_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>

/* Lets the process have this many open descriptors, and lowers nothing; 0 is as
 * many as the host allows. ERROR_CONFIG if it forbids them. */
MUST_CHECK bool privilege_raise_descriptors(uint64_t count, struct error *err);

/*
 * Becomes `user` with its groups, for good; NULL stays who we are. Before
 * that, root makes the folder `dir` for the user if it is missing. Afterwards
 * the user must be able to work in it, and cannot gain privileges by running
 * another program. ERROR_CONFIG names what the operator must change.
 */
MUST_CHECK bool privilege_drop(
    const char *user, const char *dir, struct error *err);

#endif
