/*
 * Networks as settings name them: each item of a list is one itself, or
 * "@/path" of a file of them (base/net.h says how it is written).
 */
#ifndef BASE_NETWORKS_H
#define BASE_NETWORKS_H

#include "base/buf.h"
#include "base/config.h"
#include "base/net.h"

#include <stdbool.h>

/* Adds all of them to the set. False if anything is wrong: then each fault has
 * a line in `faults` ("NAME: @/path line 3: ..."), and the rest was added. */
MUST_CHECK bool networks_read(const char *name, const struct list *items,
    struct cidr_set *set, struct buf *faults);

/* The same for those who only want to know. */
void networks_look(
    const char *name, const struct list *items, struct buf *faults);

#endif
