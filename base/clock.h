/* The two clocks. Tests may replace both. Thread-safe. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Milliseconds since 1970, UTC. May jump. */
int64_t clock_wall_ms(void);
/* Milliseconds that never go back, the same for all processes of one boot
 * (CLOCK_BOOTTIME: it counts a suspended machine's sleep too). */
int64_t clock_mono_ms(void);

/* The same clock in microseconds, for measuring; tests do not set it. */
int64_t clock_mono_us(void);

/* So many milliseconds from now, for condition variables that go by
 * CLOCK_MONOTONIC (which no jump of the wall clock disturbs). */
struct timespec clock_wait_until(int64_t wait_ms);

/* "2026-01-31T12:34:56.789Z" (RFC 3339, UTC), into 25 bytes. */
#define CLOCK_ISO_SIZE 25
void clock_format_iso(int64_t wall_ms, char out[CLOCK_ISO_SIZE]);
/* Reads "2026-01-31", "2026-01-31T12:34", and so on down to that form, in UTC
 * with or without the Z. False if it is none. */
bool clock_parse_iso(const char *text, int64_t *wall_ms);
/* "Sat, 31 Jan 2026 12:34:56 +0000" (RFC 5322 section 3.3). */
#define CLOCK_MAIL_SIZE 32
void clock_format_mail(int64_t wall_ms, char out[CLOCK_MAIL_SIZE]);

/* For tests: from now on the clocks show these values, and stand still until
 * the next call. Negative values give the real clock back. */
void clock_set_for_test(int64_t wall_ms, int64_t mono_ms);

#endif
