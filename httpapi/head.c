#include "httpapi/head.h"

#include "base/digit.h"
#include "base/number.h"
#include "bounds.h"

#include <stdint.h>
#include <stdio.h>

/* What is counted while the fields pass by. */
struct fields {
	size_t count;
	size_t hosts, lengths, encodings;
};

static bool refuse(struct fault *fault, int status, const char *text)
{
	*fault = (struct fault){status, text};
	return false;
}

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

bool head_is_token_char(char c)
{
	return is_alphanumeric(c) ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!head_is_token_char(text.data[i]))
			return false;
	return text.len > 0;
}

/* --- the request line (RFC 9112 section 3) ---------------------------- */

/* pchar, '/' and '?' of RFC 3986; an escaped NUL is no character of a path. */
static bool is_path(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c == '%') {
			if (i + 2 >= text.len ||
			    hex_byte(text.data + i + 1) < 0 ||
			    memcmp(text.data + i, "%00", 3) == 0)
				return false;
			i += 2;
		} else if (!is_alphanumeric(c) &&
			   (c == '\0' ||
			       strchr("-._~!$&'()*+,;=:@/?", c) == NULL)) {
			return false;
		}
	}
	return true;
}

static size_t count_of(struct slice text, char c)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += text.data[i] == c;
	return count;
}

static bool check_target(const struct head *head, struct fault *fault)
{
	if (head->target.len > LIMIT_HTTP_TARGET ||
	    count_of(head->target, '&') >= LIMIT_HTTP_FIELDS)
		return refuse(fault, 414, "the request target is too long");
	if (slice_equals(head->target, "*") &&
	    slice_equals(head->method, "OPTIONS"))
		return true;
	/* The absolute form could name another host than Host does, and only
	 * proxies are asked in it. */
	if (head->target.len == 0 || head->target.data[0] != '/' ||
	    !is_path(head->target))
		return refuse(
		    fault, 400, "the request target is not a plain path");
	return true;
}

static bool check_version(
    struct slice version, struct head *head, struct fault *fault)
{
	head->old = slice_equals(version, "HTTP/1.0");
	if (head->old || slice_equals(version, "HTTP/1.1"))
		return true;
	if (version.len == 8 && memcmp(version.data, "HTTP/", 5) == 0)
		return refuse(fault, 505, "only HTTP/1.1 is spoken here");
	return refuse(fault, 400, "the request line is malformed");
}

/* method SP target SP version, with one blank each and no more. */
static bool parse_request_line(
    struct slice line, struct head *head, struct fault *fault)
{
	struct slice rest;
	size_t blank = slice_find(line, ' ');

	head->method = slice_first(line, blank);
	if (blank == line.len || !is_token(head->method) ||
	    head->method.len > LIMIT_HTTP_METHOD)
		return refuse(fault, 400, "the request line is malformed");
	rest = slice_from(line, blank + 1);
	blank = slice_find(rest, ' ');
	if (blank == rest.len)
		return refuse(fault, 400, "the request line is malformed");
	head->target = slice_first(rest, blank);
	return check_version(slice_from(rest, blank + 1), head, fault) &&
	       check_target(head, fault);
}

/* --- fields (RFC 9112 section 5) -------------------------------------- */

static bool is_field_value(struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.data[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool read_length(
    struct slice value, struct head *head, struct fault *fault)
{
	char digits[24];
	int len = snprintf(
	    digits, sizeof(digits), "%.*s", (int)value.len, value.data);

	if (value.len == 0 || len < 0 || (size_t)len >= sizeof(digits) ||
	    !number_parse(digits, INT64_MAX, &head->length))
		return refuse(fault, 400, "Content-Length is not a number");
	return true;
}

static bool read_encoding(
    struct slice value, struct head *head, struct fault *fault)
{
	head->chunked = slice_is(value, "chunked");
	if (!head->chunked)
		return refuse(fault, 501,
		    "no transfer coding but chunked is understood here");
	return true;
}

static bool is_host(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if (!is_alphanumeric(value.data[i]) &&
		    strchr("-._~:[]%", value.data[i]) == NULL)
			return false;
	return true;
}

static bool read_field(struct slice name, struct slice value,
    struct fields *fields, struct head *head, struct fault *fault)
{
	if (slice_is(name, "content-length"))
		return fields->lengths++ == 0
			   ? read_length(value, head, fault)
			   : refuse(fault, 400,
				 "there is more than one Content-Length");
	if (slice_is(name, "transfer-encoding"))
		return fields->encodings++ == 0
			   ? read_encoding(value, head, fault)
			   : refuse(fault, 400,
				 "there is more than one Transfer-Encoding");
	if (slice_is(name, "host"))
		return fields->hosts++ == 0 && is_host(value)
			   ? true
			   : refuse(fault, 400, "Host is not one host");
	if (slice_is(name, "expect") && !slice_is(value, "100-continue"))
		return refuse(fault, 417, "only 100-continue can be expected");
	return true;
}

static bool parse_field(struct slice line, struct fields *fields,
    struct head *head, struct fault *fault)
{
	struct slice name, value;
	size_t colon = slice_find(line, ':');

	if (line.data[0] == ' ' || line.data[0] == '\t')
		return refuse(fault, 400, "a header line is folded");
	if (++fields->count > LIMIT_HTTP_FIELDS)
		return refuse(fault, 431, "there are too many header lines");
	name = slice_first(line, colon);
	if (colon == line.len || !is_token(name))
		return refuse(fault, 400, "a header line is malformed");
	value = slice_trim(slice_from(line, colon + 1));
	if (!is_field_value(value))
		return refuse(
		    fault, 400, "a header line has a control character");
	return read_field(name, value, fields, head, fault);
}

static bool check_fields(
    const struct fields *fields, const struct head *head, struct fault *fault)
{
	if (fields->encodings > 0 && fields->lengths > 0)
		return refuse(fault, 400,
		    "both Content-Length and Transfer-Encoding are there");
	if (fields->encodings > 0 && head->old)
		return refuse(fault, 400, "HTTP/1.0 has no Transfer-Encoding");
	if (fields->hosts == 0 && !head->old)
		return refuse(fault, 400, "Host is missing");
	return true;
}

/* The next line without its CRLF. */
static struct slice take_line(struct slice *text)
{
	size_t end = slice_find(*text, '\r');
	struct slice line = slice_first(*text, end);

	*text = slice_from(*text, end + 2 <= text->len ? end + 2 : text->len);
	return line;
}

bool head_parse(struct slice text, struct head *head, struct fault *fault)
{
	struct fields fields = {0};
	struct slice line = take_line(&text);

	*head = (struct head){0};
	*fault = (struct fault){0};
	if (!parse_request_line(line, head, fault))
		return false;
	while ((line = take_line(&text)).len > 0)
		if (!parse_field(line, &fields, head, fault))
			return false;
	return check_fields(&fields, head, fault);
}
