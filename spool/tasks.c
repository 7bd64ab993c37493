#include "spool/tasks.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

void tasks_add(
    struct tasks *tasks, const struct id *id, unsigned number, char byte)
{
	if (tasks->count == tasks->size) {
		tasks->size = tasks->size == 0 ? 64 : tasks->size * 2;
		tasks->items =
		    xrealloc(tasks->items, tasks->size * sizeof(*tasks->items));
	}
	tasks->items[tasks->count++] =
	    (struct task){.id = *id, .number = number, .byte = byte};
}

void tasks_drop(struct tasks *tasks, size_t count)
{
	if (count == 0)
		return;
	tasks->count -= count;
	memmove(tasks->items, tasks->items + count,
	    tasks->count * sizeof(*tasks->items));
}

void tasks_clear(struct tasks *tasks)
{
	tasks->count = 0;
}

void tasks_free(struct tasks *tasks)
{
	free(tasks->items);
	memset(tasks, 0, sizeof(*tasks));
}
