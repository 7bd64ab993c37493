/* A growing list of small things to do to messages, by id. */
#ifndef SPOOL_TASKS_H
#define SPOOL_TASKS_H

#include "envelope.h"

#include <stddef.h>

struct task {
	struct id id;
	unsigned number; /* names (enum doomed_names), or a recipient */
	char byte;       /* a status byte */
};

struct tasks {
	struct task *items;
	size_t count, size;
};

void tasks_add(
    struct tasks *tasks, const struct id *id, unsigned number, char byte);
/* Drops the first `count`. */
void tasks_drop(struct tasks *tasks, size_t count);
void tasks_clear(struct tasks *tasks);
void tasks_free(struct tasks *tasks);

#endif
