#include "spool/id.h"

#include "base/clock.h"
#include "spool/spool.h"

#include <sodium.h>
#include <string.h>

#define RANDOM_BYTES 10

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Random bytes are fetched for many ids at once: one system call each would
 * cost more than the rest of the id. */
static void take_random(uint8_t out[RANDOM_BYTES])
{
	static _Thread_local uint8_t pool[RANDOM_BYTES * 64];
	static _Thread_local size_t left;

	if (left == 0) {
		randombytes_buf(pool, sizeof(pool));
		left = sizeof(pool);
	}
	left -= RANDOM_BYTES;
	memcpy(out, pool + left, RANDOM_BYTES);
}

struct id id_new(void)
{
	struct id id;
	uint64_t now = (uint64_t)clock_wall_ms();

	for (int i = 0; i < 6; i++)
		id.bytes[i] = (uint8_t)(now >> (40 - 8 * i));
	take_random(id.bytes + 6);
	return id;
}

/*
 * 26 characters of 5 bits are 130 bits: the first character carries only the
 * top three. Bit n of the text (0 = the first of those 130) is bit n - 2 of
 * the bytes.
 */
static unsigned bit(const struct id *id, int n)
{
	if (n < 2)
		return 0;
	n -= 2;
	return (unsigned)(id->bytes[n / 8] >> (7 - n % 8)) & 1U;
}

void id_format(const struct id *id, char text[ID_TEXT + 1])
{
	for (int i = 0; i < ID_TEXT; i++) {
		unsigned value = 0;

		for (int b = 0; b < 5; b++)
			value = value << 1 | bit(id, i * 5 + b);
		text[i] = alphabet[value];
	}
	text[ID_TEXT] = '\0';
}

static int value_of(char c)
{
	const char *found;

	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c == '\0')
		return -1;
	found = strchr(alphabet, c);
	return found == NULL ? -1 : (int)(found - alphabet);
}

bool id_parse(const char *text, struct id *id)
{
	memset(id, 0, sizeof(*id));
	for (int i = 0; i < ID_TEXT; i++) {
		int value = value_of(text[i]);

		if (value < 0 || (i == 0 && value > 7))
			return false;
		for (int b = 0; b < 5; b++) {
			int n = i * 5 + b - 2;

			if (n >= 0 && ((unsigned)value >> (4 - b) & 1U))
				id->bytes[n / 8] |=
				    (uint8_t)(1U << (7 - n % 8));
		}
	}
	return text[ID_TEXT] == '\0';
}

int64_t id_time_ms(const struct id *id)
{
	int64_t ms = 0;

	for (int i = 0; i < 6; i++)
		ms = ms << 8 | id->bytes[i];
	return ms;
}

void spool_id_format(const struct id *id, char text[ID_TEXT + 1])
{
	id_format(id, text);
}
