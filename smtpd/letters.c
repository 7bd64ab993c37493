#include "smtpd/letters.h"

#include "mail/mime_read.h"
#include "smtpd/parts.h"

/* A part of a source, as a source. */
struct inside {
	struct source around;
	uint64_t offset;
};

static bool read_inside(
    void *arg, uint64_t offset, void *data, size_t len, struct error *err)
{
	const struct inside *inside = arg;

	return inside->around.read(
	    inside->around.arg, inside->offset + offset, data, len, err);
}

void letters_begin(struct letters *letters, struct subject *subject)
{
	*letters = (struct letters){.subject = subject,
	    .first = {.mime = subject->mime, .source = subject->message},
	    .parts_left = subject->settings->config->max_mime_parts,
	    .decoded_left = LIMIT_LETTERS_DECODED};
	letters->last = &letters->first;
}

void letters_end(struct letters *letters)
{
	if (letters->now != NULL)
		window_close(&letters->window);
	letters->now = NULL;
}

static bool fail(struct letters *letters, const struct error *err)
{
	parts_failed(letters->subject, err);
	return false;
}

static bool find_parts(struct letters *letters, struct letter *letter)
{
	struct arena *arena = check_arena(letters->subject);
	struct mime *mime = arena_zalloc(arena, sizeof(*mime));
	struct error err;

	if (!mime_parse(
		&letters->window, letters->parts_left, arena, mime, &err))
		return fail(letters, &err);
	letters->unseen |= mime->cut;
	letter->mime = mime;
	return true;
}

static void count_parts(struct letters *letters, const struct mime *mime)
{
	letters->parts_left -= mime->count < letters->parts_left
				   ? mime->count
				   : letters->parts_left;
}

bool letters_next(struct letters *letters)
{
	struct letter *next =
	    letters->now == NULL ? &letters->first : letters->now->next;

	letters_end(letters);
	if (next != NULL && next->depth > 0 && letters->parts_left == 0) {
		letters->unseen = true;
		next = NULL;
	}
	if (next == NULL)
		return false;
	letters->now = next;
	window_open(&letters->window, &next->source, LIMIT_MIME_WINDOW);
	if (next->mime == NULL && !find_parts(letters, next))
		return false;
	count_parts(letters, next->mime);
	return true;
}

/* --- messages inside -------------------------------------------------- */

/* RFC 2046 section 5.1.5: in a digest, what says nothing is a message. */
static bool is_in_digest(
    const struct letter *letter, const struct mime_part *part)
{
	return part->parent != MIME_ROOT &&
	       mime_is_type(
		   &letter->mime->parts[part->parent], "multipart/digest") &&
	       mime_is_type(part, "text/plain");
}

static bool is_message(
    const struct letter *letter, const struct mime_part *part)
{
	static const char *const types[] = {
	    "message/rfc822", "message/global", "message/news"};
	const char *type = mime_media_type(part);

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return is_in_digest(letter, part);
}

/* RFC 2046 section 5.2.1 forbids it, and many read it. */
static bool decode(struct letters *letters, const struct mime_part *part,
    struct source *source)
{
	struct arena *arena = check_arena(letters->subject);
	struct buf text = buf_new(letters->decoded_left);
	struct error err;
	bool fits;

	if (!mime_decode(&letters->window, part, &text, &fits, &err)) {
		buf_free(&text);
		return fail(letters, &err);
	}
	letters->unseen |= !fits;
	letters->decoded_left -= text.len;
	*source = source_memory(
	    arena_strndup(arena, buf_text(&text), text.len), text.len);
	buf_free(&text);
	return true;
}

static struct source lies_in(
    struct letters *letters, const struct mime_part *part)
{
	struct inside *inside =
	    arena_alloc(check_arena(letters->subject), sizeof(*inside));

	*inside = (struct inside){
	    .around = letters->now->source, .offset = part->body};
	return (struct source){
	    .size = part->end - part->body, .read = read_inside, .arg = inside};
}

bool letters_add(struct letters *letters, const struct mime_part *part)
{
	struct letter *added;
	struct source source;

	if (part->multipart || !is_message(letters->now, part))
		return true;
	if (letters->now->depth == LIMIT_LETTERS_DEPTH) {
		letters->unseen = true;
		return true;
	}
	if (part->encoding == TRANSFER_IDENTITY)
		source = lies_in(letters, part);
	else if (!decode(letters, part, &source))
		return false;
	added = arena_zalloc(check_arena(letters->subject), sizeof(*added));
	added->source = source;
	added->depth = letters->now->depth + 1;
	letters->last = letters->last->next = added;
	return true;
}
