/* The bodies of parts, read step by step through the window that found them. */
#ifndef MAIL_MIME_READ_H
#define MAIL_MIME_READ_H

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

#endif
