/*
 * Memory that dies together: what a transaction or a parse allocates is
 * released in one go. Not shared by threads.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "error.h"

#include <stddef.h>

struct arena;

struct arena *arena_new(void);
/* Frees everything that came from it and clears the pointer; NULL is fine. */
void arena_free(struct arena **arena);
/* Forgets everything but keeps one block, for the next use. */
void arena_reset(struct arena *arena);

/* Takes all memory of *from over, and clears the pointer. */
void arena_adopt(struct arena *arena, struct arena **from);

/* Never NULL; aligned for any type; the bytes are not cleared. */
void *arena_alloc(struct arena *arena, size_t size);
/* Cleared. */
void *arena_zalloc(struct arena *arena, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t len);
char *arena_printf(struct arena *arena, const char *format, ...)
    PRINTF_LIKE(2, 3);

#endif
