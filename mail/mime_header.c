#include "mail/mime_header.h"

#include "base/utf8.h"
#include "bounds.h"
#include "mail/filename.h"
#include "mail/header.h"
#include "mail/parameter.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

/* Longer ones mean nothing to anybody. */
#define TYPE_MAX 127
#define CONTENT_ID_MAX 998

struct fields {
	struct header_field type, disposition, encoding, content_id;
};

/* The fields that matter. Of several the first counts, but of content ids the
 * last: so it has always been told. */
static void find_fields(struct slice block, struct fields *fields)
{
	struct header_field field;

	while (header_next(&block, &field)) {
		if (!slice_starts(field.name, "content-"))
			continue;
		if (slice_is(field.name, "content-id"))
			fields->content_id = field;
		else if (slice_is(field.name, "content-type") &&
			 fields->type.name.len == 0)
			fields->type = field;
		else if (slice_is(field.name, "content-disposition") &&
			 fields->disposition.name.len == 0)
			fields->disposition = field;
		else if (slice_is(field.name, "content-transfer-encoding") &&
			 fields->encoding.name.len == 0)
			fields->encoding = field;
	}
}

static bool parse_value(const struct header_field *field, struct arena *scratch,
    struct parameters *parameters)
{
	struct buf text = buf_new(LIMIT_HEADER_BLOCK * UTF8_MAX);

	parameters->count = 0;
	parameters->value = (struct slice){0};
	if (field->name.len == 0)
		return false;
	if (header_unfold(field->value, &text))
		parameters_parse((struct slice){buf_text(&text), text.len},
		    scratch, parameters);
	buf_free(&text);
	return true;
}

/* A value without its NULs, which mean nothing to anybody. */
static void drop_nuls(struct header_field *field, struct arena *scratch)
{
	struct slice value = field->value;
	size_t len = 0;
	char *copy;

	if (slice_find(value, '\0') == value.len)
		return;
	copy = arena_alloc(scratch, value.len);
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] != '\0')
			copy[len++] = value.data[i];
	field->value = (struct slice){copy, len};
}

/* Whether the blanks here stand beside a slash: "text / plain". */
static bool beside_slash(struct slice value, size_t at)
{
	if (value.data[at - 1] == '/')
		return true;
	while (at < value.len && slice_is_space(value.data[at]))
		at++;
	return at < value.len && value.data[at] == '/';
}

/* The first word in lower case; "" if it is too long. */
static const char *keyword(struct slice value, struct arena *arena)
{
	char word[TYPE_MAX + 1];
	size_t len = 0;

	for (size_t at = 0; at < value.len; at++) {
		char c = value.data[at];

		if (c == '(' || c == ',')
			break;
		if (slice_is_space(c)) {
			if (at > 0 && beside_slash(value, at))
				continue;
			break;
		}
		if (len == TYPE_MAX)
			return "";
		word[len++] = (char)tolower((unsigned char)c);
	}
	return len == 0 ? "" : arena_strndup(arena, word, len);
}

static bool is_value(const struct parameters *parameters, const char *name,
    const char *value, struct arena *scratch)
{
	const char *found = parameters_get(parameters, name, scratch);

	return found != NULL && slice_is(slice_trim(slice_of(found)), value);
}

static const char *kept(const char *text, size_t max, struct arena *arena)
{
	size_t len = text == NULL ? 0 : strlen(text);

	return len == 0 || len > max ? NULL : arena_strndup(arena, text, len);
}

static void read_type(const struct parameters *type, struct arena *arena,
    struct arena *scratch, struct mime_part *part)
{
	const char *report;

	part->type = keyword(type->value, arena);
	part->charset =
	    kept(parameters_get(type, "charset", scratch), TYPE_MAX, arena);
	part->boundary = kept(
	    parameters_get(type, "boundary", scratch), LIMIT_BOUNDARY, arena);
	report = parameters_get(type, "report-type", scratch);
	if (report != NULL)
		part->report_type = keyword(slice_of(report), arena);
	part->flowed = is_value(type, "format", "flowed", scratch);
	part->delsp = is_value(type, "delsp", "yes", scratch);
}

static void read_disposition(
    const struct parameters *disposition, struct mime_part *part)
{
	struct slice value = disposition->value;
	size_t len = 0;

	while (len < value.len && !slice_is_space(value.data[len]))
		len++;
	value.len = len;
	if (len == 0)
		part->disposition = MIME_DISPOSITION_NONE;
	else if (slice_is(value, "inline"))
		part->disposition = MIME_INLINE;
	else
		part->disposition = MIME_ATTACHMENT;
}

/* RFC 2045 section 5.2 makes everything without a type text; a file name or
 * its being an attachment says better. */
static void guess_type(
    const char *filename, struct slice disposition, struct mime_part *part)
{
	part->type = "text/plain";
	if (filename != NULL && filename_extension(slice_of(filename)).len > 0)
		part->type = filename_media_type(slice_of(filename));
	else if (slice_is(disposition, "attachment"))
		part->type = "application/octet-stream";
}

static const char *read_content_id(
    const struct header_field *field, struct arena *arena)
{
	struct buf text = buf_new(LIMIT_HEADER_BLOCK * UTF8_MAX);
	const char *result = NULL;
	struct slice id;

	if (field->name.len == 0)
		return NULL;
	if (header_unfold(field->value, &text)) {
		id = (struct slice){buf_text(&text), text.len};
		if (id.len > 0 && id.data[0] == '<')
			id = slice_from(id, 1);
		if (id.len > 0 && id.data[id.len - 1] == '>')
			id.len--;
		id = slice_trim(id);
		id.len = utf8_cut(id.data, id.len, CONTENT_ID_MAX);
		if (id.len > 0)
			result = arena_strndup(arena, id.data, id.len);
	}
	buf_free(&text);
	return result;
}

void mime_header_read(struct slice block, struct arena *arena,
    struct arena *scratch, struct mime_part *part)
{
	struct fields fields = {0};
	struct parameters type, disposition = {.count = 0};
	const char *filename, *name = NULL;

	arena_reset(scratch);
	find_fields(block, &fields);
	drop_nuls(&fields.type, scratch);
	drop_nuls(&fields.disposition, scratch);
	drop_nuls(&fields.encoding, scratch);
	drop_nuls(&fields.content_id, scratch);
	if (fields.disposition.name.len > 0) {
		(void)parse_value(&fields.disposition, scratch, &disposition);
		read_disposition(&disposition, part);
		name = parameters_get(&disposition, "filename", scratch);
	}
	filename = name;
	if (parse_value(&fields.type, scratch, &type)) {
		read_type(&type, arena, scratch, part);
		if (filename == NULL || filename[0] == '\0')
			filename = parameters_get(&type, "name", scratch);
	}
	if (fields.type.name.len == 0)
		guess_type(name, disposition.value, part);
	else if (part->type[0] == '\0')
		part->type = part->parent == MIME_ROOT
				 ? "text/plain"
				 : "application/octet-stream";
	if (filename != NULL)
		part->filename = filename_clean(slice_of(filename), arena);
	part->encoding = transfer_named(fields.encoding.value);
	/* In text, files are found where they stand among other lines. */
	if (part->encoding == TRANSFER_UUENCODE &&
	    strcmp(part->type, "text/plain") == 0)
		part->encoding = TRANSFER_IDENTITY;
	part->content_id = read_content_id(&fields.content_id, arena);
}

/* --- every name ------------------------------------------------------- */

struct telling {
	struct arena *scratch;
	mime_name_fn *tell;
	void *arg;
};

static bool tell_of(const struct telling *telling,
    const struct parameters *parameters, const char *name)
{
	const char *found = parameters_get(parameters, name, telling->scratch);

	if (found != NULL)
		found = filename_clean(slice_of(found), telling->scratch);
	return found == NULL || telling->tell(telling->arg, found);
}

/* Whether it is `name`, or a piece of it by RFC 2231. */
static bool is_called(const struct parameter *parameter, const char *name)
{
	return slice_starts(parameter->name, name) &&
	       (parameter->name.len == strlen(name) ||
		   parameter->name.data[strlen(name)] == '*');
}

/* As it should be read, only its pieces, and each by itself. */
static bool tell_parameter(const struct telling *telling,
    const struct parameters *parameters, const char *name)
{
	struct parameters some = {.count = 0};

	if (!tell_of(telling, parameters, name))
		return false;
	for (size_t i = 0; i < parameters->count; i++)
		if (is_called(&parameters->list[i], name) &&
		    parameters->list[i].name.len > strlen(name))
			some.list[some.count++] = parameters->list[i];
	if (!tell_of(telling, &some, name))
		return false;
	some.count = 1;
	for (size_t i = 0; i < parameters->count; i++) {
		some.list[0] = parameters->list[i];
		if (is_called(&some.list[0], name) &&
		    !tell_of(telling, &some, name))
			return false;
	}
	return true;
}

bool mime_header_names(
    struct slice block, struct arena *scratch, mime_name_fn *tell, void *arg)
{
	const struct telling telling = {scratch, tell, arg};
	struct parameters parameters;
	struct header_field field;

	arena_reset(scratch);
	while (header_next(&block, &field)) {
		if (!slice_is(field.name, "content-type") &&
		    !slice_is(field.name, "content-disposition"))
			continue;
		drop_nuls(&field, scratch);
		(void)parse_value(&field, scratch, &parameters);
		if (!tell_parameter(&telling, &parameters, "filename") ||
		    !tell_parameter(&telling, &parameters, "name"))
			return false;
	}
	return true;
}
