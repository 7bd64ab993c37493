/*
 * Wake-ups between the programs of one spool: an empty datagram to the socket
 * of every agent, in run/agents. They carry no data and may be lost: agents
 * also poll.
 */
#ifndef SPOOL_NOTIFY_H
#define SPOOL_NOTIFY_H

#include "error.h"

#include <stdbool.h>

struct notifier;

/* `root` is borrowed. */
struct notifier *notifier_new(int root);
void notifier_free(struct notifier **notifier);
/* Wakes all agents. Never waits for one. Any thread. */
void notifier_wake(struct notifier *notifier);

/* The receiving side: binds run/agents/<name>.sock. Non-blocking. */
MUST_CHECK bool notify_listen(
    int root, const char *name, int *fd, struct error *err);
/* Empties it. */
void notify_drain(int fd);

#endif
