/* What the header block of a part says about it: for mime.c, and for those who
 * distrust it. */
#ifndef MAIL_MIME_HEADER_H
#define MAIL_MIME_HEADER_H

#include "base/slice.h"
#include "mail/mime.h"

/* Fills type, charset, boundary, disposition, filename, content id and
 * encoding of the part. `scratch` is reset. */
void mime_header_read(struct slice block, struct arena *arena,
    struct arena *scratch, struct mime_part *part);

/* Takes a name; false ends it. */
typedef bool mime_name_fn(void *arg, const char *name);

/* Each file name that some reader may see, as filename_clean() leaves it: of
 * every Content-Type and Content-Disposition, of every parameter, also where
 * another one counts. Some come twice. `scratch` is reset. False if `tell`
 * ended it. */
bool mime_header_names(
    struct slice block, struct arena *scratch, mime_name_fn *tell, void *arg);

#endif
