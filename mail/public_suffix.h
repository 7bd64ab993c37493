/* The public suffix list: under which names others register theirs. The only
 * user of libpsl; any thread. */
#ifndef MAIL_PUBLIC_SUFFIX_H
#define MAIL_PUBLIC_SUFFIX_H

#include <stdbool.h>

/* The name that was registered, such as example.co.uk of a.b.example.co.uk: a
 * tail of `name`, which is in A-labels. A public suffix itself as a whole. */
const char *public_suffix_registered(const char *name);

/* Whether it is known as a suffix of a registry (not one that a company shares
 * with its customers, which the list also has). */
bool public_suffix_is_registry(const char *name);

/* Whether there is such a top-level domain. */
bool public_suffix_is_top(const char *label);

#endif
