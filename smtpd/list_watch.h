/*
 * Which block lists answer. One that fails several questions in a row is left
 * out from then on, so that not every new client waits for it anew, until it
 * is heard again. Any thread.
 */
#ifndef SMTPD_LIST_WATCH_H
#define SMTPD_LIST_WATCH_H

#include "base/slice.h"

#include <stdbool.h>

struct list_watch;

struct list_watch *list_watch_new(void);
/* Clears the pointer; NULL is fine. */
void list_watch_free(struct list_watch **watch);

/* Whether LIMIT_LIST_FAILURES questions in a row failed. */
bool list_watch_is_silent(struct list_watch *watch, struct slice zone);
/* What came of a question. The log tells when a list falls silent, and when
 * it is heard again. */
void list_watch_note(
    struct list_watch *watch, struct slice zone, bool answered);

#endif
