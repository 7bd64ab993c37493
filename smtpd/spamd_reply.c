#include "smtpd/spamd_reply.h"

#include "mail/header.h"

#include <math.h>
#include <stdlib.h>

/* A decimal number at the front of the text, and no other kind. */
static bool take_number(struct slice *text, double *number)
{
	char copy[32];
	size_t len = 0;
	char *end;

	*text = slice_trim(*text);
	while (len < text->len && len < sizeof(copy) - 1 &&
	       strchr("-+.0123456789", text->data[len]) != NULL &&
	       text->data[len] != '\0') {
		copy[len] = text->data[len];
		len++;
	}
	copy[len] = '\0';
	*number = strtod(copy, &end);
	*text = slice_from(*text, len);
	return len > 0 && *end == '\0' && isfinite(*number);
}

static bool take_char(struct slice *text, char c)
{
	*text = slice_trim(*text);
	if (text->len == 0 || text->data[0] != c)
		return false;
	*text = slice_from(*text, 1);
	return true;
}

/* "True ; 15.0 / 5.0" */
static bool read_spam(struct slice value, struct spamd_reply *reply)
{
	struct slice word;

	value = slice_trim(value);
	word = slice_trim(slice_first(value, slice_find(value, ';')));
	reply->spam = slice_is(word, "True") || slice_is(word, "Yes");
	if (!reply->spam && !slice_is(word, "False") && !slice_is(word, "No"))
		return false;
	value = slice_from(value, slice_find(value, ';'));
	return take_char(&value, ';') && take_number(&value, &reply->score) &&
	       take_char(&value, '/') &&
	       take_number(&value, &reply->threshold) && value.len == 0;
}

static bool read_length(struct slice value, size_t *length)
{
	value = slice_trim(value);
	*length = 0;
	if (value.len == 0 || value.len > 9)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return false;
		*length = *length * 10 + (size_t)(value.data[i] - '0');
	}
	return true;
}

/* "SPAMD/1.1 0 EX_OK", and what follows it. */
static bool take_status(struct slice *answer)
{
	struct slice line = slice_first(*answer, slice_find(*answer, '\n'));
	struct slice rest;

	if (line.len == answer->len || !slice_starts(line, "SPAMD/"))
		return false;
	*answer = slice_from(*answer, line.len + 1);
	rest = slice_trim(slice_from(line, slice_find(line, ' ')));
	return slice_equals(slice_first(rest, slice_find(rest, ' ')), "0") ||
	       slice_equals(rest, "0");
}

/* The block of headers; *answer becomes what follows its empty line. */
static bool take_headers(struct slice *answer, struct slice *headers)
{
	for (size_t at = 0; at + 1 < answer->len; at++) {
		size_t gap = 0;

		if (answer->data[at] != '\n')
			continue;
		if (answer->data[at + 1] == '\n')
			gap = 2;
		else if (at + 2 < answer->len && answer->data[at + 1] == '\r' &&
			 answer->data[at + 2] == '\n')
			gap = 3;
		if (gap == 0)
			continue;
		*headers = slice_first(*answer, at + 1);
		*answer = slice_from(*answer, at + gap);
		return true;
	}
	return false;
}

bool spamd_reply_parse(struct slice answer, struct spamd_reply *reply)
{
	struct header_field field;
	struct slice headers;
	size_t length;

	*reply = (struct spamd_reply){.spam = false};
	if (!take_status(&answer) || !take_headers(&answer, &headers) ||
	    !header_first(headers, "Spam", &field) ||
	    !read_spam(field.value, reply))
		return false;
	/* Without it a report that was cut off could not be told. */
	if (!header_first(headers, "Content-length", &field) ||
	    !read_length(field.value, &length) || answer.len < length)
		return false;
	reply->report = slice_trim(slice_first(answer, length));
	return true;
}

/* --- the tests -------------------------------------------------------- */

static bool is_name_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* " 1.2 NAME      what it means": a row of the report's table. */
static bool read_row(struct slice line, struct slice *name)
{
	double points;
	size_t len = 0;

	line = slice_trim(line);
	if (!take_number(&line, &points) || line.len == 0 ||
	    line.data[0] != ' ')
		return false;
	line = slice_trim(line);
	while (len < line.len && is_name_char(line.data[len]))
		len++;
	*name = slice_first(line, len);
	return len > 2 && (len == line.len || line.data[len] == ' ');
}

bool spamd_reply_tests(struct slice report, struct buf *out)
{
	size_t before = out->len;
	struct slice name;

	while (report.len > 0) {
		size_t len = slice_find(report, '\n');

		if (read_row(slice_first(report, len), &name)) {
			if (out->len > before && !buf_append_char(out, ','))
				return false;
			if (!buf_append(out, name.data, name.len))
				return false;
		}
		report = slice_from(report, len < report.len ? len + 1 : len);
	}
	return out->len > before || buf_append_text(out, "none");
}
