/*
 * Which mail domains are ours. Names compare without regard to case
 * (RFC 5321 section 2.4). Never changes after it was made: any thread.
 */
#ifndef SMTPD_DOMAINS_H
#define SMTPD_DOMAINS_H

#include "base/config.h"

#include <stdbool.h>
#include <stddef.h>

struct domains;

/* Copies the names. */
struct domains *domains_new(const struct list *names);
/* Clears the pointer; NULL is fine. */
void domains_free(struct domains **domains);

bool domains_has(const struct domains *domains, const char *name, size_t len);
/* The first of the list: where <postmaster> goes. NULL if there is none. */
const char *domains_first(const struct domains *domains);

#endif
