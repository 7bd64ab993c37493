/*
 * Message ids are ULIDs: 48 bits of milliseconds since 1970, 80 random bits,
 * written as 26 characters of Crockford's base 32. They sort by time, as
 * bytes and as text.
 */
#ifndef SPOOL_ID_H
#define SPOOL_ID_H

#include "envelope.h"

#include <stdbool.h>

/* A new id for this moment. Any thread. */
struct id id_new(void);
/* Writes 26 characters and a NUL. */
void id_format(const struct id *id, char text[ID_TEXT + 1]);
/* Reads exactly 26 characters in either case; false if they are no ULID. */
bool id_parse(const char *text, struct id *id);
/* The moment in the id, milliseconds since 1970. */
int64_t id_time_ms(const struct id *id);

#endif
