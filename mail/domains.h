/*
 * A set of mail domains. Names compare without regard to case (RFC 5321 section
 * 2.4), and U-labels with their A-labels (RFC 5890). Never changes after it was
 * made: any thread.
 */
#ifndef MAIL_DOMAINS_H
#define MAIL_DOMAINS_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct domains;

/* Whether it can be one of a set: a domain as it stands in an address. */
bool domains_can_have(struct slice name);

/* Copies the names; what can be none is left out. */
struct domains *domains_new(const char *const *names, size_t count);
/* The same of names that stand one a line. */
struct domains *domains_of_lines(struct slice lines);
/* Clears the pointer; NULL is fine. */
void domains_free(struct domains **domains);

bool domains_has(const struct domains *domains, const char *name, size_t len);
size_t domains_count(const struct domains *domains);
/* The first of the list: where <postmaster> goes. NULL if there is none. */
const char *domains_first(const struct domains *domains);

#endif
