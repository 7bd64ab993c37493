/* What programs remember, beside the messages: rows of `meta`. */
#include "base/errors.h"
#include "spool/internal.h"

#include <assert.h>
#include <stdio.h>

/* A transaction is repeated after the map has grown. */
#define TRIES 3
#define NAME_SIZE (sizeof("memo/") + 64)

static void row_name(const char *name, char out[NAME_SIZE])
{
	int len = snprintf(out, NAME_SIZE, "memo/%s", name);

	assert(len > 0 && (size_t)len < NAME_SIZE);
}

bool spool_can_remember(const struct spool *spool)
{
	return spool->options.access != SPOOL_READ;
}

bool spool_remember(struct spool *spool, const char *name, const void *data,
    size_t len, struct error *err)
{
	struct index_txn *txn;
	char row[NAME_SIZE];

	row_name(name, row);
	for (int i = 0; i < TRIES; i++) {
		if (!spool_write_begin(spool, &txn, err))
			return false;
		meta_put(txn, row, data, len);
		if (spool_txn_commit(spool, &txn, err))
			return true;
		if (err->kind != ERROR_TEMPORARY)
			return false;
	}
	return false;
}

bool spool_recall(
    struct spool *spool, const char *name, struct buf *out, struct error *err)
{
	struct index_txn *txn;
	struct bytes value;
	char row[NAME_SIZE];
	bool done = true;

	row_name(name, row);
	if (!spool_read_begin(spool, &txn, err))
		return false;
	if (meta_get(txn, row, &value) &&
	    !buf_append(out, value.data, value.len))
		done = error_set(err, ERROR_LIMIT,
		    "what is remembered as %s is %zu "
		    "bytes long",
		    name, value.len);
	spool_txn_abort(spool, &txn);
	return done;
}
