/* The bodies of parts, read step by step through the window that found them. */
#ifndef MAIL_MIME_READ_H
#define MAIL_MIME_READ_H

#include "base/buf.h"
#include "base/window.h"
#include "mail/mime.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes per step: whole groups of three. */
#define MIME_STEP ((size_t)48 * 1024)

/* The next bytes of a part's body, from the offset `at` on, as they are;
 * *last if they are its last. */
MUST_CHECK bool mime_see(struct window *window, const struct mime_part *part,
    uint64_t at, const char **data, size_t *len, bool *last, struct error *err);

/* How many bytes the body decodes to. */
MUST_CHECK bool mime_measure(struct window *window,
    const struct mime_part *part, uint64_t *size, struct error *err);

/* Appends what the body decodes to; *fits is false if out's limit ended it. */
MUST_CHECK bool mime_decode(struct window *window, const struct mime_part *part,
    struct buf *out, bool *fits, struct error *err);

/* Whether it is text that may have files in uuencode among its lines. */
bool mime_may_hold_files(const struct mime_part *part);
/* Those files as parts: the arena's. They belong to no multipart. */
MUST_CHECK bool mime_find_files(struct window *window,
    const struct mime_part *text, struct arena *arena, struct mime_part **files,
    size_t *count, struct error *err);

#endif
