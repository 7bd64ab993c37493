/* Tables of questions to mail/spf. */
#ifndef TESTS_SPF_ROWS_H
#define TESTS_SPF_ROWS_H

#include "envelope.h"

#include <stddef.h>

/* Rows leave out what is as usual. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* One question in one zone. Unset: ip 192.0.2.1, helo h.test, sender
 * s@e.test. */
struct row {
	const char *zone;
	enum auth_result result;
	const char *explanation;
	const char *ip, *helo, *sender;
};

/* Fails the test at the first row that is answered otherwise. */
void check_rows(const struct row *rows, size_t count);

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

#define LABEL_63                                                               \
	"a23456789b123456789c123456789d123456789e123456789f123456789g123"
#define LABEL_64 LABEL_63 "x"

#endif
