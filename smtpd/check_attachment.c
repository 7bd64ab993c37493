/*
 * What is attached: names, types and sizes are noted, and what
 * ATTACHMENT_DENY_EXTENSIONS and ATTACHMENT_DENY_TYPES name is refused. A
 * message inside the message is looked into as well: whoever opens it finds
 * its attachments.
 */
#include "mail/filename.h"
#include "mail/mime_read.h"
#include "smtpd/parts.h"
#include "smtpd/policy.h"

#include <inttypes.h>
#include <string.h>

/* A message, or one inside it. */
struct letter {
	struct letter *next;
	const struct mime *mime;
	struct source source;
	unsigned depth;
};

struct inside {
	struct source around;
	uint64_t offset;
};

struct notes {
	struct finding_text text; /* "a.pdf (application/pdf, 9), ..." */
	size_t count;
};

/* --- what is refused -------------------------------------------------- */

/* Dots and blanks at the end mean nothing to some who open it. */
static struct slice extension_of(const char *filename)
{
	struct slice name = slice_of(filename);

	while (name.len > 0 && (name.data[name.len - 1] == '.' ||
				   slice_is_space(name.data[name.len - 1])))
		name.len--;
	return filename_extension(name);
}

static bool has_item(const struct list *list, struct slice item)
{
	for (size_t i = 0; i < list->count; i++)
		if (slice_is(item, list->items[i]))
			return true;
	return false;
}

/* "application/x-msdownload", or "application/" and a star for all of them. */
static bool has_type(const struct list *list, const char *type)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *item = list->items[i];
		size_t len = strlen(item);

		if (strcmp(type, item) == 0 ||
		    (item[len - 1] == '*' && strncmp(type, item, len - 1) == 0))
			return true;
	}
	return false;
}

static bool is_denied(const struct config *config, const struct mime_part *part)
{
	if (has_type(&config->attachment_deny_types, part->type))
		return true;
	return part->filename != NULL &&
	       has_item(&config->attachment_deny_extensions,
		   extension_of(part->filename));
}

/* --- what is noted ---------------------------------------------------- */

static void note(
    struct notes *notes, const struct mime_part *part, uint64_t size)
{
	notes->count++;
	finding_add(&notes->text, "%s (%s, %" PRIu64 ")",
	    part->filename != NULL ? part->filename : "unnamed", part->type,
	    size);
}

/* --- messages inside -------------------------------------------------- */

static bool read_inside(
    void *arg, uint64_t offset, void *data, size_t len, struct error *err)
{
	const struct inside *inside = arg;

	return inside->around.read(
	    inside->around.arg, inside->offset + offset, data, len, err);
}

static bool is_message(const struct mime_part *part)
{
	return !part->multipart && part->encoding == TRANSFER_IDENTITY &&
	       (mime_is_type(part, "message/rfc822") ||
		   mime_is_type(part, "message/global"));
}

/* To be looked at behind the others. */
static void add_letter(struct subject *subject, struct letter *letter,
    const struct mime_part *part)
{
	struct arena *arena = check_arena(subject);
	struct inside *inside = arena_alloc(arena, sizeof(*inside));
	struct letter *added = arena_zalloc(arena, sizeof(*added));

	*inside =
	    (struct inside){.around = letter->source, .offset = part->body};
	added->source = (struct source){
	    .size = part->end - part->body, .read = read_inside, .arg = inside};
	added->depth = letter->depth + 1;
	while (letter->next != NULL)
		letter = letter->next;
	letter->next = added;
}

/* --- the check -------------------------------------------------------- */

/* False if the message is refused. */
static bool look_at_part(struct subject *subject, struct letter *letter,
    const struct mime_part *part, struct window *window, struct notes *notes)
{
	const struct config *config = subject->settings->config;
	struct error err;
	uint64_t size;

	if (part->multipart)
		return true;
	if (mime_is_attachment(part) || part->filename != NULL) {
		if (!mime_measure(window, part, &size, &err)) {
			parts_failed(subject, &err);
			return false;
		}
		note(notes, part, size);
	}
	if (is_denied(config, part)) {
		check_refuse(subject, 550, "5.7.1", "attachment_denied",
		    "Attachments of this kind are not accepted: %s (%s)",
		    part->filename != NULL ? part->filename : "unnamed",
		    part->type);
		return false;
	}
	if (is_message(part) && letter->depth < LIMIT_LETTERS_DEPTH)
		add_letter(subject, letter, part);
	return true;
}

/* As many parts in all as one message may have. */
static bool open_letter(struct subject *subject, struct letter *letter,
    struct window *window, size_t *left)
{
	struct arena *arena = check_arena(subject);
	struct mime *mime;
	struct error err;

	if (letter->depth > 0) {
		mime = arena_zalloc(arena, sizeof(*mime));
		if (!mime_parse(window, *left, arena, mime, &err)) {
			parts_failed(subject, &err);
			return false;
		}
		letter->mime = mime;
	}
	*left -= letter->mime->count < *left ? letter->mime->count : *left;
	return true;
}

bool attachment_wanted(struct subject *subject)
{
	return subject->mime != NULL;
}

void check_attachment(struct subject *subject)
{
	struct letter first = {
	    .mime = subject->mime, .source = subject->message};
	size_t left = subject->settings->config->max_mime_parts;
	struct notes notes = {.count = 0};
	struct window window;
	bool goes_on = true;

	for (struct letter *letter = &first; letter != NULL && goes_on;
	     letter = letter->next) {
		if (letter->depth > 0 && left == 0)
			break;
		window_open(&window, &letter->source, LIMIT_MIME_WINDOW);
		goes_on = open_letter(subject, letter, &window, &left);
		for (size_t i = 0; goes_on && i < letter->mime->count; i++)
			goes_on = look_at_part(subject, letter,
			    &letter->mime->parts[i], &window, &notes);
		window_close(&window);
	}
	if (notes.count > 0)
		check_found(subject, goes_on ? "noted" : "denied", "%zu: %s",
		    notes.count, notes.text.text);
}
