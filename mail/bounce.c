#include "mail/bounce.h"

#include "bounds.h"
#include "mail/header.h"

#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

/* RFC 3464 section 2.3: one recipient. */
struct group {
	struct slice final, original, action, status;
};

/* "rfc822; user@example.com" without the type. */
static const char *address_of(struct slice value, struct arena *arena)
{
	size_t semicolon = slice_find(value, ';');
	struct buf text = buf_new(LIMIT_PATH * 4);
	const char *result = NULL;

	if (semicolon < value.len)
		value = slice_from(value, semicolon + 1);
	value = slice_trim(value);
	if (value.len > 1 && value.data[0] == '<' &&
	    value.data[value.len - 1] == '>')
		value = (struct slice){value.data + 1, value.len - 2};
	if (value.len > 0 && value.len <= LIMIT_PATH &&
	    header_unfold(value, &text))
		result = arena_strndup(arena, buf_text(&text), text.len);
	buf_free(&text);
	return result;
}

/* RFC 3463: class 5 is permanent; an action says it better. */
static bool has_failed(const struct group *group)
{
	if (group->action.len > 0)
		return slice_starts(group->action, "failed");
	return slice_starts(group->status, "5.");
}

static void add_failed(
    struct bounce_status *status, const char *address, struct arena *arena)
{
	if (status->failed == NULL)
		status->failed = arena_alloc(
		    arena, LIMIT_FAILED_RECIPIENTS * sizeof(*status->failed));
	for (size_t i = 0; i < status->failed_count; i++)
		if (strcmp(status->failed[i], address) == 0)
			return;
	if (status->failed_count < LIMIT_FAILED_RECIPIENTS)
		status->failed[status->failed_count++] = address;
}

static void take_group(const struct group *group, struct bounce_status *status,
    struct arena *arena)
{
	const char *final = address_of(group->final, arena);
	const char *original = address_of(group->original, arena);
	bool failed = has_failed(group);

	if (final == NULL || (group->action.len == 0 && group->status.len == 0))
		return;
	if (!status->well_formed || (failed && status->failed_count == 0)) {
		status->final_recipient = final;
		status->original_recipient = original;
	}
	status->well_formed = true;
	if (failed)
		add_failed(status, final, arena);
}

static struct group read_group(struct slice block)
{
	struct header_field field;
	struct group group = {.final = {NULL, 0}};

	while (header_next(&block, &field)) {
		if (slice_is(field.name, "final-recipient"))
			group.final = field.value;
		else if (slice_is(field.name, "original-recipient"))
			group.original = field.value;
		else if (slice_is(field.name, "action"))
			group.action = field.value;
		else if (slice_is(field.name, "status"))
			group.status = field.value;
	}
	return group;
}

/* Up to the next empty line, which goes with it. */
static struct slice take_block(struct slice *text)
{
	struct slice block = {text->data, 0};
	size_t len;
	bool empty = false;

	while (text->len > 0 && !empty) {
		len = slice_find(*text, '\n');
		len += len < text->len;
		empty = slice_trim(slice_first(*text, len)).len == 0;
		block.len += len;
		*text = slice_from(*text, len);
	}
	return block;
}

void bounce_read_status(
    struct slice text, struct arena *arena, struct bounce_status *status)
{
	struct group group;

	*status = (struct bounce_status){0};
	while (text.len > 0) {
		group = read_group(take_block(&text));
		if (group.final.len > 0)
			take_group(&group, status, arena);
	}
}

/* Whether one of the words occurs, in whatever case. */
static bool any_of(struct slice text, const char *const words[], size_t count)
{
	bool begins[UCHAR_MAX + 1] = {false};

	for (size_t i = 0; i < count; i++) {
		begins[tolower((unsigned char)words[i][0])] = true;
		begins[toupper((unsigned char)words[i][0])] = true;
	}
	for (; text.len > 0; text = slice_from(text, 1)) {
		if (!begins[(unsigned char)text.data[0]])
			continue;
		for (size_t i = 0; i < count; i++)
			if (slice_starts(text, words[i]))
				return true;
	}
	return false;
}

#define ANY_OF(text, words)                                                    \
	any_of((text), (words), sizeof(words) / sizeof((words)[0]))

bool bounce_is(const struct bounce_signs *signs)
{
	static const char *const senders[] = {
	    "mailer-daemon", "postmaster", "mail-daemon", "mailerdaemon"};
	static const char *const subjects[] = {"delivery", "bounce", "failure",
	    "undelivered", "returned", "undeliverable",
	    "could not be delivered", "not delivered"};
	static const char *const fields[] = {"Original-Envelope-Id:",
	    "Reporting-MTA:", "Final-Recipient:", "Action: failed",
	    "Action: delayed",
	    "Diagnostic-Code:", "Remote-MTA:", "X-Postfix-Queue-ID:"};

	if (signs->status_part)
		return true;
	return signs->null_sender &&
	       (signs->report || ANY_OF(signs->from, senders) ||
		   ANY_OF(signs->subject, subjects) ||
		   ANY_OF(signs->text, fields));
}
