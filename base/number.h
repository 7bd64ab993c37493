/* Numbers in text: digits and nothing else, no sign and no blank, and never a
 * value that does not fit. Pure. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>

/* Reads the digits at the start of *text, at least one, and moves *text behind
 * them. False, and nothing moves, if there are none or the value is larger
 * than `most`. */
MUST_CHECK bool number_take(const char **text, uint64_t most, uint64_t *number);

/* The same for a text that is a number as a whole. */
MUST_CHECK bool number_parse(const char *text, uint64_t most, uint64_t *number);

/* A number that may have a fraction, "15" or "7.5": no exponent, and nothing
 * but decimal. */
MUST_CHECK bool number_parse_decimal(const char *text, double *number);

#endif
