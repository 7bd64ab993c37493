/* What the header block of a part says about it: for mime.c. */
#ifndef MAIL_MIME_HEADER_H
#define MAIL_MIME_HEADER_H

#include "base/slice.h"
#include "mail/mime.h"

/* Fills type, charset, boundary, disposition, filename, content id and
 * encoding of the part. `scratch` is reset. */
void mime_header_read(struct slice block, struct arena *arena,
    struct arena *scratch, struct mime_part *part);

#endif
