#include "smtpd/key_watch.h"

#include "base/clock.h"
#include "base/log.h"

#define AGAIN_MS 60000

bool key_watch_refused(struct key_watch *watch, const char *call,
    const struct phoenix_answer *answer)
{
	int64_t now_ms = clock_mono_ms();

	if (answer->status != 401)
		return false;
	if (watch->told && now_ms - watch->told_ms < AGAIN_MS)
		return true;
	watch->told = true;
	watch->told_ms = now_ms;
	log_event(LOG_ERROR, "phoenix_key_refused", LOG_TEXT("call", call),
	    LOG_NUMBER("status", answer->status));
	return true;
}
