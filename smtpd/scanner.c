#include "smtpd/scanner.h"

#include "base/clock.h"

static int64_t wait_left_ms(void *arg)
{
	const struct scanner_wait *wait = arg;
	int64_t own_ms = wait->end_ms - clock_mono_ms();
	int64_t stage_ms = check_time_left_ms(wait->subject);

	return own_ms < stage_ms ? own_ms : stage_ms;
}

struct patience scanner_patience(
    struct scanner_wait *wait, const struct subject *subject, int64_t limit_ms)
{
	*wait = (struct scanner_wait){
	    .subject = subject, .end_ms = clock_mono_ms() + limit_ms};
	return (struct patience){.left_ms = wait_left_ms, .arg = wait};
}
