/*
 * Phoenix refuses our key: until an operator acts nothing is known of our
 * domains or recipients. It is told when it begins, whatever failed before,
 * and then once a minute while calls are made. Not thread-safe: its owner sees
 * to that.
 */
#ifndef SMTPD_KEY_WATCH_H
#define SMTPD_KEY_WATCH_H

#include "base/phoenix.h"

#include <stdbool.h>
#include <stdint.h>

/* Zeroed at the start. */
struct key_watch {
	bool told;
	int64_t told_ms;
};

/* Whether this answer to a call ("verify") refuses the key; logs it. */
bool key_watch_refused(struct key_watch *watch, const char *call,
    const struct phoenix_answer *answer);

#endif
