/* File names that strangers gave to attachments. Pure. */
#ifndef MAIL_FILENAME_H
#define MAIL_FILENAME_H

#include "base/arena.h"
#include "base/slice.h"

/* A name to show and to store under: percent-encoding undone where it is
 * meant so, only the last component of a path, no control characters, at most
 * LIMIT_FILENAME bytes of UTF-8 with its extension kept. NULL if nothing is
 * left. The result is the arena's. */
const char *filename_clean(struct slice name, struct arena *arena);

/* The media type that the name's extension stands for;
 * "application/octet-stream" if it is unknown. */
const char *filename_media_type(struct slice name);

/* What follows the last dot of the name, if a name stands before it. */
struct slice filename_extension(struct slice name);

/* The table behind filename_media_type, in order, for its test. */
struct media_type {
	const char *extension; /* lower case */
	const char *type;
};
extern const struct media_type media_types[];
extern const size_t media_type_count;

#endif
