/* Domain names as text: whether the DNS can be asked for one, and how two of
 * them are related. Pure. */
#ifndef MAIL_DOMAIN_H
#define MAIL_DOMAIN_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

/* The longest name in dotted form (RFC 1035 section 2.3.4), with a NUL. */
#define DOMAIN_MAX 253
#define DOMAIN_SIZE (DOMAIN_MAX + 1)

/* The name in A-labels (RFC 5890) without a dot at its end. ASCII stays as it
 * is written. False if a label is empty or longer than 63 bytes, the whole is
 * too long, it has a blank or a control character, it is an address literal,
 * or its U-labels have no A-labels. */
bool domain_to_ascii(struct slice text, char out[DOMAIN_SIZE]);

/* Whether the DNS can be asked for it: labels of 1 to 63 bytes of any kind,
 * at most DOMAIN_MAX in all. */
bool domain_is_valid(const char *name);

/* What stands behind the last @ of an address; "" if there is none. */
const char *domain_of_address(const char *address);

/* Without regard to case. */
bool domain_equal(const char *a, const char *b);
/* Whether it is `parent` or below it. */
bool domain_is_within(const char *name, const char *parent);

/* How many labels it has; a valid name has at least one. */
unsigned domain_labels(const char *name);
/* The last `labels` labels of a name that has at least as many. */
const char *domain_suffix(const char *name, unsigned labels);

#endif
