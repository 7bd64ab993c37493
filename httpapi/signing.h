/*
 * The keys with which mail of our domains is signed: HARAKA_DKIM_DIR, one
 * folder a domain with `private` (PEM) and `selector`. They are kept in memory
 * and looked at again every few seconds, so that a new key counts without a
 * restart. Any thread.
 */
#ifndef HTTPAPI_SIGNING_H
#define HTTPAPI_SIGNING_H

#include "base/buf.h"
#include "base/source.h"

#include <stdbool.h>

struct signing;

struct signing *signing_new(void);
/* Clears the pointer; NULL is fine. */
void signing_free(struct signing **signing);

/* Whether the folder has keys at all: then signing takes its time. Cheap. */
bool signing_is_on(struct signing *signing, const char *dir);

/* Appends the DKIM-Signature of the message if the domain (in lower case) has a
 * key; false if it has one that cannot be used, which err says. */
MUST_CHECK bool signing_sign(struct signing *signing, const char *dir,
    const char *domain, const struct source *message, struct buf *out,
    struct error *err);

#endif
