/*
 * Tag lists (RFC 6376 section 3.2), such as `v=1; a=rsa-sha256; h=from:to`:
 * the form of DKIM signatures and key records, and of ARC's fields. Pure.
 *
 * Folds are blanks. A list with a repeated tag, a tag without "=", or a
 * character that does not belong there is none. Characters beyond ASCII are
 * let through (RFC 8616).
 */
#ifndef MAIL_TAG_LIST_H
#define MAIL_TAG_LIST_H

#include "base/arena.h"
#include "base/slice.h"
#include "bounds.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tag {
	struct slice name;
	struct slice value; /* without the blanks around it */
	struct slice space; /* all between the "=" and the ";" or the end */
};

struct tag_list {
	struct tag tags[LIMIT_TAGS]; /* more are a fault */
	size_t count;
};

/* The tags point into the text. NULL, or what is wrong with it (static). */
const char *tag_list_parse(struct slice text, struct tag_list *list);

/* The same for the fields of ARC, where comments may stand around the name of
 * i= and cv= (RFC 8617 section 3.9). */
const char *tag_list_parse_commented(struct slice text, struct tag_list *list);

/* Behind blanks, folds and comments (RFC 5322 section 3.2.2, CFWS). */
struct slice tag_skip_comments(struct slice text);
/* The one word in a text without those around it; if there is more, or
 * nothing, the text. */
struct slice tag_bare(struct slice text);

/* The tag of this name (which is case-sensitive); NULL if there is none. */
const struct tag *tag_list_get(const struct tag_list *list, const char *name);

/* Takes the next word off a list such as `from : to`, without its blanks. It
 * may be empty. False at the end; an empty list has one word, which is
 * empty. Begin with *rest = value and *ended = false. */
bool tag_next_word(struct slice *rest, bool *ended, struct slice *word);

/* Whether the word stands in the list. */
bool tag_has_word(struct slice value, const char *word);

/* A whole number of at most so many digits. */
bool tag_number(struct slice value, size_t digits, uint64_t *number);

/* Base64 with blanks anywhere, padded or not (RFC 6376 section 2.10), at least
 * one byte. The bytes are the arena's. */
bool tag_base64(
    struct slice value, struct arena *arena, uint8_t **bytes, size_t *len);

/* A copy without any blanks, as a string of the arena. */
const char *tag_squeeze(struct slice value, struct arena *arena);

#endif
