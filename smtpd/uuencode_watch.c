#include "smtpd/uuencode_watch.h"

#include <string.h>

#define WINDOW UUENCODE_WATCH_LINE

/* A multiple of a vector register; compilers make the loop branch-free. */
#define BLOCK ((size_t)64)

/* Whether the line begins at one of the next BLOCK places. */
static bool begins_in_block(const char *bytes)
{
	unsigned char found = 0;

	for (size_t i = 0; i < BLOCK; i++)
		found |=
		    (unsigned char)((bytes[i] == '\n') & (bytes[i + 1] == 'b') &
				    (bytes[i + 2] == 'e') &
				    (bytes[i + 3] == 'g') &
				    (bytes[i + 4] == 'i') &
				    (bytes[i + 5] == 'n') &
				    (bytes[i + 6] == ' '));
	return found != 0;
}

static bool is_in(const char *bytes, size_t len)
{
	for (; len >= BLOCK + WINDOW; len -= BLOCK, bytes += BLOCK)
		if (begins_in_block(bytes))
			return true;
	return memmem(bytes, len, "\nbegin ", WINDOW) != NULL;
}

void uuencode_watch_read(
    struct uuencode_watch *watch, const char *bytes, size_t len)
{
	size_t front = len < WINDOW - 1 ? len : WINDOW - 1, total, kept;
	char seam[2 * (WINDOW - 1)];

	if (watch->seen)
		return;
	memcpy(seam, watch->last, watch->len);
	memcpy(seam + watch->len, bytes, front);
	total = watch->len + front;
	watch->seen = is_in(seam, total) || is_in(bytes, len);
	if (len >= WINDOW - 1) {
		memcpy(watch->last, bytes + len - (WINDOW - 1), WINDOW - 1);
		watch->len = WINDOW - 1;
		return;
	}
	kept = total < WINDOW - 1 ? total : WINDOW - 1;
	memcpy(watch->last, seam + total - kept, kept);
	watch->len = kept;
}
