#include "smtpd/check.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "smtpd/services.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena *check_arena(struct subject *subject)
{
	if (subject->arena == NULL)
		subject->arena = arena_new();
	return subject->arena;
}

static const char *PRINTF_LIKE(3, 0)
    keep(struct subject *subject, size_t most, const char *format, va_list args)
{
	char text[LIMIT_RESINFO + 1];

	(void)vsnprintf(text, most + 1, format, args);
	return arena_strdup(check_arena(subject), text);
}

void check_found(
    struct subject *subject, const char *result, const char *format, ...)
{
	va_list args;

	subject->found.result = result;
	va_start(args, format);
	subject->found.saw = keep(subject, LIMIT_FINDING_TEXT, format, args);
	va_end(args);
}

void finding_add(struct finding_text *all, const char *format, ...)
{
	size_t room = sizeof(all->text) - all->len;
	va_list args;
	int len;

	if (all->len > 0 && room > 2) {
		memcpy(all->text + all->len, ", ", 3);
		all->len += 2;
		room -= 2;
	}
	va_start(args, format);
	len = vsnprintf(all->text + all->len, room, format, args);
	va_end(args);
	all->len += (size_t)len < room ? (size_t)len : room - 1;
}

void check_refuse(struct subject *subject, int code, const char *enhanced,
    const char *reason, const char *format, ...)
{
	struct verdict *verdict = &subject->verdict;
	va_list args;

	*verdict = (struct verdict){
	    .action = code >= 500 ? VERDICT_REJECT : VERDICT_DEFER,
	    .code = code,
	    .enhanced = enhanced,
	    .reason = reason};
	va_start(args, format);
	(void)vsnprintf(verdict->text, sizeof(verdict->text), format, args);
	va_end(args);
	/* What strangers said may be part of it. */
	for (char *c = verdict->text; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7E)
			*c = '?';
}

void check_authenticates(struct subject *subject, const char *format, ...)
{
	struct results *results = &subject->results;
	va_list args;

	if (results->authentication_count == LIMIT_AUTHENTICATION)
		return;
	va_start(args, format);
	results->authentication[results->authentication_count++] =
	    keep(subject, LIMIT_RESINFO, format, args);
	va_end(args);
}

int64_t check_time_left_ms(const struct subject *subject)
{
	int64_t left_ms;

	if (atomic_load(&subject->forgotten))
		return 0;
	left_ms = subject->deadline_ms - clock_mono_ms();
	return left_ms > 0 ? left_ms : 0;
}

void check_ask(struct subject *subject, const char *name, enum dns_type type,
    struct dns_answer *answer)
{
	dns_ask(services_dns(subject->services), name, type,
	    check_time_left_ms(subject), check_arena(subject), answer);
}

void check_ask_ahead(
    struct subject *subject, const char *name, enum dns_type type)
{
	dns_ask_ahead(services_dns(subject->services), name, type);
}

bool findings_take(struct check_findings *findings, struct check_findings *from)
{
	size_t count = from->count;

	if (count > LIMIT_FINDINGS - findings->count)
		count = LIMIT_FINDINGS - findings->count;
	if (count > 0) {
		findings->items = xrealloc(findings->items,
		    (findings->count + count) * sizeof(*findings->items));
		memcpy(findings->items + findings->count, from->items,
		    count * sizeof(*findings->items));
		findings->count += count;
	}
	findings_free(from);
	return count > 0;
}

void findings_free(struct check_findings *findings)
{
	free(findings->items);
	*findings = (struct check_findings){.count = 0};
}
