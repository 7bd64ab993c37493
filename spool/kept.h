/*
 * What was delivered and is kept for a while (KEEP_DELIVERED), for replay:
 * kept/<hour>/<id>, by the hour (UTC) in which the message ended. The index
 * knows nothing of it. An hour expires as a whole, and ahead of time when the
 * disk has no room for mail that comes in. INTERNALS.md, "Kept".
 */
#ifndef SPOOL_KEPT_H
#define SPOOL_KEPT_H

#include "spool/internal.h"
#include "spool/tasks.h"

/* Gives the files of these messages, which are about to end, a name among the
 * kept; durable when it returns. One that has no file is passed over. */
MUST_CHECK bool kept_add(struct spool *spool, const struct tasks *messages,
    int64_t now_ms, struct error *err);

/* Opens the file; ERROR_NOT_FOUND if it is not kept (any more). *hour is a
 * descriptor of its folder. */
MUST_CHECK bool kept_open(struct spool *spool, const struct id *id, int *hour,
    int *fd, struct error *err);

/* Calls each() for every file of a message that ended from since_ms on and
 * before until_ms (0 = now), to the hour, oldest hour first, until it returns
 * false. `hour` is a descriptor of its folder. */
typedef bool kept_each_fn(void *arg, int hour, const char *name);
MUST_CHECK bool kept_each(struct spool *spool, int64_t since_ms,
    int64_t until_ms, kept_each_fn *each, void *arg, struct error *err);

/* Removes at most `most` files of hours that ended more than KEEP_DELIVERED
 * ago, or of the oldest hour while the disk is short of room. True if there
 * may be more. */
bool kept_expire(struct spool *spool, int64_t now_ms, unsigned most);

#endif
