#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static _Atomic int64_t test_wall = -1;
static _Atomic int64_t test_mono = -1;

static int64_t read_ms(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
	int64_t set = atomic_load(&test_wall);

	return set >= 0 ? set : read_ms(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
	int64_t set = atomic_load(&test_mono);

	return set >= 0 ? set : read_ms(CLOCK_BOOTTIME);
}

int64_t clock_mono_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void clock_format_iso(int64_t wall_ms, char out[CLOCK_ISO_SIZE])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	size_t used;

	(void)gmtime_r(&seconds, &tm);
	used = strftime(out, CLOCK_ISO_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(
	    out + used, CLOCK_ISO_SIZE - used, ".%03dZ", (int)(wall_ms % 1000));
}

void clock_format_mail(int64_t wall_ms, char out[CLOCK_MAIL_SIZE])
{
	static const char *const days[] = {
	    "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May",
	    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	size_t used;

	(void)gmtime_r(&seconds, &tm);
	/* Not %a and %b: those follow the locale. */
	used = (size_t)snprintf(out, CLOCK_MAIL_SIZE, "%s, %02d %s ",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon]);
	(void)strftime(
	    out + used, CLOCK_MAIL_SIZE - used, "%Y %H:%M:%S +0000", &tm);
}

void clock_set_for_test(int64_t wall_ms, int64_t mono_ms)
{
	atomic_store(&test_wall, wall_ms);
	atomic_store(&test_mono, mono_ms);
}

/* The form that goes on behind `text`, which ends here or with a Z. */
static bool ends(const char *text)
{
	return text[0] == '\0' || (text[0] == 'Z' && text[1] == '\0');
}

/* ".789": of a second, as milliseconds. */
static bool take_fraction(const char **text, int64_t *ms)
{
	int64_t unit = 100;

	if (**text != '.')
		return true;
	for ((*text)++; **text >= '0' && **text <= '9'; (*text)++) {
		*ms += (**text - '0') * unit;
		unit /= 10;
	}
	return (*text)[-1] != '.';
}

bool clock_parse_iso(const char *text, int64_t *wall_ms)
{
	static const char *const forms[] = {
	    "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = {0};
		const char *end = strptime(text, forms[i], &tm);
		int64_t ms = 0;

		if (end == NULL || (i == 0 && !take_fraction(&end, &ms)) ||
		    !ends(end))
			continue;
		*wall_ms = (int64_t)timegm(&tm) * 1000 + ms;
		return *wall_ms >= 0;
	}
	return false;
}

struct timespec clock_wait_until(int64_t wait_ms)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	return until;
}
