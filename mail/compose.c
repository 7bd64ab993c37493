#include "mail/compose.h"

#include "base/clock.h"
#include "mail/filename.h"
#include "mail/header_write.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Made by us, or by those who carry the message: nobody else writes them. */
static const char *const protected_names[] = {"from", "sender", "reply-to",
    "to", "cc", "bcc", "subject", "mime-version", "received", "return-path",
    "delivered-to", "dkim-signature", "authentication-results", "x-spam-status",
    "x-spam-flag", "x-spam-score", "resent-bcc"};
static const char *const protected_beginnings[] = {"content-", "arc-"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

bool compose_may_have(struct slice name)
{
	for (size_t i = 0; i < COUNT(protected_names); i++)
		if (slice_is(name, protected_names[i]))
			return false;
	for (size_t i = 0; i < COUNT(protected_beginnings); i++)
		if (slice_starts(name, protected_beginnings[i]))
			return false;
	return true;
}

/* ftext of RFC 5322 section 3.6.8. */
bool compose_is_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] <= ' ' || name.data[i] >= 0x7f ||
		    name.data[i] == ':')
			return false;
	return name.len > 0 && name.len <= 70;
}

static size_t token(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&-^_.+");
}

bool compose_is_media_type(const char *text)
{
	size_t type = token(text), subtype;

	if (type == 0 || text[type] != '/')
		return false;
	subtype = token(text + type + 1);
	if (subtype == 0)
		return false;
	text += type + 1 + subtype;
	text += strspn(text, " ");
	if (*text != '\0' && *text != ';')
		return false;
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text >= 0x7f)
			return false;
	return true;
}

/* --- output ----------------------------------------------------------- */

struct composer {
	const struct letter *letter;
	const struct body_sink *sink;
	const char *boundary;
	struct buf out;
	struct error *err;
};

static bool flush(struct composer *composer)
{
	bool done = composer->sink->write(composer->sink->arg,
	    composer->out.data, composer->out.len, composer->err);

	buf_clear(&composer->out);
	return done;
}

static void line(struct composer *composer, const char *format, ...)
    PRINTF_LIKE(2, 3);

static void line(struct composer *composer, const char *format, ...)
{
	va_list args;
	bool fits;

	va_start(args, format);
	fits = buf_vprintf(&composer->out, format, args) &&
	       buf_append(&composer->out, "\r\n", 2);
	va_end(args);
	assert(fits);
}

/* --- the header ------------------------------------------------------- */

static void write_addresses(struct composer *composer, const char *name,
    const struct address_list *list)
{
	if (list->count > 0)
		header_write_addresses(&composer->out, name, list);
}

static void write_header(struct composer *composer)
{
	const struct letter *letter = composer->letter;
	char date[CLOCK_MAIL_SIZE];

	write_addresses(composer, "From", &letter->from);
	write_addresses(composer, "Sender", &letter->sender);
	write_addresses(composer, "Reply-To", &letter->reply_to);
	write_addresses(composer, "To", &letter->to);
	write_addresses(composer, "Cc", &letter->cc);
	if (letter->to.count == 0 && letter->cc.count == 0)
		line(composer, "To: undisclosed-recipients:;");
	if (letter->has_subject)
		header_write_text(&composer->out, "Subject", letter->subject);
	if (letter->date_ms != 0) {
		clock_format_mail(letter->date_ms, date);
		line(composer, "Date: %s", date);
	}
	if (letter->message_id != NULL)
		line(composer, "Message-ID: %s", letter->message_id);
	for (size_t i = 0; i < letter->header_count; i++)
		header_write_text(&composer->out, letter->headers[i].name,
		    letter->headers[i].value);
	line(composer, "MIME-Version: 1.0");
}

/* --- parts ------------------------------------------------------------ */

static bool write_text(
    struct composer *composer, const char *subtype, const struct source *text)
{
	enum body_encoding encoding;

	if (!body_text_encoding(text, &encoding, composer->err))
		return false;
	line(composer, "Content-Type: text/%s; charset=utf-8", subtype);
	line(composer, "Content-Transfer-Encoding: %s\r\n",
	    body_encoding_name(encoding));
	return flush(composer) &&
	       body_write_text(text, encoding, composer->sink, composer->err);
}

/* These must not be encoded (RFC 2045 section 6.4): as a file they may. */
static bool is_composite(const char *type)
{
	struct slice text = slice_of(type);

	return slice_starts(text, "multipart/") ||
	       slice_starts(text, "message/");
}

static const char *type_of(const struct letter_part *part)
{
	const char *type = part->content_type;

	if (type == NULL && part->filename != NULL)
		type = filename_media_type(slice_of(part->filename));
	if (type == NULL || is_composite(type))
		type = "application/octet-stream";
	return type;
}

static void write_parameter(
    struct header_writer *writer, const char *name, const char *value)
{
	if (value != NULL)
		header_write_parameter(writer, name, slice_of(value));
}

static bool write_part(
    struct composer *composer, const struct letter_part *part, bool is_inline)
{
	struct header_writer writer;

	header_write_begin(&writer, &composer->out, "Content-Type");
	header_write_word(&writer, slice_of(type_of(part)));
	write_parameter(&writer, "name", part->filename);
	header_write_end(&writer);
	line(composer, "Content-Transfer-Encoding: base64");
	if (part->content_id != NULL)
		line(composer, "Content-ID: <%s>", part->content_id);
	header_write_begin(&writer, &composer->out, "Content-Disposition");
	header_write_word(
	    &writer, slice_of(is_inline ? "inline" : "attachment"));
	write_parameter(&writer, "filename", part->filename);
	header_write_end(&writer);
	line(composer, "%s", "");
	return flush(composer) &&
	       body_write_base64(&part->base64, composer->sink, composer->err);
}

/* --- multiparts ------------------------------------------------------- */

static void begin_multipart(struct composer *composer, const char *subtype,
    const char *kind, const char *more)
{
	line(composer, "Content-Type: multipart/%s;%s\r\n boundary=\"=_%s_%s\"",
	    subtype, more, composer->boundary, kind);
	line(composer, "%s", "");
}

static void next_part(struct composer *composer, const char *kind)
{
	line(composer, "--=_%s_%s", composer->boundary, kind);
}

static bool end_multipart(struct composer *composer, const char *kind)
{
	line(composer, "--=_%s_%s--", composer->boundary, kind);
	return flush(composer);
}

static bool is_related(
    const struct letter *letter, const struct letter_part *part)
{
	return letter->has_html && part->content_id != NULL;
}

static size_t count_parts(const struct letter *letter, bool related)
{
	size_t count = 0;

	for (size_t i = 0; i < letter->part_count; i++)
		count += is_related(letter, &letter->parts[i]) == related;
	return count;
}

static bool write_parts(
    struct composer *composer, bool related, const char *kind)
{
	const struct letter *letter = composer->letter;

	for (size_t i = 0; i < letter->part_count; i++) {
		const struct letter_part *part = &letter->parts[i];

		if (is_related(letter, part) != related)
			continue;
		next_part(composer, kind);
		if (!write_part(composer, part, related))
			return false;
	}
	return true;
}

static bool write_html(struct composer *composer)
{
	const struct letter *letter = composer->letter;

	if (count_parts(letter, true) == 0)
		return write_text(composer, "html", &letter->html);
	begin_multipart(composer, "related", "r", " type=\"text/html\";");
	next_part(composer, "r");
	return write_text(composer, "html", &letter->html) &&
	       write_parts(composer, true, "r") && end_multipart(composer, "r");
}

static bool write_words(struct composer *composer)
{
	const struct letter *letter = composer->letter;

	if (!letter->has_html)
		return write_text(composer, "plain", &letter->text);
	if (!letter->has_text)
		return write_html(composer);
	begin_multipart(composer, "alternative", "a", "");
	next_part(composer, "a");
	if (!write_text(composer, "plain", &letter->text))
		return false;
	next_part(composer, "a");
	return write_html(composer) && end_multipart(composer, "a");
}

static bool write_body(struct composer *composer)
{
	if (count_parts(composer->letter, false) == 0)
		return write_words(composer);
	begin_multipart(composer, "mixed", "m", "");
	next_part(composer, "m");
	return write_words(composer) && write_parts(composer, false, "m") &&
	       end_multipart(composer, "m");
}

bool compose_write(const struct letter *letter, const char *boundary,
    const struct body_sink *sink, struct error *err)
{
	struct composer composer = {
	    .letter = letter,
	    .sink = sink,
	    .boundary = boundary,
	    .out = buf_new(SIZE_MAX),
	    .err = err,
	};
	bool done;

	write_header(&composer);
	done = write_body(&composer);
	buf_free(&composer.out);
	return done;
}
