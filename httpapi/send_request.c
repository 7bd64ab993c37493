#include "httpapi/send_request.h"

#include "base/buf.h"
#include "bounds.h"
#include "mail/address.h"
#include "mail/filename.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What the reading works with. */
struct reading {
	struct send_request *request;
	const json_t *root;
	struct json_intake *intake;
	const struct source *stored;
	const struct send_rules *rules;
	struct send_fault *fault;
};

static bool refuse(struct reading *reading, const char *field,
    const char *format, ...) PRINTF_LIKE(3, 4);

static bool refuse(
    struct reading *reading, const char *field, const char *format, ...)
{
	struct send_fault *fault = reading->fault;
	va_list args;

	fault->status = 400;
	(void)snprintf(fault->field, sizeof(fault->field), "%s", field);
	va_start(args, format);
	(void)vsnprintf(fault->reason, sizeof(fault->reason), format, args);
	va_end(args);
	return false;
}

static bool refuse_error(
    struct reading *reading, const char *field, const struct error *err)
{
	(void)refuse(reading, field, "%s", err->text);
	if (err->kind != ERROR_PERMANENT)
		reading->fault->status =
		    err->kind == ERROR_LIMIT
			? 413
			: (err->kind == ERROR_FULL ? 507 : 503);
	return false;
}

/* --- values ----------------------------------------------------------- */

/* A member that is there and not null. */
static const json_t *member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_null(value) ? NULL : value;
}

/* A string that fits in memory, as text; NUL stays in it and is refused by
 * whoever looks at the characters. */
static bool take_short(struct reading *reading, const char *field,
    const json_t *value, size_t most, struct slice *text)
{
	struct source source;
	struct error err;
	char *copy;

	if (!json_is_string(value))
		return refuse(reading, field, "is not a string");
	source = json_intake_string(reading->intake, value, reading->stored);
	if (source.size > most)
		return refuse(reading, field, "is longer than %zu bytes", most);
	copy = arena_alloc(reading->request->arena, (size_t)source.size + 1);
	if (!source.read(source.arg, 0, copy, (size_t)source.size, &err))
		return refuse_error(reading, field, &err);
	copy[source.size] = '\0';
	*text = (struct slice){copy, (size_t)source.size};
	return true;
}

/* One line of text. */
static bool take_line(struct reading *reading, const char *field,
    const json_t *value, size_t most, struct slice *text)
{
	if (!take_short(reading, field, value, most, text))
		return false;
	for (size_t i = 0; i < text->len; i++) {
		char c = text->data[i];

		if (c == '\r' || c == '\n')
			return refuse(reading, field, "has a line break");
		if (((unsigned char)c < ' ' && c != '\t') || c == 0x7f)
			return refuse(
			    reading, field, "has a control character");
	}
	*text = slice_trim(*text);
	return true;
}

/* --- addresses -------------------------------------------------------- */

static bool add_addresses(struct reading *reading, const char *field,
    const json_t *value, struct address_list *list)
{
	const char *fault;
	struct slice text;

	if (!take_line(reading, field, value, LIMIT_ADDRESS_TEXT, &text))
		return false;
	return address_list_parse(
		   list, text, reading->request->arena, &fault) ||
	       refuse(reading, field, "%s", fault);
}

/* A string or an array of them. */
static bool read_addresses(
    struct reading *reading, const char *field, struct address_list *list)
{
	const json_t *value = member(reading->root, field);
	char name[64];

	if (value == NULL)
		return true;
	if (json_is_string(value))
		return add_addresses(reading, field, value, list);
	if (!json_is_array(value))
		return refuse(
		    reading, field, "is neither a string nor a list of them");
	for (size_t i = 0; i < json_array_size(value); i++) {
		(void)snprintf(name, sizeof(name), "%s[%zu]", field, i);
		if (!add_addresses(
			reading, name, json_array_get(value, i), list))
			return false;
	}
	return true;
}

static bool read_one_address(
    struct reading *reading, const char *field, struct address_list *list)
{
	return read_addresses(reading, field, list) &&
	       (list->count <= 1 ||
		   refuse(reading, field, "has more than one address"));
}

/* The local part belongs to its host and is compared exactly, the domain
 * without regard to case (RFC 5321 section 2.4). */
static bool is_same(const char *a, const char *b)
{
	size_t local = (size_t)(strrchr(a, '@') - a);

	return strncmp(a, b, local) == 0 &&
	       strcasecmp(a + local, b + local) == 0;
}

static bool has_recipient(
    const struct send_request *request, const char *address)
{
	for (size_t i = 0; i < request->recipient_count; i++)
		if (is_same(address, request->recipients[i].address))
			return true;
	return false;
}

static const char *lower(struct arena *arena, const char *text)
{
	char *copy = arena_strdup(arena, text);

	for (char *c = copy; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return copy;
}

static struct recipient recipient_of(
    const struct reading *reading, const char *address)
{
	const struct send_rules *rules = reading->rules;
	const char *domain =
	    lower(reading->request->arena, strrchr(address, '@') + 1);

	if (rules->is_local(rules->arg, domain))
		return (struct recipient){
		    .address = address, .lane = LANE_WEBHOOK};
	return (struct recipient){
	    .address = address, .lane = LANE_SMTP, .destination = domain};
}

static bool add_recipients(
    struct reading *reading, const char *field, const struct address_list *list)
{
	struct send_request *request = reading->request;
	unsigned most = reading->rules->config->max_recipients;

	for (size_t i = 0; i < list->count; i++) {
		const char *address = list->items[i].address;

		if (has_recipient(request, address))
			continue;
		if (request->recipient_count == most)
			return refuse(reading, field,
			    "makes it more than %u recipients", most);
		request->utf8 |= !address_is_ascii(address);
		request->recipients[request->recipient_count++] =
		    recipient_of(reading, address);
	}
	return true;
}

static bool read_envelope(struct reading *reading)
{
	struct send_request *request = reading->request;
	struct letter *letter = &request->letter;
	struct address_list bcc = {0};

	if (!read_one_address(reading, "from", &letter->from) ||
	    !read_one_address(reading, "sender", &letter->sender) ||
	    !read_addresses(reading, "reply_to", &letter->reply_to) ||
	    !read_addresses(reading, "to", &letter->to) ||
	    !read_addresses(reading, "cc", &letter->cc) ||
	    !read_addresses(reading, "bcc", &bcc))
		return false;
	if (letter->from.count == 0)
		return refuse(reading, "from", "is missing");
	request->sender = letter->from.items[0].address;
	request->domain =
	    lower(request->arena, strrchr(request->sender, '@') + 1);
	request->utf8 = !address_is_ascii(request->sender);
	request->recipients =
	    arena_alloc(request->arena, reading->rules->config->max_recipients *
					    sizeof(*request->recipients));
	if (!add_recipients(reading, "to", &letter->to) ||
	    !add_recipients(reading, "cc", &letter->cc) ||
	    !add_recipients(reading, "bcc", &bcc))
		return false;
	return request->recipient_count > 0 ||
	       refuse(reading, "to", "is missing, as are cc and bcc");
}

/* --- headers ---------------------------------------------------------- */

/* Message-ID and Date may be the application's own; they are then not ours. */
static bool note_header(
    struct reading *reading, const char *field, struct letter_header *header)
{
	struct letter *letter = &reading->request->letter;
	struct slice name = slice_of(header->name);
	const char *id;

	if (slice_is(name, "date") && header->value.len > 0) {
		letter->date_ms = 0;
		return true;
	}
	if (!slice_is(name, "message-id") || header->value.len == 0)
		return true;
	id = arena_strndup(
	    reading->request->arena, header->value.data, header->value.len);
	if (header->value.len < 3 || id[0] != '<' ||
	    id[header->value.len - 1] != '>' || strpbrk(id, " \t") != NULL ||
	    strchr(id, '@') == NULL)
		return refuse(reading, field, "is not a message id");
	letter->message_id = id;
	return true;
}

static bool add_header(struct reading *reading, const char *name,
    const char *field, const json_t *value)
{
	struct send_request *request = reading->request;
	struct letter *letter = &request->letter;
	struct letter_header *header = &request->headers[letter->header_count];
	const json_t *text = value;
	bool done;

	if (letter->header_count == LIMIT_LETTER_HEADERS)
		return refuse(reading, "headers", "has more than %d entries",
		    LIMIT_LETTER_HEADERS);
	header->name = name;
	if (json_is_integer(value)) {
		header->value = slice_of(arena_printf(request->arena,
		    "%" JSON_INTEGER_FORMAT, json_integer_value(value)));
		done = true;
	} else {
		done = take_line(
		    reading, field, text, LIMIT_HEADER_VALUE, &header->value);
	}
	if (!done || !note_header(reading, field, header))
		return false;
	/* An empty field is none, and ours are written by the letter. */
	if (header->value.len > 0 && !slice_is(slice_of(name), "message-id"))
		letter->header_count++;
	return true;
}

static bool read_header(
    struct reading *reading, const char *name, const json_t *value)
{
	char field[96];
	bool done = true;

	(void)snprintf(field, sizeof(field), "headers.%.70s", name);
	for (char *c = field; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	if (json_intake_is_long(reading->intake, name) ||
	    !compose_is_name(slice_of(name)))
		return refuse(reading, field, "is no name of a header");
	/* What the letter's own fields say, nobody overrides. Reply-To has
	 * one, but not every caller uses it. */
	if (!compose_may_have(slice_of(name)) &&
	    !(strcasecmp(name, "reply-to") == 0 &&
		reading->request->letter.reply_to.count == 0))
		return true;
	if (strcasecmp(name, "reply-to") == 0)
		return add_addresses(
		    reading, field, value, &reading->request->letter.reply_to);
	if (!json_is_array(value))
		return add_header(reading, name, field, value);
	for (size_t i = 0; done && i < json_array_size(value); i++)
		done =
		    add_header(reading, name, field, json_array_get(value, i));
	return done;
}

static bool read_headers(struct reading *reading)
{
	json_t *value = json_object_get(reading->root, "headers");
	struct send_request *request = reading->request;
	const char *name;
	json_t *one;

	request->headers = arena_alloc(request->arena,
	    (LIMIT_LETTER_HEADERS + 1) * sizeof(*request->headers));
	request->letter.headers = request->headers;
	if (value == NULL || json_is_null(value))
		return true;
	if (!json_is_object(value))
		return refuse(reading, "headers", "is not an object");
	json_object_foreach(value, name, one)
	{
		if (!json_is_null(one) && !read_header(reading, name, one))
			return false;
	}
	return true;
}

/* --- texts ------------------------------------------------------------ */

static bool has_nul(const struct source *source, struct error *err, bool *has)
{
	char piece[4096];
	uint64_t offset = 0;
	size_t got;

	*has = false;
	for (; offset < source->size && !*has; offset += got) {
		if (!source_read(
			source, offset, piece, sizeof(piece), &got, err))
			return false;
		*has = memchr(piece, '\0', got) != NULL;
	}
	return true;
}

/* The first of the two names that is there. */
static bool read_text(struct reading *reading, const char *name,
    const char *other, struct source *text, bool *has)
{
	const char *field = member(reading->root, name) != NULL ? name : other;
	const json_t *value = member(reading->root, field);
	struct error err;
	bool nul;

	*has = false;
	if (value == NULL)
		return true;
	if (!json_is_string(value))
		return refuse(reading, field, "is not a string");
	*text = json_intake_string(reading->intake, value, reading->stored);
	*has = text->size > 0;
	if (!has_nul(text, &err, &nul))
		return refuse_error(reading, field, &err);
	return !nul || refuse(reading, field, "has a NUL character");
}

static bool read_texts(struct reading *reading)
{
	struct letter *letter = &reading->request->letter;
	const json_t *subject = member(reading->root, "subject");

	letter->text = source_memory("", 0);
	letter->html = source_memory("", 0);
	if (subject != NULL && !take_line(reading, "subject", subject,
				   LIMIT_HEADER_VALUE, &letter->subject))
		return false;
	letter->has_subject = letter->subject.len > 0;
	return read_text(reading, "text_body", "text", &letter->text,
		   &letter->has_text) &&
	       read_text(reading, "html_body", "html", &letter->html,
		   &letter->has_html);
}

/* --- attachments ------------------------------------------------------ */

/* A member of an attachment that is a line of text; NULL if it is not there. */
static bool take_detail(struct reading *reading, const json_t *attachment,
    size_t index, const char *name, const char **text)
{
	const json_t *value = member(attachment, name);
	char field[64];
	struct slice line;

	*text = NULL;
	if (value == NULL)
		return true;
	(void)snprintf(
	    field, sizeof(field), "attachments[%zu].%s", index, name);
	if (!take_line(reading, field, value, LIMIT_DETAIL, &line))
		return false;
	if (line.len > 0)
		*text =
		    arena_strndup(reading->request->arena, line.data, line.len);
	return true;
}

static bool is_content_id(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text >= 0x7f || *text == '<' ||
		    *text == '>')
			return false;
	return true;
}

static bool check_details(struct reading *reading, size_t index,
    struct letter_part *part, const char *encoding)
{
	struct arena *arena = reading->request->arena;
	const char *id = part->content_id;
	char field[64];

	if (part->filename != NULL)
		part->filename =
		    filename_clean(slice_of(part->filename), arena);
	(void)snprintf(
	    field, sizeof(field), "attachments[%zu].encoding", index);
	if (encoding != NULL && strcasecmp(encoding, "base64") != 0)
		return refuse(reading, field, "is not base64");
	(void)snprintf(
	    field, sizeof(field), "attachments[%zu].content_type", index);
	if (part->content_type != NULL &&
	    !compose_is_media_type(part->content_type))
		return refuse(reading, field, "is not a media type");
	if (id == NULL)
		return true;
	if (id[0] == '<' && id[strlen(id) - 1] == '>')
		id = arena_strndup(arena, id + 1, strlen(id) - 2);
	part->content_id = id;
	(void)snprintf(
	    field, sizeof(field), "attachments[%zu].content_id", index);
	return (id[0] != '\0' && is_content_id(id)) ||
	       refuse(reading, field, "is not a content id");
}

static bool read_attachment(struct reading *reading, size_t index,
    const json_t *value, struct letter_part *part)
{
	const json_t *data = member(value, "data");
	const char *encoding;
	char field[64];
	struct error err;
	uint64_t size;

	(void)snprintf(field, sizeof(field), "attachments[%zu]", index);
	if (!json_is_object(value))
		return refuse(reading, field, "is not an object");
	(void)snprintf(field, sizeof(field), "attachments[%zu].data", index);
	if (data == NULL)
		return refuse(reading, field, "is missing");
	if (!json_is_string(data))
		return refuse(reading, field, "is not a string");
	part->base64 =
	    json_intake_string(reading->intake, data, reading->stored);
	return take_detail(
		   reading, value, index, "filename", &part->filename) &&
	       take_detail(reading, value, index, "content_type",
		   &part->content_type) &&
	       take_detail(
		   reading, value, index, "content_id", &part->content_id) &&
	       take_detail(reading, value, index, "encoding", &encoding) &&
	       check_details(reading, index, part, encoding) &&
	       (body_check_base64(&part->base64, &size, &err) ||
		   refuse_error(reading, field, &err));
}

static bool read_attachments(struct reading *reading)
{
	const json_t *value = member(reading->root, "attachments");
	struct send_request *request = reading->request;
	size_t count = json_array_size(value);

	if (value == NULL)
		return true;
	if (!json_is_array(value))
		return refuse(reading, "attachments", "is not a list");
	if (count > LIMIT_LETTER_PARTS)
		return refuse(reading, "attachments", "has more than %d items",
		    LIMIT_LETTER_PARTS);
	request->parts =
	    arena_zalloc(request->arena, (count + 1) * sizeof(*request->parts));
	request->letter.parts = request->parts;
	request->letter.part_count = count;
	for (size_t i = 0; i < count; i++)
		if (!read_attachment(reading, i, json_array_get(value, i),
			&request->parts[i]))
			return false;
	return true;
}

/* --- a whole message -------------------------------------------------- */

static bool read_raw(struct reading *reading, const char *field)
{
	struct send_request *request = reading->request;
	const struct config *config = reading->rules->config;
	const json_t *value = member(reading->root, field);
	struct raw_letter *raw = &request->raw;
	struct error err;
	uint64_t size;

	if (!json_is_string(value))
		return refuse(reading, field, "is not a string");
	raw->source =
	    json_intake_string(reading->intake, value, reading->stored);
	raw->base64 = strcmp(field, "raw_base64") == 0;
	raw->from = request->sender;
	raw->message_id = request->letter.message_id;
	raw->date_ms = request->letter.date_ms;
	raw->max_header_bytes = config->max_header_bytes;
	raw->max_header_lines = config->max_header_lines;
	raw->max_received = config->max_received;
	request->is_raw = true;
	return !raw->base64 || body_check_base64(&raw->source, &size, &err) ||
	       refuse_error(reading, field, &err);
}

bool send_request_read(struct send_request *request, const json_t *root,
    struct json_intake *intake, const struct source *stored,
    const struct send_rules *rules, struct send_fault *fault)
{
	struct reading reading = {request, root, intake, stored, rules, fault};
	bool raw = member(root, "raw") != NULL;
	bool raw_base64 = member(root, "raw_base64") != NULL;

	if (!json_is_object(root))
		return refuse(&reading, "", "the body is not a JSON object");
	if (!read_envelope(&reading))
		return false;
	if (raw && raw_base64)
		return refuse(&reading, "raw_base64", "comes beside raw");
	if (raw || raw_base64)
		return read_raw(&reading, raw ? "raw" : "raw_base64");
	return read_headers(&reading) && read_texts(&reading) &&
	       read_attachments(&reading);
}
