#include "smtpd/header_watch.h"

#include "base/slice.h"
#include "base/utf8.h"

#include <string.h>

/* RFC 5322 section 2.1.1: no line is longer. */
#define LIMIT_FIELD_LINE ((size_t)998)

struct header_watch header_watch_begin(void)
{
	return (struct header_watch){.message_id = buf_new(LIMIT_FIELD_LINE)};
}

void header_watch_free(struct header_watch *watch)
{
	buf_free(&watch->message_id);
}

static void begin_value(struct header_watch *watch)
{
	struct slice name = {watch->name, watch->name_len};

	watch->state = HEADER_VALUE;
	watch->is_message_id = slice_is(name, "Message-ID");
	if (watch->is_message_id)
		buf_clear(&watch->message_id); /* the last one counts */
	if (slice_is(name, "Received"))
		watch->received++;
	watch->described |= slice_starts(name, "Content-");
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void read_name_byte(struct header_watch *watch, char c)
{
	if (c == ':' && watch->name_len > 0) {
		begin_value(watch);
	} else if (is_blank(c) && watch->name_len > 0) {
		watch->name_ended = true; /* RFC 5322 section 4.5 */
	} else if (c > ' ' && c <= '~' && c != ':' && !watch->name_ended &&
		   watch->name_len < LIMIT_FIELD_LINE) {
		if (watch->name_len < sizeof(watch->name))
			watch->name[watch->name_len] = c;
		watch->name_len++;
	} else {
		watch->state = HEADER_END;
		watch->described |= c != '\r' || watch->name_len > 0;
	}
}

/* Up to the end of the line; returns how much that was. */
static size_t read_value(
    struct header_watch *watch, const char *bytes, size_t len)
{
	const char *newline = memchr(bytes, '\n', len);
	size_t room = watch->message_id.limit - watch->message_id.len;

	if (newline != NULL) {
		len = (size_t)(newline - bytes) + 1;
		watch->lines++;
		watch->state = HEADER_FOLD;
	}
	if (watch->is_message_id)
		(void)buf_append(
		    &watch->message_id, bytes, len < room ? len : room);
	return len;
}

void header_watch_read(
    struct header_watch *watch, const char *bytes, size_t len)
{
	size_t step;

	for (; len > 0 && watch->state != HEADER_END; bytes += step) {
		step = 0;
		if (watch->state == HEADER_VALUE) {
			step = read_value(watch, bytes, len);
		} else if (watch->state == HEADER_NAME) {
			read_name_byte(watch, *bytes);
			step = watch->state != HEADER_END;
		} else if (is_blank(*bytes)) {
			watch->state = HEADER_VALUE;
		} else {
			watch->state = HEADER_NAME;
			watch->name_len = 0;
			watch->name_ended = false;
		}
		watch->bytes += step;
		len -= step;
	}
}

static bool is_printable(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 0x7F)
			return false;
	return utf8_valid(text.data, text.len);
}

const char *header_watch_message_id(struct header_watch *watch)
{
	struct slice all = {watch->message_id.data, watch->message_id.len};
	struct slice id = slice_trim(all);
	size_t open = slice_find(id, '<');

	if (open < id.len) {
		id = slice_from(id, open + 1);
		id = slice_first(id, slice_find(id, '>'));
	}
	if (id.len == 0 || !is_printable(id))
		return NULL;
	watch->message_id.data[(size_t)(id.data - all.data) + id.len] = '\0';
	return id.data;
}
