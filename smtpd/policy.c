#include "smtpd/policy.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
	enum stage stage;
	check_fn *check;
} checks[] = {
    {STAGE_RECIPIENT, check_recipient},
    {STAGE_CONTENT, check_newlines},
    {STAGE_CONTENT, check_size},
    {STAGE_CONTENT, check_loop},
};

void policy_judge(
    enum stage stage, const struct subject *subject, struct verdict *verdict)
{
	*verdict = (struct verdict){.action = VERDICT_ACCEPT};
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (checks[i].stage != stage)
			continue;
		checks[i].check(subject, verdict);
		if (verdict->action != VERDICT_ACCEPT)
			return;
	}
}

void verdict_reject(struct verdict *verdict, int code, const char *enhanced,
    const char *reason, const char *format, ...)
{
	va_list args;

	*verdict = (struct verdict){.action = VERDICT_REJECT,
	    .code = code,
	    .enhanced = enhanced,
	    .reason = reason};
	va_start(args, format);
	(void)vsnprintf(verdict->text, sizeof(verdict->text), format, args);
	va_end(args);
}
