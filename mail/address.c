#include "mail/address.h"

#include "base/net.h"
#include "base/slice.h"
#include "base/utf8.h"

#include <string.h>
#include <strings.h>

#define LIMIT_LABEL 63 /* RFC 1035 section 2.3.4 */

/* How far the reading went. */
struct cursor {
	const char *at, *end;
	bool utf8;
};

static bool at_char(const struct cursor *cursor, char c)
{
	return cursor->at < cursor->end && *cursor->at == c;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* RFC 5322 section 3.2.3, and the dot. */
static bool is_dot_atext(char c)
{
	return is_alnum(c) ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

/* Passes one character beyond ASCII (RFC 6531 section 3.3). */
static bool pass_utf8(struct cursor *cursor)
{
	int step;
	size_t bad;

	if (cursor->at == cursor->end || (unsigned char)*cursor->at < 0x80)
		return false;
	step =
	    utf8_sequence(cursor->at, (size_t)(cursor->end - cursor->at), &bad);
	if (step <= 0)
		return false;
	cursor->at += step;
	cursor->utf8 = true;
	return true;
}

static bool pass_quoted_char(struct cursor *cursor)
{
	if (at_char(cursor, '\\'))
		cursor->at++;
	else if (at_char(cursor, '"'))
		return false;
	if (pass_utf8(cursor))
		return true;
	if (cursor->at == cursor->end || *cursor->at < ' ' || *cursor->at > '~')
		return false;
	cursor->at++;
	return true;
}

static bool pass_quoted(struct cursor *cursor)
{
	cursor->at++;
	while (pass_quoted_char(cursor))
		;
	if (!at_char(cursor, '"'))
		return false;
	cursor->at++;
	return true;
}

static bool pass_local(struct cursor *cursor)
{
	const char *start = cursor->at;

	if (at_char(cursor, '"'))
		return pass_quoted(cursor);
	while (cursor->at < cursor->end) {
		if (is_dot_atext(*cursor->at))
			cursor->at++;
		else if (!pass_utf8(cursor))
			break;
	}
	return cursor->at > start;
}

static bool pass_label(struct cursor *cursor)
{
	const char *start = cursor->at;

	while (cursor->at < cursor->end) {
		if (is_alnum(*cursor->at) || *cursor->at == '-' ||
		    *cursor->at == '_')
			cursor->at++;
		else if (!pass_utf8(cursor))
			break;
	}
	return cursor->at > start && cursor->at - start <= LIMIT_LABEL;
}

static bool pass_domain_name(struct cursor *cursor)
{
	const char *start = cursor->at;

	if (!pass_label(cursor))
		return false;
	while (at_char(cursor, '.')) {
		cursor->at++;
		if (!pass_label(cursor))
			return false;
	}
	return cursor->at - start <= LIMIT_DOMAIN;
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 section 4.1.3). */
static bool pass_literal(struct cursor *cursor)
{
	const char *start = cursor->at + 1;
	const char *close = memchr(start, ']', (size_t)(cursor->end - start));
	bool six;
	struct ip ip;

	if (close == NULL)
		return false;
	six = close - start > 5 && strncasecmp(start, "IPv6:", 5) == 0;
	if (six)
		start += 5;
	if (!ip_parse(start, (size_t)(close - start), &ip) ||
	    six != (memchr(start, ':', (size_t)(close - start)) != NULL))
		return false;
	cursor->at = close + 1;
	return true;
}

/* Reads a mailbox; without a domain too if `bare` allows it. */
static bool pass_mailbox(
    struct cursor *cursor, bool bare, struct address *address)
{
	address->local = cursor->at;
	if (!pass_local(cursor))
		return false;
	address->local_len = (size_t)(cursor->at - address->local);
	address->domain = cursor->at;
	address->domain_len = 0;
	if (at_char(cursor, '@')) {
		address->domain = ++cursor->at;
		if (at_char(cursor, '[') ? !pass_literal(cursor)
					 : !pass_domain_name(cursor))
			return false;
		address->domain_len = (size_t)(cursor->at - address->domain);
	} else if (!bare) {
		return false;
	}
	address->utf8 = cursor->utf8;
	return cursor->at - address->local <= LIMIT_PATH - 2;
}

static bool pass_source_route(struct cursor *cursor)
{
	while (at_char(cursor, '@')) {
		cursor->at++;
		if (!pass_domain_name(cursor))
			return false;
		if (at_char(cursor, ':')) {
			cursor->at++;
			cursor->utf8 = false; /* it is not kept */
			return true;
		}
		if (!at_char(cursor, ','))
			return false;
		cursor->at++;
	}
	return false;
}

bool address_parse_path(
    const char *text, size_t len, struct address *address, size_t *used)
{
	struct cursor cursor = {.at = text, .end = text + len};

	if (!at_char(&cursor, '<'))
		return false;
	cursor.at++;
	*address = (struct address){.local = cursor.at, .domain = cursor.at};
	if (!at_char(&cursor, '>')) {
		if (at_char(&cursor, '@') && !pass_source_route(&cursor))
			return false;
		if (!pass_mailbox(&cursor, true, address) ||
		    !at_char(&cursor, '>'))
			return false;
	}
	*used = (size_t)(cursor.at + 1 - text);
	return true;
}

bool address_parse(const char *text, size_t len, struct address *address)
{
	struct cursor cursor = {.at = text, .end = text + len};

	return pass_mailbox(&cursor, false, address) && cursor.at == cursor.end;
}

bool address_parse_recipient(
    const char *text, size_t len, struct address *address)
{
	struct cursor cursor = {.at = text, .end = text + len};

	return pass_mailbox(&cursor, true, address) &&
	       cursor.at == cursor.end && address_is_recipient(address);
}

bool address_is_recipient(const struct address *address)
{
	struct slice local = {address->local, address->local_len};

	return address->domain_len > 0 || slice_is(local, "postmaster");
}

bool address_is_null(const struct address *address)
{
	return address->local_len == 0;
}

/* Whether a local part, without quotes and backslashes, needs quotes. */
static bool needs_quotes(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_dot_atext(text[i]) && (unsigned char)text[i] < 0x80)
			return true;
	return len == 0 || text[0] == '.' || text[len - 1] == '.' ||
	       memmem(text, len, "..", 2) != NULL;
}

/* A quoted local part in its shortest form. */
static size_t format_quoted(const char *text, size_t len, char *out)
{
	char *at = out;

	for (size_t i = 1; i < len - 1; i++) {
		if (text[i] == '\\')
			i++;
		*at++ = text[i];
	}
	if (!needs_quotes(out, (size_t)(at - out)))
		return (size_t)(at - out);
	at = out;
	*at++ = '"';
	for (size_t i = 1; i < len - 1; i++) {
		if (text[i] == '\\')
			i++;
		if (text[i] == '\\' || text[i] == '"')
			*at++ = '\\';
		*at++ = text[i];
	}
	*at++ = '"';
	return (size_t)(at - out);
}

size_t address_format(const struct address *address, char out[ADDRESS_SIZE])
{
	size_t len = address->local_len;

	if (len > 1 && address->local[0] == '"') {
		len = format_quoted(address->local, len, out);
	} else if (len > 0) {
		memcpy(out, address->local, len);
	}
	if (address->domain_len > 0) {
		out[len++] = '@';
		memcpy(out + len, address->domain, address->domain_len);
		len += address->domain_len;
	}
	out[len] = '\0';
	return len;
}

bool address_is_domain(const char *text, size_t len)
{
	struct cursor cursor = {.at = text, .end = text + len};

	return pass_domain_name(&cursor) && cursor.at == cursor.end;
}

bool address_is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}
