#include "smtpd/parts.h"

#include "base/log.h"

bool parts_take_long(const struct subject *subject)
{
	return subject->message.size > PARTS_INLINE;
}

struct window parts_window(const struct subject *subject)
{
	struct window window;

	window_open(&window, &subject->message, LIMIT_MIME_WINDOW);
	return window;
}

void parts_failed(struct subject *subject, const struct error *err)
{
	log_event(LOG_ERROR, "content_unreadable",
	    LOG_TEXT("session", subject->session), LOG_TEXT("id", subject->id),
	    LOG_TEXT("error", err->text));
	check_refuse(subject, 451, "4.3.0", "content_unreadable",
	    "Local problem, try again later");
}

bool parts_find(struct subject *subject)
{
	struct window window = parts_window(subject);
	struct arena *arena = check_arena(subject);
	struct mime *mime = arena_zalloc(arena, sizeof(*mime));
	struct error err;
	/* One more holds the rest of those that are too many. */
	size_t most = (size_t)subject->settings->config->max_mime_parts + 1;
	bool found = mime_parse(&window, most, arena, mime, &err);

	window_close(&window);
	if (found)
		subject->mime = mime;
	else
		parts_failed(subject, &err);
	return found;
}
