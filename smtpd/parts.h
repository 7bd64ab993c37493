/* The parts of the message at hand, found once for all checks of the stage
 * MESSAGE that look at them. */
#ifndef SMTPD_PARTS_H
#define SMTPD_PARTS_H

#include "base/window.h"
#include "mail/mime.h"
#include "smtpd/check.h"

#include <stdbool.h>

/* Messages up to this size, in bytes, are looked at where their session
 * lives: that takes less than giving them to another thread. */
#define PARTS_INLINE ((uint64_t)32 * 1024)

/* Whether it is too large for that. */
bool parts_take_long(const struct subject *subject);

/* Finds the parts, into subject->mime. False, having refused the message with
 * a 451, if it cannot be read. */
bool parts_find(struct subject *subject);

/* The message through a window, to be closed. */
struct window parts_window(const struct subject *subject);
/* It could not be read: refuses it with a 451. */
void parts_failed(struct subject *subject, const struct error *err);

#endif
