/* Watches for lines "begin " while a message streams in: behind them may be
 * files (mail/uuencode.h). Pure, and fast: almost no mail has any. */
#ifndef SMTPD_UUENCODE_WATCH_H
#define SMTPD_UUENCODE_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#define UUENCODE_WATCH_LINE 7 /* "\nbegin " */

/* All zero at first. */
struct uuencode_watch {
	bool seen;
	char last[UUENCODE_WATCH_LINE - 1]; /* bytes before the next piece */
	size_t len;
};

/* The next bytes of the content. */
void uuencode_watch_read(
    struct uuencode_watch *watch, const char *bytes, size_t len);

#endif
