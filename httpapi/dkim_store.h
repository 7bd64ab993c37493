/*
 * The DKIM keys on disk, as the signers read them:
 *
 *   <dir>/<domain>/private        the key in PEM, for its owner alone
 *   <dir>/<domain>/selector       its selector
 *   <dir>/<domain>/next/...       the same of a key that is to follow
 *
 * A domain's folder is exchanged as a whole: who reads sees the old key with
 * the old selector or the new one with the new. All of it is on the disk when
 * a function returns. One caller at a time changes a store.
 */
#ifndef HTTPAPI_DKIM_STORE_H
#define HTTPAPI_DKIM_STORE_H

#include "base/arena.h"
#include "base/slice.h"
#include "error.h"

#include <stdbool.h>

/* A key as stored; the arena's. */
struct dkim_stored {
	const char *selector;
	struct slice pem; /* wipe it */
};

/* Whether the text can be a domain here, in lower case: labels of letters,
 * digits and '-', at least two. So it is no path either. */
bool dkim_store_is_domain(const char *text);
/* One or more such labels ('_' too), so that the record's name is not too
 * long. */
bool dkim_store_is_selector(const char *text, const char *domain);

/* Reads the key (or the next one). ERROR_NOT_FOUND if there is none,
 * ERROR_CONFIG if only half of it is. */
MUST_CHECK bool dkim_store_read(const char *dir, const char *domain, bool next,
    struct arena *arena, struct dkim_stored *stored, struct error *err);
/* Stores a key in place of what there was; of a next one beside it. */
MUST_CHECK bool dkim_store_write(const char *dir, const char *domain, bool next,
    const char *selector, struct slice pem, struct error *err);
/* The key and the next one go. ERROR_NOT_FOUND if there was none. */
MUST_CHECK bool dkim_store_delete(
    const char *dir, const char *domain, struct error *err);

#endif
