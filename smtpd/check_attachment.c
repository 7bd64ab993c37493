/*
 * What is attached: names, types and sizes are noted, and what
 * ATTACHMENT_DENY_EXTENSIONS and ATTACHMENT_DENY_TYPES name is refused. Readers
 * differ in what they see, so the name and type that the application gets are
 * not all that counts: any name in a part's header does, and what has messages
 * or uuencode around it. What cannot be looked into is refused, if anything is.
 */
#include "base/utf8.h"
#include "mail/filename.h"
#include "mail/mime_header.h"
#include "mail/mime_read.h"
#include "smtpd/letters.h"
#include "smtpd/parts.h"
#include "smtpd/policy.h"

#include <inttypes.h>
#include <string.h>

struct search {
	struct subject *subject;
	const struct config *config;
	struct letters letters;
	struct arena *scratch;     /* for one part's names */
	struct finding_text notes; /* "a.pdf (application/pdf, 9), ..." */
	size_t count;
};

/* --- what is denied --------------------------------------------------- */

/* Some who open it care for none of these at the end. */
static struct slice without_tail(struct slice name)
{
	while (name.len > 0) {
		char last = name.data[name.len - 1];

		if (last != '.' && last != '"' && last != '\'' &&
		    !slice_is_space(last))
			break;
		name.len--;
	}
	return name;
}

static struct slice extension_of(struct slice name)
{
	struct slice extension = filename_extension(name = without_tail(name));

	/* ".exe" */
	if (extension.len == 0 && name.len > 1 && name.data[0] == '.')
		return slice_from(name, 1);
	return extension;
}

static bool has_item(const struct list *list, struct slice item)
{
	for (size_t i = 0; i < list->count; i++)
		if (slice_is(item, list->items[i]))
			return true;
	return false;
}

/* Also as it is without a comment behind it (RFC 2045 section 5.1), and
 * without the name of a stream, as Windows has them. */
static bool has_denied_name(const struct config *config, const char *filename)
{
	const struct list *denied = &config->attachment_deny_extensions;
	struct slice name = slice_of(filename);
	size_t comment = slice_find(name, '('), stream = slice_find(name, ':');

	return has_item(denied, extension_of(name)) ||
	       has_item(denied, extension_of(slice_first(name, comment))) ||
	       has_item(denied, extension_of(slice_first(name, stream)));
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

static bool is_harmless(void *arg, const char *name)
{
	const struct search *search = arg;

	return !has_denied_name(search->config, name);
}

/* *denied: whether any name in the part's header is. False if it cannot be
 * read. */
static bool read_names(
    struct search *search, const struct mime_part *part, bool *denied)
{
	size_t want = part->body - part->header < LIMIT_PART_HEADER
			  ? (size_t)(part->body - part->header)
			  : LIMIT_PART_HEADER;
	struct slice block = {"", 0};
	struct error err;

	if (want > 0 && !window_at(&search->letters.window, part->header, want,
			    &block.data, &block.len, &err)) {
		parts_failed(search->subject, &err);
		return false;
	}
	*denied = !mime_header_names(
	    slice_first(block, want), search->scratch, is_harmless, search);
	return true;
}

static bool is_denied(const struct config *config, const struct mime_part *part)
{
	return has_type(&config->attachment_deny_types, part->type) ||
	       has_type(
		   &config->attachment_deny_types, mime_media_type(part)) ||
	       (part->filename != NULL &&
		   has_denied_name(config, part->filename));
}

/* --- the check -------------------------------------------------------- */

static const char *shown_name(const struct mime_part *part, char *out)
{
	size_t len = part->filename == NULL ? 0 : strlen(part->filename);

	if (len == 0)
		return "unnamed";
	if (len <= LIMIT_NAME_SHOWN)
		return part->filename;
	len = utf8_cut(part->filename, len, LIMIT_NAME_SHOWN);
	memcpy(out, part->filename, len);
	memcpy(out + len, "...", 4);
	return out;
}

/* False if the message is refused, as all that follow. */
static bool note(struct search *search, const struct mime_part *part)
{
	char name[LIMIT_NAME_SHOWN + 4];
	struct error err;
	uint64_t size;

	if (!mime_measure(&search->letters.window, part, &size, &err)) {
		parts_failed(search->subject, &err);
		return false;
	}
	search->count++;
	finding_add(&search->notes, "%s (%s, %" PRIu64 ")",
	    shown_name(part, name), mime_media_type(part), size);
	return true;
}

static bool refuse(struct search *search, const struct mime_part *part)
{
	char name[LIMIT_NAME_SHOWN + 4];

	check_refuse(search->subject, 550, "5.7.1", "attachment_denied",
	    "Attachments of this kind are not accepted: %s (%s)",
	    shown_name(part, name), mime_media_type(part));
	return false;
}

static bool look_at_files(struct search *search, const struct mime_part *text)
{
	struct mime_part *files;
	struct error err;
	size_t count;

	if (!mime_find_files(&search->letters.window, text,
		check_arena(search->subject), &files, &count, &err)) {
		parts_failed(search->subject, &err);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (!note(search, &files[i]))
			return false;
		if (is_denied(search->config, &files[i]))
			return refuse(search, &files[i]);
	}
	return true;
}

static bool look_at_part(struct search *search, const struct mime_part *part)
{
	bool denied = false;

	if (part->multipart)
		return true;
	if ((mime_is_attachment(part) || part->filename != NULL) &&
	    !note(search, part))
		return false;
	if (search->config->attachment_deny_extensions.count > 0 &&
	    !read_names(search, part, &denied))
		return false;
	if (denied || is_denied(search->config, part))
		return refuse(search, part);
	if (mime_may_hold_files(part) && !look_at_files(search, part))
		return false;
	return letters_add(&search->letters, part);
}

static void look_at_all(struct search *search)
{
	struct letters *letters = &search->letters;
	bool goes_on = true;

	while (goes_on && letters_next(letters))
		for (size_t i = 0; goes_on && i < letters->now->mime->count;
		     i++)
			goes_on =
			    look_at_part(search, &letters->now->mime->parts[i]);
	if (search->subject->verdict.action == VERDICT_ACCEPT &&
	    letters->unseen &&
	    (search->config->attachment_deny_extensions.count > 0 ||
		search->config->attachment_deny_types.count > 0))
		check_refuse(search->subject, 550, "5.7.1", "attachment_denied",
		    "Messages inside of this one are too many, too large or "
		    "too deep to be looked into");
}

bool attachment_wanted(struct subject *subject)
{
	return subject->mime != NULL;
}

void check_attachment(struct subject *subject)
{
	struct search search = {.subject = subject,
	    .config = subject->settings->config,
	    .scratch = arena_new()};

	letters_begin(&search.letters, subject);
	look_at_all(&search);
	letters_end(&search.letters);
	if (search.count > 0)
		check_found(subject,
		    subject->verdict.action == VERDICT_ACCEPT ? "noted"
							      : "denied",
		    "%zu: %s", search.count, search.notes.text);
	arena_free(&search.scratch);
}
